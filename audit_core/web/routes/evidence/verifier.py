"""GET /api/v1/verifier: the page by which an auditor verifies packs, as a file to keep."""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from audit_core.domain.access import Permission
from audit_core.evidence.pack.verifier_page import FILE_NAME, verifier_page
from audit_core.installation.opened import Installation
from audit_core.web.openapi.operation import Answer, ApiRoute, Caller, Operation, Section
from audit_core.web.routes.attachment import attachment, refuse_head
from audit_core.web.security.identity import require

VERIFIER_PATH = "/api/v1/verifier"

OPERATION = Operation(
    id="getVerifier",
    summary="The page that verifies packs without a network",
    description="One HTML file, to be opened from disk. It is the same for everybody, and holds "
    "nothing of this installation.",
    section=Section.DOWNLOAD,
    callers=(Caller.PERSON,),
    permission=Permission.EXPORT,
    answers={200: Answer(description="The page.", media_types=("text/html",))},
)


def verifier_route(installation: Callable[[], Installation]) -> ApiRoute:
    """`VERIFIER_PATH` answers with a file that no browser shows at this address."""

    async def verifier(request: Request) -> Response:
        if refusal := refuse_head(request):
            return refusal
        found = await require(request, installation, Permission.EXPORT)
        if isinstance(found, Response):
            return found
        page = await run_in_threadpool(verifier_page)
        return Response(
            page.encode(),
            media_type="text/html",
            headers=attachment(FILE_NAME),
        )

    return ApiRoute(VERIFIER_PATH, verifier, OPERATION)
