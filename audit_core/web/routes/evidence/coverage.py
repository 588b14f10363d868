"""GET /api/v1/coverage: what an organization's log covers, as a file."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from audit_core.domain.access import Permission, Scope
from audit_core.evidence.coverage.download import file_name, pieces
from audit_core.evidence.coverage.reader import CoverageReader
from audit_core.evidence.download import Progress, TextFormat
from audit_core.explore.reader import Reader
from audit_core.identity.sessions import Viewer
from audit_core.installation.opened import Installation
from audit_core.query.entry_filter import EntryFilter
from audit_core.runtime.version import product_version
from audit_core.web.errors import ErrorCode
from audit_core.web.openapi.operation import (
    READS_THE_LOG,
    Answer,
    ApiRoute,
    Caller,
    Operation,
    Section,
)
from audit_core.web.openapi.parameters import (
    AS_OF,
    AUDIENCE,
    SHOWN_ORGANIZATION,
    TEXT_FORMAT,
    TEXT_TYPES,
    filter_parameters,
)
from audit_core.web.reading import run_read
from audit_core.web.routes.attachment import (
    attachment,
    noting,
    refuse_head,
    refuse_other_organization,
)
from audit_core.web.routes.evidence.file_request import FileRequest
from audit_core.web.security.identity import address_of, require

COVERAGE_PATH = "/api/v1/coverage"

OPERATION = Operation(
    id="getCoverage",
    summary="Which actions are recorded, and which were seen",
    description="Target by action, from the platform's catalogue and from the entries that a "
    "filter matches; what the platform does not record stands at the end. The download is on "
    "record.",
    section=Section.DOWNLOAD,
    callers=(Caller.PERSON,),
    permission=Permission.EXPORT,
    parameters=(*filter_parameters(EntryFilter), TEXT_FORMAT, AUDIENCE, AS_OF, SHOWN_ORGANIZATION),
    answers={200: Answer(description="The file.", media_types=TEXT_TYPES)},
    errors=(ErrorCode.INVALID_REQUEST, ErrorCode.OTHER_ORGANIZATION, *READS_THE_LOG),
)


def coverage_route(installation: Callable[[], Installation]) -> ApiRoute:
    """`COVERAGE_PATH` takes the filter's parameters and those of `FileRequest`.

    200 with the file, which is on record before it goes out; 401; 403 without the permission to
    export; 409 where another organization than the one of the page is selected by now.
    """

    async def coverage(request: Request) -> Response:
        if refusal := refuse_head(request):
            return refusal
        found = await require(request, installation, Permission.EXPORT)
        if isinstance(found, Response):
            return found
        viewer, scope = found
        opened = installation()
        params = parse_qs(request.url.query, keep_blank_values=True)
        asked = FileRequest(params, opened.clock(), formats=TextFormat)
        if refusal := refuse_other_organization(asked.organization_id, scope.organization_id):
            return refusal
        address = address_of(request)
        return await run_read(
            request,
            opened.log.new_request(person=viewer.account_id),
            lambda: _answer(opened, viewer, scope, asked, address),
        )

    return ApiRoute(COVERAGE_PATH, coverage, OPERATION)


def _answer(
    opened: Installation, viewer: Viewer, scope: Scope, request: FileRequest, address: str | None
) -> Response:
    coverage = CoverageReader(Reader(opened.log)).coverage(request.query(scope))
    progress = Progress()
    content = b"".join(progress.measured(pieces(coverage, request.kind)))
    name = file_name(
        viewer.membership.organization_name if viewer.membership else "",
        request.as_of,
        request.kind,
    )
    # Where this cannot be put on record, no file goes out.
    note = noting(
        opened,
        viewer,
        scope.organization_id,
        address,
        {
            "filter": request.entry_filter.to_params(),
            **request.kind.detail(),
            "file": name,
            "version": product_version(),
        },
    )
    note("coverage.downloaded", progress.detail(whole=True))
    return Response(content, media_type=request.kind.media_type, headers=attachment(name))
