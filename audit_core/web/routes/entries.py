"""POST /api/v1/entries: entries from collectors, with a bearer token."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from audit_core.domain.access import Permission
from audit_core.domain.rejections import Rejection
from audit_core.identity.api_tokens import Token
from audit_core.ingest.formats.json_document import DocumentReader
from audit_core.ingest.formats.lines import read_json_lines
from audit_core.ingest.formats.streams import CHUNK
from audit_core.ingest.pipeline import IngestReport
from audit_core.ingest.records.extra_fields import count_fields
from audit_core.ingest.records.located import PlacedEntry, Reading, reject
from audit_core.installation.opened import Product
from audit_core.state.access_log.attempts import attempts_of
from audit_core.state.access_log.record import record
from audit_core.state.rejections import keep_rejections
from audit_core.web.limits.body_limit import BodyTooLarge, read_body
from audit_core.web.security.bearer_tokens import bearer_secret, record_refusal, token_of
from audit_core.web.security.identity import address_of

ENTRIES_PATH = "/api/v1/entries"
MAX_BYTES = 10_000_000
MAX_ENTRIES = 10_000
ORIGIN = "http"
"""Where the rejections of requests are said to come from, with the token's name."""


def entries_route(product: Callable[[], Product]) -> Route:
    """Takes JSON lines or one JSON array, and answers after the commit.

    200 `{"accepted", "known", "finished", "rejected": [{"place", "reason", "raw"}]}`, the first
    three being numbers, and `extra_fields` or `extra_fields_not_kept` with counts by name where
    records had fields that no entry has; 401 without a valid token, 403 for one that may not write,
    413 past `MAX_BYTES` or `MAX_ENTRIES`, 415 for a compressed body; nothing is stored then, nor
    when `AuditError` is raised.
    """

    async def receive(request: Request) -> JSONResponse:
        opened = await run_in_threadpool(product)
        token = await run_in_threadpool(token_of, opened, bearer_secret(request))
        if token is None or Permission.INGEST.value not in token.verbs:
            await run_in_threadpool(record_refusal, opened, address_of(request), token=token)
            return _refusal(token)
        if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            return JSONResponse(
                {"error": "compressed bodies are not accepted; send the entries as they are"},
                status_code=415,
            )
        try:
            body = await read_body(request, max_bytes=MAX_BYTES)
        except BodyTooLarge:
            _note_size(opened, token, address_of(request))
            return _too_large(f"{MAX_BYTES:,} bytes")
        return await run_in_threadpool(_ingest, opened, token, body, address_of(request))

    return Route(ENTRIES_PATH, receive, methods=["POST"])


def readings_of(body: bytes) -> Iterator[Reading]:
    """What each record of a body became: an array by its first character, else JSON lines."""
    body = body.removeprefix(b"\xef\xbb\xbf")
    # In pieces, as from a file: a reader looks no further than it has to.
    pieces = iter(partial(io.BytesIO(body).read, CHUNK), b"")
    if body.lstrip(b" \t\r\n").startswith(b"["):
        return DocumentReader(pieces, "").read_array()
    return read_json_lines(pieces, "")


def _refusal(token: Token | None) -> JSONResponse:
    if token is None:
        return JSONResponse(
            {"error": "unauthorized"}, status_code=401, headers={"www-authenticate": "Bearer"}
        )
    return JSONResponse(
        {"error": "forbidden", "permission": Permission.INGEST.value}, status_code=403
    )


def _too_large(limit: str) -> JSONResponse:
    return JSONResponse(
        {"error": f"a request takes at most {limit}; nothing was stored"}, status_code=413
    )


def _note_size(product: Product, token: Token, address: str | None) -> None:
    attempts_of(product.state).note(
        at=product.clock(),
        verb="size.refused",
        actor=token.name,
        organization_id=token.organization_id,
        address=address,
        detail={"path": ENTRIES_PATH},
    )


def _ingest(product: Product, token: Token, body: bytes, address: str | None) -> JSONResponse:
    placed: list[PlacedEntry] = []
    rejected: list[Rejection] = []
    for reading in readings_of(body):
        if len(placed) + len(rejected) == MAX_ENTRIES:
            _note_size(product, token, address)
            return _too_large(f"{MAX_ENTRIES:,} entries")
        if isinstance(reading, Rejection):
            rejected.append(reading)
        elif reading.entry.organization_id != token.organization_id:
            rejected.append(_foreign(reading, token))
        else:
            placed.append(reading)
    report = product.log.append([each.entry for each in placed])
    rejected += [
        reject(placed[index].place, reason, placed[index].raw) for index, reason in report.refused
    ]
    told = IngestReport(
        accepted=report.accepted,
        known=report.known,
        finished=report.finished,
        rejected=len(rejected),
        kept_fields=count_fields(each.extra.kept for each in placed),
        lost_fields=count_fields(each.extra.lost for each in placed),
    )
    with product.state.begin() as connection:
        keep_rejections(
            connection,
            rejections=rejected,
            organization_id=token.organization_id,
            origin=f"{ORIGIN}: {token.name}",
            now=product.clock(),
        )
        record(
            connection,
            at=product.clock(),
            verb="ingest",
            actor=token.name,
            organization_id=token.organization_id,
            address=address,
            detail=told.detail(),
        )
    return JSONResponse(told.detail() | {"rejected": [asdict(each) for each in rejected]})


def _foreign(reading: PlacedEntry, token: Token) -> Rejection:
    named = reading.entry.organization_id
    return reject(
        reading.place,
        f"The entry belongs to {f'the organization {named[:80]}' if named else 'no organization'}; "
        f"this token writes to {token.organization_id} only.",
        reading.raw,
    )
