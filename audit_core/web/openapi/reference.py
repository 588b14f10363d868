"""What the routes say of themselves, to everybody: one document for programs, one page for people.

Both are the same for everybody and hold nothing of any organization, so they need no permission.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from audit_core.domain.errors import AuditError
from audit_core.installation.opened import Installation
from audit_core.runtime.version import product_version
from audit_core.web.openapi.document import document
from audit_core.web.openapi.operation import Answer, ApiRoute, Operation, Section
from audit_core.web.openapi.page import page

OPENAPI_PATH = "/api/openapi.json"
DOCS_PATH = "/api/docs"

OPENAPI = Operation(
    id="getOpenApi",
    summary="This reference as an OpenAPI document",
    section=Section.REFERENCE,
    answers={200: Answer(description="The document, of OpenAPI 3.1.", kinds=(dict[str, Any],))},
)
DOCS = Operation(
    id="getDocs",
    summary="This reference as a page",
    section=Section.REFERENCE,
    answers={200: Answer(description="The page.", media_types=("text/html",))},
)


def api_reference_routes(
    installation: Callable[[], Installation], described: Sequence[ApiRoute]
) -> list[ApiRoute]:
    """`OPENAPI_PATH` and `DOCS_PATH` describe the routes `described`, and these two."""

    described = list(described)

    @lru_cache(maxsize=4)
    def made(base_path: str) -> dict[str, Any]:
        return document([*described, *own], version=product_version(), base_path=base_path)

    def base_path() -> str:
        try:
            return installation().settings.base_path
        except AuditError:
            return ""  # The reference is there even when nothing else is.

    async def openapi(request: Request) -> Response:
        return JSONResponse(made(await run_in_threadpool(base_path)))

    async def docs(request: Request) -> Response:
        return HTMLResponse(page(made(await run_in_threadpool(base_path))))

    own = [ApiRoute(OPENAPI_PATH, openapi, OPENAPI), ApiRoute(DOCS_PATH, docs, DOCS)]
    return own
