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
from audit_core.ingest.files import read_shape
from audit_core.ingest.formats.detect import Shape
from audit_core.ingest.formats.streams import CHUNK
from audit_core.ingest.pipeline import ingest
from audit_core.ingest.records.batches import Batch
from audit_core.installation.opened import Installation
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


def entries_route(installation: Callable[[], Installation]) -> Route:
    """Takes JSON lines or one JSON array, and answers after the commit.

    200 `{"accepted", "known", "finished", "rejected": [{"place", "reason", "raw"}]}`, the first
    three being numbers, and `extra_fields` or `extra_fields_not_kept` with counts by name where
    records had fields that no entry has; 401 without a valid token, 403 for one that may not write,
    413 past `MAX_BYTES` or `MAX_ENTRIES`, 415 for a compressed body; nothing is stored then, nor
    when `AuditError` is raised.
    """

    async def receive(request: Request) -> JSONResponse:
        opened = await run_in_threadpool(installation)
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


def read_body_batches(body: bytes) -> Iterator[Batch]:
    """The records of a body: an array by its first character, else JSON lines."""
    body = body.removeprefix(b"\xef\xbb\xbf")
    is_array = body.lstrip(b" \t\r\n").startswith(b"[")
    # In pieces, as from a file: a reader looks no further than it has to.
    pieces = iter(partial(io.BytesIO(body).read, CHUNK), b"")
    return read_shape(Shape.ARRAY if is_array else Shape.LINES, pieces, "")


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


def _note_size(installation: Installation, token: Token, address: str | None) -> None:
    attempts_of(installation.state).note(
        at=installation.clock(),
        verb="size.refused",
        actor=token.name,
        organization_id=token.organization_id,
        address=address,
        detail={"path": ENTRIES_PATH},
    )


def _ingest(
    installation: Installation, token: Token, body: bytes, address: str | None
) -> JSONResponse:
    batches: list[Batch] = []
    count = 0
    for batch in read_body_batches(body):
        count += batch.table.num_rows + len(batch.rejections)
        if count > MAX_ENTRIES:
            _note_size(installation, token, address)
            return _too_large(f"{MAX_ENTRIES:,} entries")
        batches.append(batch)
    rejected: list[Rejection] = []
    report = ingest(
        batches,
        append=installation.log.append_table,
        keep=rejected.extend,
        organization_id=token.organization_id,
    )
    with installation.state.begin() as connection:
        keep_rejections(
            connection,
            rejections=rejected,
            organization_id=token.organization_id,
            origin=f"{ORIGIN}: {token.name}",
            now=installation.clock(),
        )
        record(
            connection,
            at=installation.clock(),
            verb="ingest",
            actor=token.name,
            organization_id=token.organization_id,
            address=address,
            detail=report.detail(),
        )
    return JSONResponse(
        report.detail() | {"rejected": [asdict(rejection) for rejection in rejected]}
    )
