"""How an `AuditError` is told over HTTP."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse

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

_STATUS: tuple[tuple[type[AuditError], int], ...] = (
    (StorageFullError, 507),
    (StoreUnavailableError, 503),
    (LogLockedError, 503),
    (QueryTimeoutError, 503),
    (QueryCancelledError, 503),
    (BusyError, 503),
    (FilterError, 400),
    (SourceTooLargeError, 413),
    (SourceTypeError, 415),
    (SourceError, 400),
    (AccountError, 400),
)


def status_of(error: AuditError) -> int:
    """The HTTP status of an error that a person can act on; 500 for one of the set-up."""
    if isinstance(error, BusyError) and error.own:
        return 429
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


async def answer_problem(request: Request, error: Exception) -> JSONResponse:
    """The exception handler for `AuditError`."""
    if not isinstance(error, AuditError):
        raise error
    headers = {"retry-after": str(error.retry_after_s)} if isinstance(error, BusyError) else None
    return JSONResponse(
        {
            "error": error.message,
            "hint": error.hint,
            **({"code": error.code} if isinstance(error, LogBehindError) else {}),
        },
        status_code=status_of(error),
        headers=headers,
    )
