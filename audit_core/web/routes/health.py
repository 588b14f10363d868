"""GET /api/health: whether entries are accepted and pages shown. GET /api/live: whether the
process answers at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Literal

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse

from audit_core.domain.errors import AuditError
from audit_core.installation.anchors import anchor_warnings
from audit_core.installation.erasures import erasure_warnings
from audit_core.installation.integrity import integrity_warnings
from audit_core.installation.notifications import channel_warnings
from audit_core.installation.opened import Installation
from audit_core.installation.readiness import Finding, Readiness, Report, check
from audit_core.installation.vanished import vanished_warnings
from audit_core.installation.watching import watching_warnings
from audit_core.runtime.version import product_version
from audit_core.sources.findings import sender_warnings
from audit_core.web.errors import ErrorBody, ErrorCode
from audit_core.web.openapi.operation import Answer, ApiRoute, Operation, Section

HEALTH_PATH = "/api/health"
LIVE_PATH = "/api/live"

NOT_READY = ErrorBody(
    error="Entries are not accepted, or pages not shown.",
    hint="See failing for the cause; the terminal of the server says more.",
    code=ErrorCode.UNAVAILABLE,
)
"""Stands in front of what is failing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Both databases accept writes."""

    status: Literal["ok"] = "ok"
    version: str
    warnings: tuple[Finding, ...] = ()
    """What the operator should know although all works."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReady:
    """Entries are not accepted, or pages not shown."""

    status: Literal["unavailable"] = "unavailable"
    failing: tuple[Finding, ...]
    version: str
    warnings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    """The process answers."""

    status: Literal["alive"] = "alive"


HEALTH = Operation(
    id="getHealth",
    summary="Readiness",
    description="Writes to both databases; an answer is given again for five seconds.",
    section=Section.HEALTH,
    answers={
        200: Answer(description="Ready.", kinds=(Ready,)),
        503: Answer(description="Not ready.", kinds=(ErrorBody, NotReady)),
    },
)
LIVE = Operation(
    id="getLive",
    summary="Liveness",
    section=Section.HEALTH,
    answers={200: Answer(description="The process answers.", kinds=(Alive,))},
)


def health_routes(installation: Callable[[], Installation]) -> list[ApiRoute]:
    """`HEALTH_PATH`, readiness: 200 `{"status": "ok", "version", "warnings": […]}`, or 503
    `{"status": "unavailable", "failing": [{"part", "reason"}], "version", "warnings": […]}`,
    after a write to both databases at most `readiness.KEPT_S` ago. `LIVE_PATH`: 200
    `{"status": "alive"}`."""
    readiness = Readiness(lambda: _check(installation))

    async def health(request: Request) -> JSONResponse:
        report = await run_in_threadpool(readiness.report)
        version, warnings = product_version(), report.warnings
        if not report.failing:
            return JSONResponse(asdict(Ready(version=version, warnings=warnings)))
        failing = NotReady(failing=report.failing, version=version, warnings=warnings)
        return JSONResponse(NOT_READY.as_json() | asdict(failing), status_code=503)

    async def live(request: Request) -> JSONResponse:
        return JSONResponse(asdict(Alive()))

    return [ApiRoute(HEALTH_PATH, health, HEALTH), ApiRoute(LIVE_PATH, live, LIVE)]


def _check(installation: Callable[[], Installation]) -> Report:
    """Readiness, how many senders of entries are stopped or silent, and of how many logs the
    checkpoints outside are too old or contradict them, how many are not as they were sealed, and
    whether the rules watch: none of it fails anything."""
    report = check(installation)
    if report.failing:
        return report
    try:
        opened = installation()
        warnings = (
            *sender_warnings(opened),
            *anchor_warnings(opened),
            *channel_warnings(opened),
            *integrity_warnings(opened),
            *erasure_warnings(opened),
            *vanished_warnings(opened),
            *watching_warnings(opened),
        )
    except AuditError:
        # It will stand among what fails at the next check.
        return report
    return replace(report, warnings=(*report.warnings, *warnings))
