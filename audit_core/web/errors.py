"""The one shape of every error over HTTP.

A route, the gate and the server itself refuse with `refusal`, so that a program finds the same
fields everywhere: `error`, `hint` and `code`, and the status in the status line alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from starlette.responses import JSONResponse


class ErrorCode(StrEnum):
    """What happened, for programs. A code never changes its meaning or its status."""

    INVALID_REQUEST = "invalid_request"
    UNKNOWN_HOST = "unknown_host"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    FOREIGN_ORIGIN = "foreign_origin"
    FOREIGN_ORGANIZATION = "foreign_organization"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    BODY_TOO_SLOW = "body_too_slow"
    OTHER_ORGANIZATION = "other_organization"
    TOO_LARGE = "too_large"
    UNSUPPORTED_TYPE = "unsupported_type"
    RANGE_NOT_SATISFIABLE = "range_not_satisfiable"
    REJECTED = "rejected"
    HTTP_VERSION = "http_version"
    TOO_MANY_REQUESTS = "too_many_requests"
    INTERNAL_ERROR = "internal_error"
    MISCONFIGURED = "misconfigured"
    UNAVAILABLE = "unavailable"
    LOG_BEHIND = "log_behind"
    TIMEOUT = "timeout"
    BUSY = "busy"
    STORAGE_FULL = "storage_full"


_KNOWN: Mapping[ErrorCode, tuple[int, str]] = {
    ErrorCode.INVALID_REQUEST: (400, "A parameter, a header or the body cannot be read."),
    ErrorCode.UNKNOWN_HOST: (400, "The `Host` is not a name of this server."),
    ErrorCode.UNAUTHORIZED: (401, "There is no valid session or token."),
    ErrorCode.FORBIDDEN: (403, "The permission is missing; `permission` says which."),
    ErrorCode.FOREIGN_ORIGIN: (403, "Another site may have made the browser send the request."),
    ErrorCode.FOREIGN_ORGANIZATION: (403, "What is sent is about another organization."),
    ErrorCode.NOT_FOUND: (404, "There is no such route or file."),
    ErrorCode.METHOD_NOT_ALLOWED: (405, "The method is not offered here."),
    ErrorCode.BODY_TOO_SLOW: (408, "The body came too slowly."),
    ErrorCode.OTHER_ORGANIZATION: (
        409,
        "The browser has switched to another organization since the page was drawn.",
    ),
    ErrorCode.TOO_LARGE: (413, "The body is too large; nothing is stored."),
    ErrorCode.UNSUPPORTED_TYPE: (
        415,
        "The body is of a type, a compression or an encoding that is not read.",
    ),
    ErrorCode.RANGE_NOT_SATISFIABLE: (416, "The part that is asked for is behind the file's end."),
    ErrorCode.REJECTED: (422, "The body was read, and nothing in it could be accepted."),
    ErrorCode.HTTP_VERSION: (426, "The answer needs HTTP/1.1, where a cut can be seen."),
    ErrorCode.TOO_MANY_REQUESTS: (
        429,
        "Who asks, or their organization, has too much under way; see `Retry-After`.",
    ),
    ErrorCode.INTERNAL_ERROR: (500, "A fault; its `id` is in the log of the process."),
    ErrorCode.MISCONFIGURED: (500, "Whoever runs the server has to change something."),
    ErrorCode.UNAVAILABLE: (503, "A database is not available."),
    ErrorCode.LOG_BEHIND: (503, "The log has lost its end, and accepts nothing until told."),
    ErrorCode.TIMEOUT: (503, "A read took longer than it may."),
    ErrorCode.BUSY: (503, "The server has too much under way; see `Retry-After`."),
    ErrorCode.STORAGE_FULL: (507, "Too little free disk space is left; nothing is stored."),
}

STATUS_OF: Mapping[ErrorCode, int] = {code: status for code, (status, _) in _KNOWN.items()}
"""The HTTP status of each code: one code, one status."""

MEANING_OF: Mapping[ErrorCode, str] = {code: meaning for code, (_, meaning) in _KNOWN.items()}
"""What each code says, as a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBody:
    """The body of every error. What is `None` is left out."""

    error: str
    """What happened, as a sentence."""
    hint: str
    """What to do next, as a sentence."""
    code: ErrorCode
    permission: str | None = None
    """With `forbidden`: which permission is missing."""
    reason: str | None = None
    """With `forbidden`: why it is."""
    id: str | None = None
    """With `internal_error`: what the log of the process has under this id."""

    def as_json(self) -> dict[str, Any]:
        """As it goes out."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def error_response(body: ErrorBody, *, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer with an error; its code has its status."""
    return JSONResponse(body.as_json(), status_code=STATUS_OF[body.code], headers=headers)


def refusal(
    code: ErrorCode,
    error: str,
    hint: str,
    *,
    retry_after_s: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The refusal of a request, with the seconds after which it is worth sending again, if known.

    For a missing session, token or permission see `unauthorized` and `forbidden`.
    """
    added = dict(headers or {})
    if retry_after_s is not None:
        added["retry-after"] = str(retry_after_s)
    return error_response(ErrorBody(error=error, hint=hint, code=code), headers=added)


def unauthorized(*, bearer: bool = False) -> JSONResponse:
    """401, alike whatever is wrong with what was shown. `bearer`: the route takes tokens."""
    if bearer:
        return refusal(
            ErrorCode.UNAUTHORIZED,
            "There is no valid token with the request.",
            "Send Authorization: Bearer TOKEN, with a token that has not expired or been revoked.",
            headers={"www-authenticate": "Bearer"},
        )
    return refusal(
        ErrorCode.UNAUTHORIZED,
        "Nobody is signed in.",
        "Sign in on the page, and try again.",
    )


def forbidden(permission: str, reason: str, hint: str) -> JSONResponse:
    """403 for whoever lacks a permission; `reason` is a sentence."""
    return error_response(
        ErrorBody(
            error=f"The permission {permission} is missing.",
            hint=hint,
            code=ErrorCode.FORBIDDEN,
            permission=permission,
            reason=reason,
        )
    )


def not_found(
    error: str = "There is nothing at this address.",
    hint: str = "Look it up among the routes of the API.",
) -> JSONResponse:
    """404 for a route, or for something that a route looks for."""
    return refusal(ErrorCode.NOT_FOUND, error, hint)


def method_not_allowed(allowed: str) -> JSONResponse:
    """405; `allowed` lists the methods of the route as the header `Allow` does."""
    return refusal(
        ErrorCode.METHOD_NOT_ALLOWED,
        "The method is not offered here.",
        f"Use {allowed}." if allowed else "Look it up among the routes of the API.",
        headers={"allow": allowed} if allowed else None,
    )


def internal_error(error_id: str) -> JSONResponse:
    """500, for a fault that stands in the log of the process under this id."""
    return error_response(
        ErrorBody(
            error="Something went wrong on the server.",
            hint="Try again. If it goes on, give the id to whoever runs the server: it is in the "
            "log of the process.",
            code=ErrorCode.INTERNAL_ERROR,
            id=error_id,
        )
    )
