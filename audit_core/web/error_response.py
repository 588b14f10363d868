"""How what routes raise is told over HTTP, in the one shape of `errors`."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from audit_core.domain.errors import (
    AccountError,
    AlertError,
    AuditError,
    BusyError,
    ExportError,
    FilterError,
    LogBehindError,
    LogLockedError,
    QueryCancelledError,
    QueryTimeoutError,
    RuleError,
    SourceError,
    SourceTooLargeError,
    SourceTypeError,
    StorageFullError,
    StoreUnavailableError,
)
from audit_core.web.errors import STATUS_OF, ErrorCode, method_not_allowed, not_found, refusal
from audit_core.web.security.origins import is_api

_CODES: tuple[tuple[type[AuditError], ErrorCode], ...] = (
    (StorageFullError, ErrorCode.STORAGE_FULL),
    (LogBehindError, ErrorCode.LOG_BEHIND),
    (StoreUnavailableError, ErrorCode.UNAVAILABLE),
    (LogLockedError, ErrorCode.UNAVAILABLE),
    (QueryTimeoutError, ErrorCode.TIMEOUT),
    (QueryCancelledError, ErrorCode.UNAVAILABLE),
    (BusyError, ErrorCode.BUSY),
    (FilterError, ErrorCode.INVALID_REQUEST),
    (SourceTooLargeError, ErrorCode.TOO_LARGE),
    (SourceTypeError, ErrorCode.UNSUPPORTED_TYPE),
    (SourceError, ErrorCode.INVALID_REQUEST),
    (AccountError, ErrorCode.INVALID_REQUEST),
    (AlertError, ErrorCode.INVALID_REQUEST),
    (RuleError, ErrorCode.INVALID_REQUEST),
    (ExportError, ErrorCode.INVALID_REQUEST),
)


def code_of(error: AuditError) -> ErrorCode:
    """What a program can tell the error by; `MISCONFIGURED` for one of the set-up."""
    if isinstance(error, BusyError) and error.own:
        return ErrorCode.TOO_MANY_REQUESTS
    return next((code for kind, code in _CODES if isinstance(error, kind)), ErrorCode.MISCONFIGURED)


def status_of(error: AuditError) -> int:
    """The HTTP status of an error that a person can act on; 500 for one of the set-up."""
    return STATUS_OF[code_of(error)]


async def answer_problem(request: Request, error: Exception) -> Response:
    """The exception handler for `AuditError`."""
    if not isinstance(error, AuditError):
        raise error
    return refusal(
        code_of(error),
        error.message,
        error.hint,
        retry_after_s=error.retry_after_s if isinstance(error, BusyError) else None,
    )


async def answer_http_exception(request: Request, error: Exception) -> Response:
    """The exception handler for `HTTPException`: what Starlette's router and Streamlit's routes
    refuse. Their own words are for developers of these, and are left out."""
    if not isinstance(error, HTTPException):
        raise error
    return _refused_by_others(error.status_code, error.headers or {})


def _refused_by_others(status: int, headers: Mapping[str, str]) -> Response:
    """The refusal with a status that code which is not ours chose."""
    if status in (204, 304):
        return Response(status_code=status, headers=headers)
    if status == 404:
        return not_found()
    if status == 405:
        return method_not_allowed(headers.get("Allow", ""))
    code = next(
        (code for code, known in STATUS_OF.items() if known == status),
        ErrorCode.INVALID_REQUEST if status < 500 else ErrorCode.UNAVAILABLE,
    )
    answer = refusal(
        code,
        "The request is refused.",
        "Check the address and the body of the request, and send it again.",
        headers=headers,
    )
    answer.status_code = status
    return answer


class ErrorShape:
    """ASGI middleware behind all others of ours: below /api, errors that come as plain text or
    without a content type get the shape of all errors. Streamlit's own middleware sends such."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_api(scope["path"]):
            await self._app(scope, receive, send)
            return
        replaced = False

        async def shaped(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and message["status"] >= 400:
                kind = Headers(raw=message["headers"]).get("content-type", "text/plain")
                if kind.startswith("text/plain"):
                    replaced = True
                    await _refused_by_others(message["status"], {})(scope, receive, send)
            if not replaced:
                await send(message)

        await self._app(scope, receive, shaped)


EXCEPTION_HANDLERS = {AuditError: answer_problem, HTTPException: answer_http_exception}
"""All handlers, for the application around the routes."""
