"""GET /api/health: whether entries are accepted and pages shown. GET /api/live: whether the
process answers at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from audit_core.domain.errors import AuditError
from audit_core.installation.opened import Installation
from audit_core.installation.readiness import Readiness, Report, check
from audit_core.runtime.version import product_version
from audit_core.sources.findings import sender_warnings
from audit_core.web.errors import ErrorBody, ErrorCode

HEALTH_PATH = "/api/health"
LIVE_PATH = "/api/live"

NOT_READY = ErrorBody(
    error="Entries are not accepted, or pages not shown.",
    hint="See failing for the cause; the terminal of the server says more.",
    code=ErrorCode.UNAVAILABLE,
)
"""Stands in front of what is failing."""


def health_routes(installation: Callable[[], Installation]) -> list[Route]:
    """`HEALTH_PATH`, readiness: 200 `{"status": "ok", "version", "warnings": […]}`, or 503
    `{"status": "unavailable", "failing": [{"part", "reason"}], "version", "warnings": […]}`,
    after a write to both databases at most `readiness.KEPT_S` ago. `LIVE_PATH`: 200
    `{"status": "alive"}`."""
    readiness = Readiness(lambda: _check(installation))

    async def health(request: Request) -> JSONResponse:
        report = await run_in_threadpool(readiness.report)
        about = {
            "version": product_version(),
            "warnings": [asdict(item) for item in report.warnings],
        }
        if not report.failing:
            return JSONResponse({"status": "ok", **about})
        failing = [asdict(item) for item in report.failing]
        said = {**NOT_READY.as_json(), "status": "unavailable", "failing": failing, **about}
        return JSONResponse(said, status_code=503)

    async def live(request: Request) -> JSONResponse:
        return JSONResponse({"status": "alive"})

    return [
        Route(HEALTH_PATH, health, methods=["GET"]),
        Route(LIVE_PATH, live, methods=["GET"]),
    ]


def _check(installation: Callable[[], Installation]) -> Report:
    """Readiness, and how many senders of entries are stopped or silent, which fails nothing."""
    report = check(installation)
    if report.failing:
        return report
    try:
        warnings = sender_warnings(installation())
    except AuditError:
        # It will stand among what fails at the next check.
        return report
    return replace(report, warnings=(*report.warnings, *warnings))
