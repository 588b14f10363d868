"""Downloads of everything that a filter matched, streamed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response

from audit_core.domain.access import Permission, Scope
from audit_core.domain.errors import BusyError
from audit_core.evidence.download import Progress, StreamedFormat, file_name, stream
from audit_core.evidence.titles import title_of
from audit_core.explore.reader import Reader
from audit_core.identity.sessions import Viewer
from audit_core.installation.opened import Installation
from audit_core.log.reads.read_context import ReadContext
from audit_core.query.entry_filter import EntryFilter
from audit_core.runtime.version import product_version
from audit_core.web.framing import refuse_unframed
from audit_core.web.limits.concurrent_downloads import Downloads
from audit_core.web.openapi.operation import (
    READS_THE_LOG,
    ApiRoute,
    Caller,
    Operation,
    Parameter,
    Section,
)
from audit_core.web.openapi.parameters import (
    AS_OF,
    AUDIENCE,
    DOWNLOAD_REFUSED,
    DOWNLOADED,
    FILE_CHOICES,
    SHOWN_ORGANIZATION,
    STREAMED_FORMAT,
    filter_parameters,
)
from audit_core.web.reading import ClosedStream, run_read
from audit_core.web.routes.attachment import (
    attachment,
    noting,
    refuse_head,
    refuse_other_organization,
)
from audit_core.web.routes.evidence.file_request import FileRequest
from audit_core.web.security.identity import address_of, require
from audit_core.web.security.refusals import note_refusal

EXPORT_PATH = "/api/v1/export"

STEP_WAIT_S = 120.0
"""How long a step of a download waits for its turn among the reads, in seconds: it would break
off."""

OPERATION = Operation(
    id="exportEntries",
    summary="Everything that a filter matches, as a file",
    description="Oldest entry first, secrets redacted; the download is on record, also when it "
    "breaks off.",
    section=Section.DOWNLOAD,
    callers=(Caller.PERSON,),
    permission=Permission.EXPORT,
    parameters=(
        *filter_parameters(EntryFilter),
        STREAMED_FORMAT,
        AUDIENCE,
        *FILE_CHOICES,
        Parameter(
            name="view",
            description="The id of the saved view that was open; the file is called after it if "
            "it asks the same.",
        ),
        AS_OF,
        SHOWN_ORGANIZATION,
    ),
    answers=DOWNLOADED,
    errors=(*DOWNLOAD_REFUSED, *READS_THE_LOG),
)


def export_routes(installation: Callable[[], Installation], downloads: Downloads) -> list[ApiRoute]:
    """`EXPORT_PATH` takes the filter's parameters, and:

    `format` (`csv` or `jsonl`), `for` (whom CSV is for, `spreadsheets` or `machines`),
    `organization` (the one that the page showed: another tab may have switched since, and then
    nothing is sent), `as_of` (what a relative window counts from), `view` (the saved view that was
    open, which names the file).

    429 or 503 with Retry-After where too many downloads are under way.
    """

    async def export(request: Request) -> Response:
        if refusal := refuse_head(request) or refuse_unframed(request):
            return refusal
        allowed = await require(request, installation, Permission.EXPORT)
        if isinstance(allowed, Response):
            return allowed
        viewer, scope = allowed
        export_request = _ExportRequest(request.url.query, installation().clock())
        if refusal := refuse_other_organization(
            export_request.organization_id, scope.organization_id
        ):
            return refusal
        person = viewer.account_id
        try:
            end = downloads.begin(person, scope.organization_id or "")
        except BusyError:
            note_refusal(installation(), "pace.refused", request.scope, viewer, path=EXPORT_PATH)
            raise
        try:
            opened, address = installation(), address_of(request)
            return await run_read(
                request,
                opened.log.new_request(person=person),
                lambda: _start(opened, viewer, scope, export_request, address, end),
            )
        except BaseException:
            end()
            raise

    return [ApiRoute(EXPORT_PATH, export, OPERATION)]


class _ExportRequest(FileRequest):
    """What a request for a download asks for. Raises `FilterError`."""

    def __init__(self, query: str, now: datetime) -> None:
        params = parse_qs(query, keep_blank_values=True)
        self.view_id = params.pop("view", [""])[-1]
        super().__init__(params, now, formats=StreamedFormat)


def _start(
    installation: Installation,
    viewer: Viewer,
    scope: Scope,
    export_request: _ExportRequest,
    address: str | None,
    ended: Callable[[], None],
) -> Response:
    query, reader = export_request.query(scope), Reader(installation.log)
    since, until = reader.span(query, export_request.as_of)
    membership = viewer.membership
    name = file_name(
        membership.organization_name if membership else "",
        title_of(installation.state, viewer, export_request.entry_filter, export_request.view_id),
        since,
        until,
        installation.log.head(scope.organization_id),
        export_request.kind,
    )
    detail = {
        "filter": export_request.entry_filter.to_params(),
        "since": since.astimezone(UTC).isoformat(),
        "until": until.astimezone(UTC).isoformat(),
        **export_request.kind.detail(),
        "file": name,
        "version": product_version(),
    }
    note = noting(installation, viewer, scope.organization_id, address, detail)
    progress = Progress()
    kind = export_request.kind
    pieces = stream(reader, query, kind, progress=progress)

    def end(whole: bool) -> None:
        # A reader who goes away midway, or an error, is on record as well.
        ended()
        detail = {"entries": progress.entries, **progress.detail(whole)}
        note("export.finished" if whole else "export.broken", detail)

    note("export.started", {})
    return ClosedStream(
        pieces,
        end,
        context=ReadContext(person=viewer.account_id, wait_s=STEP_WAIT_S),
        media_type=kind.media_type,
        headers=attachment(name),
    )
