"""GET /api/v1/head: whether the log has moved, for a page that shows it live."""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from audit_core.domain.access import Permission
from audit_core.installation.opened import Installation
from audit_core.web.security.identity import require

HEAD_PATH = "/api/v1/head"


def head_route(installation: Callable[[], Installation]) -> Route:
    """The newest revision of the organization that the session looks at, as text."""

    async def head(request: Request) -> Response:
        found = await require(request, installation, Permission.READ, by_itself=True)
        if isinstance(found, Response):
            return found
        _, scope = found
        newest = await run_in_threadpool(lambda: installation().log.head(scope.organization_id))
        return JSONResponse({"head": str(newest)})

    return Route(HEAD_PATH, head, methods=["GET"])
