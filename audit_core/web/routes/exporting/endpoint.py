"""How a request about exports is answered: by whom, how often, in a thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from audit_core.domain.errors import BusyError
from audit_core.installation.opened import Installation
from audit_core.state.access_log.attempts import attempts_of
from audit_core.web.limits.rate_limit import SPAN, Pace
from audit_core.web.routes.exporting.exporter import Exporter, require_exporter
from audit_core.web.security.identity import address_of

Answered = Callable[[Request, Installation, Exporter], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


def endpoint(installation: Callable[[], Installation], pace: Pace, answer: Answered) -> Endpoint:
    """What answers whoever may export, at a pace that all their requests share."""

    async def asked(request: Request) -> Response:
        exporter = await require_exporter(request, installation)
        if isinstance(exporter, Response):
            return exporter
        return await run_in_threadpool(_paced, request, installation(), exporter, pace, answer)

    return asked


def _paced(
    request: Request, opened: Installation, exporter: Exporter, pace: Pace, answer: Answered
) -> Response:
    if not pace.allows(exporter.person, opened.clock()):
        seconds = int(SPAN.total_seconds())
        attempts_of(opened.state).note(
            at=opened.clock(),
            verb="pace.refused",
            actor=exporter.name,
            organization_id=exporter.organization_id,
            address=address_of(request),
            detail={"path": request.url.path},
        )
        raise BusyError(
            f"These are more than {pace.max_requests} requests in {seconds} seconds.",
            "Ask less often.",
            retry_after_s=seconds,
            own=True,
        )
    return answer(request, opened, exporter)
