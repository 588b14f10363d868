"""GET /api/v1/head: whether the log has moved, for a page that shows it live."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from audit_core.domain.access import Permission
from audit_core.installation.opened import Installation
from audit_core.web.openapi.operation import Answer, ApiRoute, Caller, Operation, Section
from audit_core.web.security.identity import require

HEAD_PATH = "/api/v1/head"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where the log of an organization stands."""

    head: str
    """A number as text, which rises when the organization's log has changed."""


OPERATION = Operation(
    id="getHead",
    summary="Whether the log has changed",
    description="Asking does not keep a session alive.",
    section=Section.PAGES,
    callers=(Caller.PERSON,),
    permission=Permission.READ,
    answers={200: Answer(description="Where the log stands.", kinds=(Head,))},
)


def head_route(installation: Callable[[], Installation]) -> ApiRoute:
    """The newest revision of the organization that the session looks at, as text."""

    async def head(request: Request) -> Response:
        found = await require(request, installation, Permission.READ, by_itself=True)
        if isinstance(found, Response):
            return found
        _, scope = found
        newest = await run_in_threadpool(lambda: installation().log.head(scope.organization_id))
        return JSONResponse(asdict(Head(head=str(newest))))

    return ApiRoute(HEAD_PATH, head, OPERATION)
