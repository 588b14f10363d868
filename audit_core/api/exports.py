"""Downloads of everything that a filter matched, streamed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qs

from anyio import CancelScope
from starlette import types
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from audit_core.access import Permission, Scope
from audit_core.api.framing import refuse_unframed
from audit_core.api.identity import address_of, require
from audit_core.errors import FilterError
from audit_core.export.download import Format, Progress, file_name, stream
from audit_core.product import Product
from audit_core.query.filters import EntryFilter
from audit_core.query.secrecy import require_visible
from audit_core.query.windows import Bounds, parse_instant
from audit_core.reader import Reader
from audit_core.state.access_record import record
from audit_core.state.sessions import Viewer

EXPORT_PATH = "/api/v1/export"


def export_routes(product: Callable[[], Product]) -> list[Route]:
    """`EXPORT_PATH` takes the filter's parameters, and:

    `format` (`csv` or `jsonl`), `organization` (the one that the page showed: another tab may
    have switched since, and then nothing is sent), `as_of` (what a relative window counts from).
    """

    async def export(request: Request) -> Response:
        if request.method == "HEAD":
            # Starlette lets it in with GET; it would read the whole log to say nothing.
            return Response(status_code=405, headers={"Allow": "GET"})
        if refusal := refuse_unframed(request):
            return refusal
        allowed = await require(request, product, Permission.EXPORT)
        if isinstance(allowed, Response):
            return allowed
        viewer, scope = allowed
        asked = _read(request.url.query, product().clock())
        if asked.organization_id not in (None, scope.organization_id):
            return JSONResponse(
                {
                    "error": "The page was opened for another organization than the present one.",
                    "hint": "Go back to the page, reload it, and download again.",
                },
                status_code=409,
            )
        return await run_in_threadpool(_start, product(), viewer, scope, asked, address_of(request))

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
        self.wanted = EntryFilter.from_params(params)

    @property
    def bounds(self) -> Bounds:
        """What the filter's window means."""
        return self.wanted.window.bounds(self.as_of)


class ClosedStream(StreamingResponse):
    """Tells how it ended, whatever ended it: whether all pieces went out."""

    def __init__(
        self,
        pieces: Iterator[bytes],
        end: Callable[[bool], None],
        *,
        media_type: str,
        headers: dict[str, str],
    ) -> None:
        super().__init__(self._counted(pieces), media_type=media_type, headers=headers)
        self._end = end
        self._whole = False

    def _counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        yield from pieces
        self._whole = True

    async def __call__(self, scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with CancelScope(shield=True):
                await run_in_threadpool(self._end, self._whole)


def _read(query: str, now: datetime) -> _Asked:
    return _Asked(parse_qs(query, keep_blank_values=True), now)


def _start(
    product: Product, viewer: Viewer, scope: Scope, asked: _Asked, address: str | None
) -> Response:
    require_visible(asked.wanted.expression, asked.wanted.query, scope)
    reader = Reader(product.log)
    since, until = reader.span(asked.wanted, scope, asked.bounds, asked.as_of)
    membership = viewer.membership
    name = file_name(membership.organization_name if membership else "", since, until, asked.format)
    detail = {
        "filter": asked.wanted.to_params(),
        "since": since.astimezone(UTC).isoformat(),
        "until": until.astimezone(UTC).isoformat(),
        "format": asked.format.value,
        "file": name,
    }

    def note(verb: str, more: dict[str, object]) -> None:
        with product.state.begin() as connection:
            record(
                connection,
                at=product.clock(),
                verb=verb,
                actor=viewer.email,
                organization_id=scope.organization_id,
                address=address,
                detail=detail | more,
            )

    progress = Progress()
    pieces = stream(reader, asked.wanted, scope, asked.bounds, asked.format, progress=progress)

    def end(whole: bool) -> None:
        # A reader who goes away midway, or an error, is on record as well.
        note("export.finished" if whole else "export.broken", {"entries": progress.entries})

    note("export.started", {})
    return ClosedStream(
        pieces,
        end,
        media_type=asked.format.media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
