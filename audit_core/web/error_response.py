"""How what routes raise is told over HTTP, in the one shape of `errors`."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from audit_core.domain.errors import (
    AccountError,
    AuditError,
    BusyError,
    FilterError,
    LogBehindError,
    LogLockedError,
    QueryCancelledError,
    QueryTimeoutError,
    SourceError,
    SourceTooLargeError,
    SourceTypeError,
    StorageFullError,
    StoreUnavailableError,
)
from audit_core.web.errors import STATUS_OF, ErrorCode, method_not_allowed, not_found, refusal

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
    headers = error.headers or {}
    if error.status_code in (204, 304):
        return Response(status_code=error.status_code, headers=headers)
    if error.status_code == 404:
        return not_found()
    if error.status_code == 405:
        return method_not_allowed(headers.get("Allow", ""))
    code = next(
        (code for code, status in STATUS_OF.items() if status == error.status_code),
        ErrorCode.INVALID_REQUEST if error.status_code < 500 else ErrorCode.UNAVAILABLE,
    )
    answer = refusal(
        code,
        "The request is refused.",
        "Reload the page, and try again.",
        headers=headers,
    )
    answer.status_code = error.status_code
    return answer


EXCEPTION_HANDLERS = {AuditError: answer_problem, HTTPException: answer_http_exception}
"""All handlers, for the application around the routes."""
