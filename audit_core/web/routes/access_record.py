"""GET /api/v1/access-record: everything that a filter of the access record matched, streamed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from audit_core.domain.access import Permission
from audit_core.domain.errors import FilterError
from audit_core.evidence.access_log.download import file_name, stream
from audit_core.evidence.access_log.reader import RecordReader
from audit_core.evidence.access_log.record_filter import (
    Part,
    RecordFilter,
    RecordScope,
    readable_parts,
)
from audit_core.evidence.download import Progress, TextFormat
from audit_core.identity.sessions import Viewer
from audit_core.installation.opened import Installation
from audit_core.query.time.windows import TimeRange
from audit_core.web.framing import refuse_unframed
from audit_core.web.openapi.operation import (
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
    SHOWN_ORGANIZATION,
    TEXT_DOWNLOADED,
    TEXT_FORMAT,
    filter_parameters,
)
from audit_core.web.reading import ClosedStream
from audit_core.web.routes.attachment import (
    attachment,
    noting,
    read_as_of,
    read_kind,
    refuse_head,
    refuse_other_organization,
)
from audit_core.web.security.identity import address_of, known_viewer, refuse, session_secret

ACCESS_RECORD_PATH = "/api/v1/access-record"
OFFERED = (Part.ORGANIZATION, Part.INSTALLATION)
"""The parts of the record that are handed out over HTTP."""
OPERATOR = "operator"
"""What whoever lacks it is told to lack, for the installation's part."""

PART = Parameter(
    name="part",
    description="`organization`, if none, or `installation`, for operators: what belongs to no "
    "organization.",
    kind=Literal[Part.ORGANIZATION, Part.INSTALLATION],
)
OPERATION = Operation(
    id="exportAccessRecord",
    summary="The access record as a file",
    description="Oldest event first, up to the moment of the request; the download is itself on "
    "record.",
    section=Section.DOWNLOAD,
    callers=(Caller.PERSON,),
    permission=Permission.READ_RECORD,
    parameters=(
        *filter_parameters(RecordFilter),
        PART,
        TEXT_FORMAT,
        AUDIENCE,
        AS_OF,
        SHOWN_ORGANIZATION,
    ),
    answers=TEXT_DOWNLOADED,
    errors=DOWNLOAD_REFUSED,
)


def access_record_route(installation: Callable[[], Installation]) -> ApiRoute:
    """`ACCESS_RECORD_PATH` takes the filter's parameters, and:

    `part` (`organization`, or `installation` for operators), `format` (`csv` or `jsonl`), `for`
    (whom CSV is for, `spreadsheets` or `machines`), `organization` (the one that the page showed:
    another tab may have switched since, and then nothing is sent), `as_of` (what a relative window
    counts from). What is recorded from the request on is not in the file. The export is itself on
    record, in that part.
    """

    async def export(request: Request) -> Response:
        if refusal := refuse_head(request) or refuse_unframed(request):
            return refusal
        return await run_in_threadpool(_answer, installation(), request)

    return ApiRoute(ACCESS_RECORD_PATH, export, OPERATION)


def read_part(text: str) -> Part:
    """The part with this name. Raises `ValueError` with a sentence for anything else."""
    if text not in OFFERED:
        raise ValueError(f"The part {text!r} is not one of {', '.join(OFFERED)}.")
    return Part(text)


class _ExportRequest:
    """What a request asks for. Raises `FilterError`."""

    def __init__(self, query: str, now: datetime) -> None:
        params = parse_qs(query, keep_blank_values=True)
        self.organization_id = params.pop("organization", [None])[0]
        problems: list[str] = []
        self.part = Part.ORGANIZATION
        self.kind = read_kind(params, problems, TextFormat)
        try:
            for text in params.pop("part", []):
                self.part = read_part(text)
        except ValueError as error:
            problems.append(str(error))
        self.as_of = read_as_of(params, problems, now)
        if problems:
            raise FilterError(tuple(problems))
        self.record_filter = RecordFilter.from_params(params)
        time_range = self.record_filter.window.time_range(self.as_of)
        self.time_range = TimeRange(
            since=time_range.since,
            until=now if time_range.until is None else min(time_range.until, now),
        )


def _answer(opened: Installation, request: Request) -> Response:
    secret, address = session_secret(request.headers.getlist("cookie")), address_of(request)
    viewer = known_viewer(opened, secret, address, request.url.path)
    if isinstance(viewer, Response):
        return viewer
    export = _ExportRequest(request.url.query, opened.clock())
    scope = part_of(opened, viewer, export.part, address)
    if isinstance(scope, Response):
        return scope
    shown = export.organization_id if scope.organization_id else None
    if refusal := refuse_other_organization(shown, scope.organization_id):
        return refusal
    return _start(opened, viewer, scope, export, address)


def part_of(
    opened: Installation, viewer: Viewer, part: Part, address: str | None
) -> RecordScope | Response:
    """What the viewer reads of the record, or 403, which is put on record. Blocks."""
    scope = next((one for one in readable_parts(viewer) if one.part is part), None)
    if scope is not None:
        return scope
    lacking = OPERATOR if part is Part.INSTALLATION else Permission.READ_RECORD.value
    return refuse(opened, viewer, lacking, f"You lack {lacking}.", address)


def _start(
    opened: Installation,
    viewer: Viewer,
    scope: RecordScope,
    export: _ExportRequest,
    address: str | None,
) -> Response:
    membership = viewer.membership
    of = membership.organization_name if membership and scope.organization_id else "installation"
    title = export.record_filter.describe_conditions()
    name = file_name(of, title, export.time_range.until or opened.clock(), export.kind)
    detail = {
        "file": name,
        "filter": export.record_filter.to_params(),
        **export.kind.detail(),
    }
    note = noting(opened, viewer, scope.organization_id, address, detail)
    progress = Progress()
    pieces = stream(
        RecordReader(opened.state),
        export.record_filter,
        scope,
        export.time_range,
        export.kind.format,
        progress=progress,
        audience=export.kind.audience,
    )

    def end(whole: bool) -> None:
        ended = "record_export.finished" if whole else "record_export.broken"
        note(ended, {"events": progress.entries, **progress.detail(whole)})

    note("record_export.started", {})
    return ClosedStream(
        pieces,
        end,
        media_type=export.kind.media_type,
        headers=attachment(name),
    )
