"""Downloads of everything that a filter matched, streamed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from audit_core.domain.access import Permission, Scope
from audit_core.domain.errors import BusyError, FilterError
from audit_core.evidence.download import Format, Progress, file_name, stream
from audit_core.explore.reader import Reader
from audit_core.identity.sessions import Viewer
from audit_core.installation.opened import Installation
from audit_core.log.reads.read_context import ReadContext
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import parse_instant
from audit_core.runtime.version import product_version
from audit_core.state.access_log.record import record
from audit_core.web.framing import refuse_unframed
from audit_core.web.limits.concurrent_downloads import Downloads
from audit_core.web.reading import ClosedStream, run_read
from audit_core.web.routes.attachment import attachment
from audit_core.web.security.identity import address_of, require
from audit_core.web.security.refusals import note_refusal

EXPORT_PATH = "/api/v1/export"

STEP_WAIT_S = 120.0
"""How long a step of a download waits for its turn among the reads, in seconds: it would break
off."""


def export_routes(installation: Callable[[], Installation], downloads: Downloads) -> list[Route]:
    """`EXPORT_PATH` takes the filter's parameters, and:

    `format` (`csv` or `jsonl`), `organization` (the one that the page showed: another tab may
    have switched since, and then nothing is sent), `as_of` (what a relative window counts from).

    429 or 503 with Retry-After where too many downloads are under way.
    """

    async def export(request: Request) -> Response:
        if request.method == "HEAD":
            # Starlette lets it in with GET; it would read the whole log to say nothing.
            return Response(status_code=405, headers={"Allow": "GET"})
        if refusal := refuse_unframed(request):
            return refusal
        allowed = await require(request, installation, Permission.EXPORT)
        if isinstance(allowed, Response):
            return allowed
        viewer, scope = allowed
        asked = _read(request.url.query, installation().clock())
        if asked.organization_id not in (None, scope.organization_id):
            return JSONResponse(
                {
                    "error": "The page was opened for another organization than the present one.",
                    "hint": "Go back to the page, reload it, and download again.",
                },
                status_code=409,
            )
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
                lambda: _start(opened, viewer, scope, asked, address, end),
            )
        except BaseException:
            end()
            raise

    return [Route(EXPORT_PATH, export, methods=["GET"])]


class _Asked:
    """What a request for a download asks for. Raises `FilterError`."""

    def __init__(self, params: dict[str, list[str]], now: datetime) -> None:
        problems: list[str] = []
        self.organization_id = params.pop("organization", [None])[0]
        self.format = Format.CSV
        formats = params.pop("format", ["csv"])
        try:
            self.format = Format(formats[0])
        except ValueError:
            problems.append(f"The format {formats[0]!r} is not one of {', '.join(Format)}.")
        self.as_of = now
        try:
            for text in params.pop("as_of", []):
                self.as_of = min(parse_instant(text), now)
        except ValueError as error:
            problems.append(f"The parameter as_of cannot be read: {error}.")
        if problems:
            raise FilterError(tuple(problems))
        self.entry_filter = EntryFilter.from_params(params)

    def query(self, scope: Scope) -> Query:
        """What is asked within the scope. Raises `QueryError` for what it may not see."""
        return Query(self.entry_filter, scope, self.entry_filter.window.bounds(self.as_of))


def _read(query: str, now: datetime) -> _Asked:
    return _Asked(parse_qs(query, keep_blank_values=True), now)


def _start(
    installation: Installation,
    viewer: Viewer,
    scope: Scope,
    asked: _Asked,
    address: str | None,
    ended: Callable[[], None],
) -> Response:
    query, reader = asked.query(scope), Reader(installation.log)
    since, until = reader.span(query, asked.as_of)
    membership = viewer.membership
    name = file_name(membership.organization_name if membership else "", since, until, asked.format)
    detail = {
        "filter": asked.entry_filter.to_params(),
        "since": since.astimezone(UTC).isoformat(),
        "until": until.astimezone(UTC).isoformat(),
        "format": asked.format.value,
        "file": name,
        "version": product_version(),
    }

    def note(verb: str, more: dict[str, object]) -> None:
        with installation.state.begin() as connection:
            record(
                connection,
                at=installation.clock(),
                verb=verb,
                actor=viewer.email,
                organization_id=scope.organization_id,
                address=address,
                detail=detail | more,
            )

    progress = Progress()
    pieces = stream(reader, query, asked.format, progress=progress)

    def end(whole: bool) -> None:
        # A reader who goes away midway, or an error, is on record as well.
        ended()
        note("export.finished" if whole else "export.broken", {"entries": progress.entries})

    note("export.started", {})
    return ClosedStream(
        pieces,
        end,
        context=ReadContext(person=viewer.account_id, wait_s=STEP_WAIT_S),
        media_type=asked.format.media_type,
        headers=attachment(name),
    )
