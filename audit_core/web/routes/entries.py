"""POST /api/v1/entries: entries from collectors, with a bearer token."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import NoReturn

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from audit_core.domain.errors import SourceError, SourceTooLargeError
from audit_core.domain.redaction import redact_text
from audit_core.domain.rejections import Rejection
from audit_core.identity.api_tokens import Token
from audit_core.identity.token_verbs import WRITE
from audit_core.ingest.files import read_batches
from audit_core.ingest.formats.other_files import WHAT_TO_GIVE
from audit_core.ingest.mappings.recognize import NO_MAPPINGS, Choice, choose
from audit_core.ingest.mappings.saved import known_mappings
from audit_core.ingest.records.batches import Batch
from audit_core.installation.opened import Installation
from audit_core.web.arrivals import MAX_BYTES, MAX_ENTRIES, MAX_OTHER_LINES, note, store
from audit_core.web.body_type import MEDIA_TYPES, require_readable, require_text_body
from audit_core.web.errors import ErrorBody, ErrorCode, refusal
from audit_core.web.limits.body_limit import BodyTooLarge, read_body
from audit_core.web.limits.concurrent_bodies import Bodies
from audit_core.web.openapi.operation import (
    Answer,
    ApiRoute,
    Body,
    Caller,
    Operation,
    Parameter,
    Section,
)
from audit_core.web.security.bearer_tokens import TokenRefused, require_token
from audit_core.web.security.identity import address_of

ENTRIES_PATH = "/api/v1/entries"
ORIGIN = "http"
"""Where the rejections of requests are said to come from, with the token's name."""

NOTHING_ACCEPTED = ErrorBody(
    error="Every record was rejected.",
    hint="See rejected for the reason of each, correct the records, and send them again.",
    code=ErrorCode.REJECTED,
)
"""Stands in front of the report where no entry was stored and none was known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of each record of a request; what is `None` is left out."""

    accepted: int
    """New entries."""
    known: int
    """Entries that the log had already: sending again is harmless."""
    finished: int
    """Entries that were in flight, and now have their answer."""
    rejected: tuple[Rejection, ...]
    """One for each record that was refused; they are listed in Admin → Sources as well."""
    extra_fields: Mapping[str, int] | None = None
    """Fields that no entry has, counted by name; they are kept in the metadata under `extra`."""
    extra_fields_not_kept: Mapping[str, int] | None = None
    """The same, for those that did not fit there."""
    other_lines: int | None = None
    """Lines of a log, or records of another system, that are no audit entries, and were not meant
    as some; they are left out."""
    mapping: str | None = None
    """The name of the mapping by which the records were read."""
    mapped_fields: Mapping[str, int] | None = None
    """With a mapping: which fields were read into which, counted."""
    derived_fields: Mapping[str, int] | None = None
    """With a mapping: which fields were worked out of which, counted."""
    unmapped_fields: Mapping[str, int] | None = None
    """With a mapping: fields that are kept in the metadata under `unmapped`, counted."""


OPERATION = Operation(
    id="sendEntries",
    summary="Send entries",
    description=f"At most {MAX_BYTES:,} bytes, also decompressed, and {MAX_ENTRIES:,} records; "
    "gzip and zstd, with or without a Content-Encoding. Answered after the commit; repeating the "
    "same body is harmless.",
    section=Section.SEND,
    method="POST",
    callers=(Caller.PROGRAM,),
    permission=WRITE.name,
    parameters=(
        Parameter(
            name="mapping",
            description="The name of the mapping by which records of another system are read; "
            "`none` for none. If it is missing, that which recognizes them.",
        ),
    ),
    body=Body(
        description="JSON lines, a JSON list, JSON objects over several lines, a saved page of "
        "an API, or CSV; in UTF-8 or UTF-16; or the records of another system that a mapping "
        "reads. The content tells which.",
        media_types=MEDIA_TYPES,
    ),
    answers={
        200: Answer(description="What became of each record.", kinds=(Sent,)),
        422: Answer(description="Every record was rejected.", kinds=(ErrorBody, Sent)),
    },
    errors=(
        ErrorCode.INVALID_REQUEST,
        ErrorCode.TOO_LARGE,
        ErrorCode.UNSUPPORTED_TYPE,
        ErrorCode.REJECTED,
        ErrorCode.TOO_MANY_REQUESTS,
        ErrorCode.BUSY,
        ErrorCode.LOG_BEHIND,
        ErrorCode.STORAGE_FULL,
    ),
)


def entries_route(installation: Callable[[], Installation], bodies: Bodies) -> ApiRoute:
    """Takes what files may hold (see `ingest.files.read_records`), and answers after the commit.

    200 `{"accepted", "known", "finished", "rejected": [{"place", "reason", "raw"}]}`, the first
    three being numbers, `extra_fields` or `extra_fields_not_kept` with counts by name where
    records had fields that no entry has, and `other_lines` where lines of a log are no audit
    entries; 422 with the same behind `NOTHING_ACCEPTED`; 400 for a body without any record;
    401 without a valid token, 403 for one that may not write, 413 past `MAX_BYTES`, also
    decompressed, or `MAX_ENTRIES`, 415 for a type or an encoding that is not read; nothing is
    stored but after 200, nor when `AuditError` is raised. Records of another system are read by
    the mapping that recognizes them, or by that in `?mapping=NAME|none`, which the answer names;
    those that name no organization are of the token's.
    """

    async def receive(request: Request) -> Response:
        token = await require_token(request, installation, WRITE)
        if isinstance(token, TokenRefused):
            return token.as_response()
        opened, address = installation(), address_of(request)
        try:
            require_readable(request.headers)
            with bodies.one(token.id):
                body = await read_body(request, max_bytes=MAX_BYTES)
                require_text_body(request.headers, body)
                mapping = request.query_params.get("mapping")
                return await run_in_threadpool(_ingest, opened, token, body, address, mapping)
        except BodyTooLarge:
            note(opened, token, address, "size.refused", {"path": ENTRIES_PATH})
            return _too_large(f"{MAX_BYTES:,} bytes")
        except SourceTooLargeError:
            note(opened, token, address, "size.refused", {"path": ENTRIES_PATH})
            return _too_large(f"{MAX_BYTES:,} bytes, decompressed")
        except SourceError as error:
            detail = {"path": ENTRIES_PATH, "reason": redact_text(error.message)}
            note(opened, token, address, "body.refused", detail)
            raise

    return ApiRoute(ENTRIES_PATH, receive, OPERATION)


def read_body_batches(body: bytes, mappings: Choice = NO_MAPPINGS) -> Iterator[Batch]:
    """The records of a body, as of a file. Raises `SourceError` if there are none."""

    def refuse(sentence: str) -> NoReturn:
        raise SourceError(sentence, WHAT_TO_GIVE)

    return read_batches(
        io.BytesIO(body), "", max_bytes=MAX_BYTES, mappings=mappings, on_empty=refuse
    )


def _too_large(limit: str) -> Response:
    return refusal(
        ErrorCode.TOO_LARGE,
        f"A request takes at most {limit}; nothing was stored.",
        "Send the entries in several requests.",
    )


def _require_records(batches: list[Batch]) -> None:
    """Raises `SourceError` if nothing was found but the place where the body breaks off."""
    for batch in batches:
        if batch.table.num_rows or any(rejection.raw for rejection in batch.rejections):
            return
        if batch.other_lines:
            return  # A log: that none of these lines is an audit entry is no fault of its sender.
    reason = batches[0].rejections[0].reason if batches else ""
    raise SourceError(f"The body holds no records. {reason}", WHAT_TO_GIVE)


def _ingest(
    installation: Installation,
    token: Token,
    body: bytes,
    address: str | None,
    mapping: str | None = None,
) -> Response:
    batches: list[Batch] = []
    count = other_lines = 0
    with installation.state.read() as connection:
        known = known_mappings(connection, token.organization_id)
    mappings = choose(known, mapping, token.organization_id)
    for batch in read_body_batches(body, mappings):
        count += batch.table.num_rows + len(batch.rejections)
        other_lines += batch.other_lines
        if count > MAX_ENTRIES or other_lines > MAX_OTHER_LINES:
            note(installation, token, address, "size.refused", {"path": ENTRIES_PATH})
            return _too_large(
                f"{MAX_ENTRIES:,} entries"
                if count > MAX_ENTRIES
                else f"{MAX_OTHER_LINES:,} lines that are no audit entries"
            )
        batches.append(batch)
    _require_records(batches)
    report, rejected = store(installation, token, batches, address, origin=ORIGIN)
    became = report.detail() | {"rejected": [asdict(rejection) for rejection in rejected]}
    if report.rejected and not report.acknowledged:
        return JSONResponse(NOTHING_ACCEPTED.as_json() | became, status_code=422)
    return JSONResponse(became)
