"""What the operator of this machine may read of the running app: the whole log, to move it.

Who asks proves to hold this installation's key file, which only its owner can read. So the
command line can copy a log that the app has open alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import pyarrow as pa
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from audit_core.domain.access import Scope
from audit_core.installation.anchors import examine_anchors
from audit_core.installation.doctor import Finding, examine_installation
from audit_core.installation.erasures import examine_erasures
from audit_core.installation.integrity import examine_integrity
from audit_core.installation.kept_checkpoint import ComparedCheckpoint, compare_checkpoint
from audit_core.installation.legal_holds import examine_holds
from audit_core.installation.notifications import examine_channels
from audit_core.installation.opened import Installation
from audit_core.installation.vanished import examine_vanished
from audit_core.installation.watching import examine_watching
from audit_core.sources.findings import examine_senders
from audit_core.state.access_log.record import record
from audit_core.transfer.digests_sql import Kind
from audit_core.transfer.transfer import SHAPES, LocalOrigin, Stretch
from audit_core.web.addresses import (
    CHECKPOINT_PATH,
    DIGEST_PATH,
    DOCTOR_PATH,
    HEADS_PATH,
    ROWS_PATH,
)
from audit_core.web.errors import ErrorCode, refusal, unauthorized
from audit_core.web.framing import refuse_unframed
from audit_core.web.openapi.operation import (
    READS_THE_LOG,
    Answer,
    ApiRoute,
    Caller,
    Operation,
    Parameter,
    Section,
)
from audit_core.web.security.bearer_tokens import bearer_secret, record_refusal
from audit_core.web.security.identity import address_of
from audit_core.web.security.operator_proof import proves

ARROW_STREAM = "application/vnd.apache.arrow.stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestOfDays:
    """What a log holds, without the entries."""

    days: tuple[tuple[str | int, ...], ...]
    """Organization, day counted from 1970-01-01, how many entries, and two checksums of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationHead:
    """The highest numbers that an organization has been given."""

    organization_id: str
    revision: int
    organization_seq: int
    organization_revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """The highest numbers of all organizations."""

    heads: tuple[OrganizationHead, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What `sandtrail doctor` prints."""

    findings: tuple[Finding, ...]


def _operation(of: str, summary: str, answer: Answer, *parameters: Parameter) -> Operation:
    return Operation(
        id=of,
        summary=summary,
        description="For the command line of the same version.",
        section=Section.OPERATOR,
        callers=(Caller.OPERATOR,),
        parameters=parameters,
        answers={200: answer},
        errors=(
            ErrorCode.HTTP_VERSION,
            *((ErrorCode.INVALID_REQUEST,) if parameters else ()),
            *READS_THE_LOG,
        ),
    )


_OF = Parameter(name="of", description="What is copied; entries if none.", kind=Kind)
DIGEST = _operation(
    "getDigest",
    "Counts and checksums of each day",
    Answer(description="The digest.", kinds=(DigestOfDays,)),
    _OF,
)
HEADS = _operation(
    "getHeads",
    "The highest numbers of each organization",
    Answer(description="The numbers.", kinds=(Heads,)),
)
DOCTOR = _operation(
    "getDoctor",
    "What sandtrail doctor finds",
    Answer(description="The findings.", kinds=(Findings,)),
    Parameter(name="full", description="`1` compares the counts with every entry."),
)
CHECKPOINT = _operation(
    "compareCheckpoint",
    "Whether the log continues a checkpoint that was kept elsewhere",
    Answer(description="What it says against the log.", kinds=(ComparedCheckpoint,)),
    Parameter(name="note", description="The checkpoint, a signed note.", required=True),
)
ROWS = _operation(
    "getRows",
    "The rows of some days",
    Answer(description="The rows as an Arrow stream.", media_types=(ARROW_STREAM,)),
    Parameter(name="organization", description="The id of the organization."),
    Parameter(name="first", description="The first day, counted from 1970-01-01.", required=True),
    Parameter(name="last", description="The last day.", required=True),
    _OF,
)


def operator_routes(installation: Callable[[], Installation]) -> list[ApiRoute]:
    """`DOCTOR_PATH?full=1`: `{"findings": […]}`, those of `doctor.examine_installation`,
    `findings.examine_senders`, `integrity.examine_integrity`, `vanished.examine_vanished`,
    `anchors.examine_anchors`, `legal_holds.examine_holds`, `notifications.examine_channels`,
    `erasures.examine_erasures` and `watching.examine_watching`.
    `DIGEST_PATH`: the log's digest as JSON, `{"days": [[organization, day, count, first, second],
    …]}`. `ROWS_PATH` with `organization`, `first` and `last`: the rows of these days as an Arrow
    stream. Both are of entries, with `of=state_changes` of those. `HEADS_PATH`: the highest numbers
    of each organization as JSON, `{"heads": [{…}, …]}`, as rows of `schema.organization_head`.
    `CHECKPOINT_PATH?note=…`: a `ComparedCheckpoint`."""

    def guarded(
        answer: Callable[[Installation, Request], Response],
    ) -> Callable[[Request], Response]:
        def guard(request: Request) -> Response:
            if refused := refuse_unframed(request):
                return refused
            opened = installation()
            if proves(bearer_secret(request), opened.key, opened.clock()):
                return answer(opened, request)
            record_refusal(opened, address_of(request))
            return unauthorized(bearer=True)

        return guard

    # Starlette runs endpoints that are plain functions in threads.
    return [
        ApiRoute(DIGEST_PATH, guarded(_digest), DIGEST),
        ApiRoute(ROWS_PATH, guarded(_rows), ROWS),
        ApiRoute(DOCTOR_PATH, guarded(_doctor), DOCTOR),
        ApiRoute(HEADS_PATH, guarded(_heads), HEADS),
        ApiRoute(CHECKPOINT_PATH, guarded(_checkpoint), CHECKPOINT),
    ]


def _doctor(opened: Installation, request: Request) -> Response:
    full = request.query_params.get("full") == "1"
    findings = [
        *examine_installation(opened, Scope.everything(), full=full),
        *examine_senders(opened),
        *examine_integrity(opened),
        *examine_vanished(opened),
        *examine_anchors(opened),
        *examine_holds(opened),
        *examine_channels(opened),
        *examine_erasures(opened),
        *examine_watching(opened),
    ]
    return JSONResponse({"findings": [asdict(item) for item in findings]})


def _checkpoint(opened: Installation, request: Request) -> Response:
    compared = compare_checkpoint(opened, request.query_params.get("note", ""))
    return JSONResponse(asdict(compared))


def _digest(opened: Installation, request: Request) -> Response:
    kind = _kind(request)
    if kind is None:
        return _unknown_kind()
    days = _origin(opened).digest(kind)
    with opened.state.begin() as connection:
        record(
            connection,
            at=opened.clock(),
            verb="log.transferred",
            actor="command line",
            address=address_of(request),
            detail={kind.value: sum(item.count for item in days.values())},
        )
    return JSONResponse(
        {"days": [[*day, item.count, item.first, item.second] for day, item in days.items()]}
    )


def _heads(opened: Installation, request: Request) -> Response:
    heads = _origin(opened).heads()
    return JSONResponse({"heads": [head.as_row(name) for name, head in heads.items()]})


def _rows(opened: Installation, request: Request) -> Response:
    numbers = [request.query_params.get(name, "") for name in ("first", "last")]
    if not all(text.isascii() and text.isdigit() and len(text) <= 6 for text in numbers):
        return refusal(
            ErrorCode.INVALID_REQUEST,
            "The parameter first or last is not the number of a day.",
            "Count days from 1970-01-01.",
        )
    first, last = map(int, numbers)
    organization = request.query_params.get("organization", "")
    stretch = Stretch(organization_id=organization, first=first, last=last)
    kind = _kind(request)
    if kind is None:
        return _unknown_kind()
    tables = _origin(opened).rows(stretch, kind)
    return StreamingResponse(_stream(tables, SHAPES[kind]), media_type=ARROW_STREAM)


def _unknown_kind() -> Response:
    kinds = ", ".join(Kind)
    return refusal(
        ErrorCode.INVALID_REQUEST,
        "The parameter of names nothing that a log holds.",
        f"Choose from {kinds}.",
    )


def _kind(request: Request) -> Kind | None:
    """What is asked for; `None` for what a log does not hold."""
    name = request.query_params.get("of", Kind.ENTRIES)
    return Kind(name) if name in [*Kind] else None


def _origin(opened: Installation) -> LocalOrigin:
    return LocalOrigin(log=opened.log, scope=Scope.everything())


def _stream(tables: Iterator[pa.Table], shape: pa.Schema) -> Iterator[bytes]:
    """The tables as one Arrow stream; it ends properly only if all of them went out."""
    sink = _Sink()
    with pa.ipc.new_stream(sink, shape) as writer:
        for table in tables:
            writer.write_table(table)
            yield sink.taken()
    yield sink.taken()


class _Sink:
    """A file that is emptied while it is written."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        return None

    def taken(self) -> bytes:
        """What was written since the last time."""
        taken, self._pieces = b"".join(self._pieces), []
        return taken
