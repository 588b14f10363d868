"""POST /api/otlp/v1/logs: audit entries from OpenTelemetry's exporters and collectors.

What is answered, and which refusals a sender repeats, follows the OTLP specification: a sender
repeats after 429, 502, 503 and 504 only, so what passes by itself must be one of these.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from google.rpc.code_pb2 import Code
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceResponse,
)
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from audit_core.domain.errors import (
    AuditError,
    BusyError,
    SourceError,
    SourceTooLargeError,
    SourceTypeError,
    StorageFullError,
)
from audit_core.domain.redaction import redact_text
from audit_core.domain.rejections import Rejection
from audit_core.identity.api_tokens import Token
from audit_core.identity.token_verbs import WRITE
from audit_core.ingest.formats.streams import StreamBroken, decompressed
from audit_core.ingest.mappings.recognize import Choice, RecordsOfOthers
from audit_core.ingest.mappings.saved import known_mappings
from audit_core.ingest.otlp.log_records import count_parts, read_log_records
from audit_core.ingest.otlp.request import read_json, read_protobuf
from audit_core.ingest.records.batches import Batch, gather
from audit_core.installation.opened import Installation
from audit_core.web.arrivals import MAX_BYTES, MAX_ENTRIES, note, store
from audit_core.web.error_response import status_of
from audit_core.web.errors import ErrorCode
from audit_core.web.limits.body_limit import BodyTooLarge, read_body
from audit_core.web.limits.concurrent_bodies import Bodies
from audit_core.web.openapi.operation import Answer, ApiRoute, Body, Caller, Operation, Section
from audit_core.web.security.bearer_tokens import TokenRefused, require_token
from audit_core.web.security.identity import address_of

OTLP_PATH = "/api/otlp/v1/logs"
ORIGIN = "otlp"
"""Where the rejections of requests are said to come from, with the token's name."""
RETRY_AFTER_S = 10
"""When a sender may ask again where nothing else says when."""
MAX_REASONS = 3
"""Of how many rejected records an answer tells the reason."""

READERS = 2
"""How many bodies are read at once: of 10 MB of hostile protobuf each takes 600 MB meanwhile."""

PROTOBUF, JSON = "application/x-protobuf", "application/json"
_READERS = {PROTOBUF: read_protobuf, JSON: read_json}
_READING: RunVar[CapacityLimiter] = RunVar("reading_otlp")
_PACKED = ("gzip", "x-gzip", "zstd")
_PLAIN = ("", "identity")

_CODES: Mapping[int, int] = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    413: Code.INVALID_ARGUMENT,
    415: Code.INVALID_ARGUMENT,
    429: Code.RESOURCE_EXHAUSTED,
    503: Code.UNAVAILABLE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcStatus:
    """A `google.rpc.Status` in JSON, which exporters of OpenTelemetry expect."""

    message: str
    """What happened, and what to do next."""
    code: int = 0
    """Of gRPC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogsStored:
    """An `ExportLogsServiceResponse` in JSON."""

    partialSuccess: Mapping[str, str | int] | None = None
    """What was not stored: `rejectedLogRecords` and `errorMessage`; missing if all was."""


OPERATION = Operation(
    id="sendLogs",
    summary="Send log records of OpenTelemetry",
    description=f"OTLP/HTTP, plain, gzip or zstd; at most {MAX_BYTES:,} bytes, also decompressed, "
    f"and {MAX_ENTRIES:,} records, scopes and resources. Answered after the commit.",
    section=Section.SEND,
    method="POST",
    callers=(Caller.PROGRAM,),
    permission=WRITE.name,
    body=Body(description="An `ExportLogsServiceRequest`.", media_types=(PROTOBUF, JSON)),
    answers={
        200: Answer(
            description="An `ExportLogsServiceResponse`, in the encoding of the request.",
            kinds=(LogsStored,),
            media_types=(JSON, PROTOBUF),
        )
    },
    errors=(
        ErrorCode.INVALID_REQUEST,
        ErrorCode.TOO_LARGE,
        ErrorCode.UNSUPPORTED_TYPE,
        ErrorCode.TOO_MANY_REQUESTS,
        ErrorCode.BUSY,
        ErrorCode.LOG_BEHIND,
    ),
    protocol_error=Answer(
        description="A `google.rpc.Status`, in the encoding of the request.",
        kinds=(RpcStatus,),
        media_types=(JSON, PROTOBUF),
    ),
)


def otlp_route(installation: Callable[[], Installation], bodies: Bodies) -> ApiRoute:
    """Takes an ExportLogsServiceRequest, and answers after the commit, in the request's encoding.

    200 with an ExportLogsServiceResponse, whose `partial_success` counts what was not stored, with
    reasons; else a google.rpc.Status: 400 for a body that is no such request, 401, 403, 413, 415 as
    `entries_route`, 429 and 503 with Retry-After for what passes by itself, a full disk included.
    """

    async def receive(request: Request) -> Response:
        kind = _type_of(request)
        try:
            token = await require_token(request, installation, WRITE)
            if isinstance(token, TokenRefused):
                return (
                    _unauthorized(kind) if token.status == 401 else _status(403, token.reason, kind)
                )
            opened, address = installation(), address_of(request)
            call = _Call(opened, token, address, kind)
            try:
                encoding = _require_encoding(request)
                with bodies.one(token.id):
                    body = await read_body(request, max_bytes=MAX_BYTES)
                    read = partial(call.read, _unpacked if encoding in _PACKED else bytes, body)
                    batches = await to_thread.run_sync(read, limiter=_readers())
                    return await run_in_threadpool(call.store, batches)
            except BodyTooLarge:
                return call.refuse_size(f"A request takes at most {MAX_BYTES:,} bytes.")
            except SourceTooLargeError as error:
                return call.refuse_size(error.message)
            except SourceError as error:
                detail = {"path": OTLP_PATH, "reason": redact_text(error.message)}
                note(opened, token, address, "body.refused", detail)
                raise
        except AuditError as error:
            return _problem(error, kind)

    return ApiRoute(OTLP_PATH, receive, OPERATION)


@dataclass(frozen=True, slots=True)
class _Call:
    """A request of somebody who may send entries."""

    installation: Installation
    token: Token
    address: str | None
    kind: str

    def read(self, unpack: Callable[[bytes], bytes], body: bytes) -> list[Batch]:
        """What a body holds. Raises `SourceError` if it cannot be read, or is too large."""
        read = _READERS.get(self.kind)
        if read is None:
            raise SourceTypeError(
                f"The content type {self.kind[:80]!r} is not read.", f"Send {PROTOBUF} or {JSON}."
            )
        request = read(unpack(body))
        if count_parts(request, MAX_ENTRIES) > MAX_ENTRIES:
            raise SourceTooLargeError(
                f"A request takes at most {MAX_ENTRIES:,} log records, scopes and resources.",
                "Send fewer at once.",
            )
        organization = self.token.organization_id
        with self.installation.state.read() as connection:
            known = known_mappings(connection, organization)
        others = RecordsOfOthers(Choice(known=known, organization_id=organization))
        readings = list(read_log_records(request, organization, others))
        return [*gather(readings, mapping=others.used)]

    def store(self, batches: list[Batch]) -> Response:
        """Store what was read, and say what became of it."""
        answer = ExportLogsServiceResponse()
        if batches:
            report, rejected = store(
                self.installation, self.token, batches, self.address, origin=ORIGIN
            )
            if missing := report.rejected + report.other_lines:
                answer.partial_success.CopyFrom(
                    ExportLogsPartialSuccess(
                        rejected_log_records=missing,
                        error_message=_reasons(rejected, report.other_lines),
                    )
                )
        return _message(answer, 200, self.kind)

    def refuse_size(self, reason: str) -> Response:
        """Say that the request is too large, and why."""
        detail = {"path": OTLP_PATH}
        note(self.installation, self.token, self.address, "size.refused", detail)
        return _status(413, f"{reason} Nothing was stored.", self.kind)


def _reasons(rejected: Sequence[Rejection], other: int) -> str:
    parts = [f"{one.place}: {one.reason}" for one in rejected[:MAX_REASONS]]
    if len(rejected) > MAX_REASONS:
        parts.append(f"{len(rejected) - MAX_REASONS:,} more were rejected.")
    if other:
        parts.append(
            f"{other:,} log records are no audit entries: they have neither an entry in their "
            "body nor user.id and event.name."
        )
    return " ".join(parts)


def _readers() -> CapacityLimiter:
    """One for each event loop: a limiter belongs to the loop that it was first used in."""
    try:
        return _READING.get()
    except LookupError:
        limiter = CapacityLimiter(READERS)
        _READING.set(limiter)
        return limiter


def _unpacked(body: bytes) -> bytes:
    try:
        return b"".join(decompressed(io.BytesIO(body), "The body", max_bytes=MAX_BYTES))
    except StreamBroken as broken:
        raise SourceError(f"The body is broken. {broken.reason}", "Send it again.") from broken


def _require_encoding(request: Request) -> str:
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in (*_PACKED, *_PLAIN):
        raise SourceTypeError(
            f"The content encoding {encoding[:80]!r} is not read.", "Send gzip, or none."
        )
    return encoding


def _type_of(request: Request) -> str:
    kind, _ = parse_options_header(request.headers.get("content-type", ""))
    return kind.decode("latin-1").strip().lower()


def _problem(error: AuditError, kind: str) -> Response:
    # A full disk is mended by people: a sender that takes 507 for final would lose what it holds.
    status = 503 if isinstance(error, StorageFullError) else status_of(error)
    retry_after_s = error.retry_after_s if isinstance(error, BusyError) else RETRY_AFTER_S
    headers = {"retry-after": str(retry_after_s)} if status in (429, 503) else {}
    return _status(status, f"{error.message} {error.hint}", kind, headers)


def _unauthorized(kind: str) -> Response:
    text = "There is no valid token. Send one as Authorization: Bearer TOKEN."
    return _status(401, text, kind, {"www-authenticate": "Bearer"})


def _status(
    status: int, text: str, kind: str, headers: Mapping[str, str] | None = None
) -> Response:
    code = _CODES.get(status, Code.INTERNAL)
    return _message(Status(code=code, message=text), status, kind, headers)


def _message(
    message: Message, status: int, kind: str, headers: Mapping[str, str] | None = None
) -> Response:
    """A message in the encoding of the request; in JSON where that is not known."""
    if kind == PROTOBUF:
        content, media_type = message.SerializeToString(), PROTOBUF
    else:
        content, media_type = MessageToJson(message, indent=None).encode(), JSON
    return Response(content, status, headers=dict(headers or {}), media_type=media_type)
