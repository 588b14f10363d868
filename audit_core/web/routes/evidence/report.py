"""GET /api/v1/report: a printable report of a window and a filter."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from audit_core.domain.access import Allowed, Permission, Scope, decide
from audit_core.domain.errors import BusyError
from audit_core.evidence.report.content import OpenAccess, Origin, ReportReader, open_access
from audit_core.evidence.report.document import render
from audit_core.evidence.report.frame import MEDIA_TYPE
from audit_core.explore.reader import Reader
from audit_core.identity.sessions import Viewer
from audit_core.installation.opened import Installation
from audit_core.query.entry_filter import EntryFilter
from audit_core.runtime.version import product_version
from audit_core.web.errors import ErrorCode
from audit_core.web.limits.concurrent_downloads import Downloads
from audit_core.web.openapi.operation import (
    READS_THE_LOG,
    Answer,
    ApiRoute,
    Caller,
    Operation,
    Section,
)
from audit_core.web.openapi.parameters import AS_OF, SHOWN_ORGANIZATION, filter_parameters
from audit_core.web.reading import run_read
from audit_core.web.routes.attachment import (
    attachment,
    noting,
    refuse_head,
    refuse_other_organization,
)
from audit_core.web.routes.evidence.file_request import FileRequest
from audit_core.web.security.identity import address_of, require
from audit_core.web.security.refusals import note_refusal

REPORT_PATH = "/api/v1/report"

OPERATION = Operation(
    id="getReport",
    summary="A printable report of a window and a filter",
    description="One HTML file without scripts: figures, charts, failures, changes of access, who "
    "has access now, and a fingerprint of it all. Always redacted; the download is on record.",
    section=Section.DOWNLOAD,
    callers=(Caller.PERSON,),
    permission=Permission.EXPORT,
    parameters=(*filter_parameters(EntryFilter), AS_OF, SHOWN_ORGANIZATION),
    answers={200: Answer(description="The file.", media_types=(MEDIA_TYPE,))},
    errors=(ErrorCode.INVALID_REQUEST, ErrorCode.OTHER_ORGANIZATION, *READS_THE_LOG),
)


def report_route(installation: Callable[[], Installation], downloads: Downloads) -> ApiRoute:
    """`REPORT_PATH` takes the filter's parameters and those of `FileRequest`.

    200 with the file, which is on record before it goes out; 401; 403 without the permission to
    export; 409 where another organization than the one of the page is selected by now; 429 or 503
    where too many downloads are under way, of which this is one.
    """

    async def report(request: Request) -> Response:
        if refusal := refuse_head(request):
            return refusal
        found = await require(request, installation, Permission.EXPORT)
        if isinstance(found, Response):
            return found
        viewer, scope = found
        opened = installation()
        params = parse_qs(request.url.query, keep_blank_values=True)
        asked = FileRequest(params, opened.clock(), formats=None)
        if refusal := refuse_other_organization(asked.organization_id, scope.organization_id):
            return refusal
        try:
            end = downloads.begin(viewer.account_id, scope.organization_id or "")
        except BusyError:
            note_refusal(opened, "pace.refused", request.scope, viewer, path=REPORT_PATH)
            raise
        address = address_of(request)
        try:
            return await run_read(
                request,
                opened.log.new_request(person=viewer.account_id),
                lambda: _answer(opened, viewer, scope, asked, address),
            )
        finally:
            end()

    return ApiRoute(REPORT_PATH, report, OPERATION)


def _answer(
    opened: Installation, viewer: Viewer, scope: Scope, request: FileRequest, address: str | None
) -> Response:
    membership = viewer.membership
    origin = Origin(
        organization=membership.organization_name if membership else "",
        made_by=viewer.email,
        made_at=opened.clock().replace(microsecond=0),
        version=product_version(),
        checkpoint=opened.trees.newest_note(scope.organization_id),
    )
    report = ReportReader(Reader(opened.log)).report(
        request.query(scope), request.as_of, origin, _access(opened, viewer)
    )
    document = render(report)
    # Where this cannot be put on record, no file goes out.
    note = noting(
        opened,
        viewer,
        scope.organization_id,
        address,
        {
            "filter": request.entry_filter.to_params(),
            "file": document.name,
            "head": report.heads[0],
            "entries": report.summary.entries,
            "version": origin.version,
        },
    )
    note(
        "report.made",
        {
            "fingerprint": document.fingerprint,
            "bytes": len(document.content),
            "sha256": document.sha256,
        },
    )
    return Response(document.content, media_type=MEDIA_TYPE, headers=attachment(document.name))


def _access(opened: Installation, viewer: Viewer) -> OpenAccess | None:
    """Who has access, for those who may read it off the access record anyway."""
    allowed = isinstance(decide(viewer.membership, Permission.READ_RECORD), Allowed)
    if not allowed or viewer.organization_id is None:
        return None
    with opened.state.read() as connection:
        return open_access(connection, viewer.organization_id, opened.clock())
