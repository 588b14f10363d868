"""Audit entries among the lines of a log: of Daytona's console, of containers, of syslog."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.rejections import Rejection
from audit_core.ingest.files import read_batches, read_records
from audit_core.ingest.formats import log_lines
from audit_core.ingest.formats.audit_lines import find_record
from audit_core.ingest.mappings.catalog import shipped_mappings
from audit_core.ingest.mappings.recognize import choose
from audit_core.ingest.records.located import LocatedEntry, OtherLine, Reading
from audit_core.log.schema import from_arrow
from tests.support.laws import law

RECORD = {
    "id": "e1",
    "actorId": "u",
    "action": "start",
    "organizationId": "o",
    "userAgent": 'a "b" \\ AUDIT_ENTRY: {"id": "forged"}',
    "metadata": {"a": 1},
    "createdAt": "2025-07-31T08:15:27.123Z",
}
JSON = json.dumps(RECORD)
HEADER = "<14>1 2025-07-31T08:15:27.123456Z host daytona 12 ID47 "


def pino(message: str, **more: object) -> str:
    return json.dumps({"level": 30, "time": 1, "context": "AuditService", "msg": message, **more})


def docker(text: str, stream: str = "stdout", *, whole: bool = True) -> str:
    end = "\n" if whole else ""
    return json.dumps({"log": text + end, "stream": stream, "time": "2025-07-31T08:15:27Z"})


def read(text: str, name: str = "f") -> list[Reading]:
    return list(read_records(io.BytesIO(text.encode()), name))


def ids(readings: list[Reading]) -> list[str]:
    return [reading.entry.id for reading in readings if isinstance(reading, LocatedEntry)]


DECORATED = {
    "alone": f"AUDIT_ENTRY: {JSON}",
    "Nest": f"[Nest] 1  - 07/31/2025, 8:15:27 AM     LOG [AuditService] AUDIT_ENTRY: {JSON} +5ms",
    "pino-pretty": f"[10:02:01.123] \x1b[32mINFO\x1b[39m: \x1b[36mAUDIT_ENTRY: {JSON}\x1b[39m "
    '{"context":"AuditService"}',
    "pino": pino(f"AUDIT_ENTRY: {JSON}"),
    "Docker": docker(f"AUDIT_ENTRY: {JSON}"),
    "pino in Docker": docker(pino(f"AUDIT_ENTRY: {JSON}")),
    "Docker Compose": f"daytona-api-1  | 2025-07-31 INFO AUDIT_ENTRY: {JSON}",
    "Kubernetes": f"2025-07-31T08:15:27.123456789Z stdout F AUDIT_ENTRY: {JSON}",
    "pino in Kubernetes": "2025-07-31T08:15:27.1Z stdout F " + pino(f"AUDIT_ENTRY: {JSON}"),
    "kubectl --prefix": f"[pod/api-5d/api] AUDIT_ENTRY: {JSON}",
    "journalctl": f"Jul 31 08:15:27 host daytona[12]: AUDIT_ENTRY: {JSON}",
    "rsyslog": f"2025-07-31T08:15:27.123456+02:00 host daytona: AUDIT_ENTRY: {JSON}",
    "RFC 3164": f"<14>Jul 31 08:15:27 host daytona[12]: AUDIT_ENTRY: {JSON}",
    "RFC 5424": f"{HEADER}- \ufeffAUDIT_ENTRY: {JSON}",
    "a record by RFC 5424": f"{HEADER}- {JSON}",
    "journald as octets": json.dumps(
        {"MESSAGE": list(f"\x1b[32mAUDIT_ENTRY: {JSON}".encode()), "__REALTIME_TIMESTAMP": 1}
    ),
    "journald as JSON": json.dumps({"MESSAGE": f"AUDIT_ENTRY: {JSON}", "__REALTIME_TIMESTAMP": 1}),
}


@pytest.mark.parametrize("around", DECORATED)
def test_an_entry_is_found_in_whatever_stands_around_it(around: str) -> None:
    (reading,) = read(DECORATED[around])
    assert isinstance(reading, LocatedEntry)
    assert (reading.entry.id, reading.entry.user_agent) == ("e1", RECORD["userAgent"])
    assert reading.entry.metadata == '{"a":1}'
    assert reading.location == "f:1"


@pytest.mark.parametrize(
    "line",
    [
        f"Error: no user AUDIT_ENTRY: {JSON}",
        f'10.0.0.1 - - [31/Jul/2025] "GET / HTTP/1.1" 200 "AUDIT_ENTRY: {JSON}',
        f"x\tAUDIT_ENTRY: {JSON}",
        f"INFO: said AUDIT_ENTRY: {JSON}",
        pino(f"login failed for AUDIT_ENTRY: {JSON}"),
        docker(f"login failed for AUDIT_ENTRY: {JSON}"),
        f"{HEADER}- login failed for AUDIT_ENTRY: {JSON}",
    ],
)
def test_what_somebody_wrote_into_a_message_is_no_entry_and_is_told(line: str) -> None:
    entry, forged = read(f"AUDIT_ENTRY: {JSON}\n{line}")
    assert isinstance(entry, LocatedEntry)
    assert isinstance(forged, Rejection)
    assert "does not stand where a message of the log begins" in forged.reason
    assert forged.place == "f:2"


def test_other_fields_of_a_logger_hold_no_entries() -> None:
    text = "\n".join([pino("GET /", ua=f"AUDIT_ENTRY: {JSON}"), pino(f"AUDIT_ENTRY: {JSON}")])
    assert [type(reading) for reading in read(text)] == [OtherLine, LocatedEntry]


BROKEN = {
    'AUDIT_ENTRY: {"id": "e2", "act': "not JSON",
    "AUDIT_ENTRY:": "Nothing stands behind",
    "AUDIT_ENTRY: null": "must be a JSON object",
    "AUDIT_ENTRY: {}": "id is missing",
    f"AUDIT_ENTRY: {JSON} and more": "more text behind the record",
    f"AUDIT_ENTRY: {JSON[:-1]},\x01}}": "not JSON",
    pino(f"AUDIT_ENTRY: {JSON}")[:-9]: "not JSON",
    docker(f"AUDIT_ENTRY: {JSON}")[:-9]: "not JSON",
    f'{HEADER}- {{"id": "e2", "act': "not JSON",
    HEADER.replace("456Z", "456") + f"- {JSON}": "must end with an offset",
    f'{HEADER}[a x="1"][a x="2"] {JSON}': "stands more than once",
    f'{HEADER}[a x="1" {JSON}': "structured data is broken",
    f'{HEADER}[a x="1"] ' + json.dumps({**RECORD, "metadata": {"syslog": 1}}): "of its own",
}


@pytest.mark.parametrize("line", BROKEN)
def test_a_broken_audit_line_is_a_rejection_with_its_place(line: str) -> None:
    other, broken, entry = read(f"started\n{line}\nAUDIT_ENTRY: {JSON}\n")
    assert isinstance(other, OtherLine)
    assert isinstance(broken, Rejection)
    assert BROKEN[line] in broken.reason
    assert broken.place == "f:2"
    assert isinstance(entry, LocatedEntry)


def test_bytes_that_are_no_text_and_lines_without_end_cost_themselves_only() -> None:
    long = b"x" * 2_000_000
    content = b"AUDIT_ENTRY: \xff\n\xff\n" + long + b"\nAUDIT_ENTRY: " + long
    content += f"\nAUDIT_ENTRY: {JSON}".encode()
    readings = list(read_records(io.BytesIO(content), "f"))
    assert [type(reading) for reading in readings] == [
        Rejection, OtherLine, OtherLine, Rejection, LocatedEntry,
    ]  # fmt: skip
    assert "2,000,014 bytes" in readings[3].reason  # type: ignore[union-attr]


def test_a_message_that_a_container_runtime_split_is_whole_again() -> None:
    line = f"AUDIT_ENTRY: {JSON}"
    pieces = [docker(line[:50], whole=False), docker("{", "stderr"), docker(line[50:])]
    assert ids(read("\n".join(pieces))) == ["e1"]
    stamp = "2025-07-31T08:15:27.123456789Z"
    pieces = [
        f"{stamp} stdout P {line[:40]}",
        f"{stamp} stderr F x",
        f"{stamp} stdout P {line[40:60]}",
    ]
    assert ids(read("\n".join([*pieces, f"{stamp} stdout F {line[60:]}"]))) == ["e1"]
    (cut,) = [one for one in read("\n".join(pieces)) if isinstance(one, Rejection)]
    assert "last piece is missing" in cut.reason


def test_pieces_are_held_up_to_the_length_of_a_record() -> None:
    piece = docker("AUDIT_ENTRY: " + "x" * 600_000, whole=False)
    readings = read("\n".join([piece, piece, docker("x"), docker(f"AUDIT_ENTRY: {JSON}")]))
    assert [type(reading) for reading in readings] == [Rejection, OtherLine, LocatedEntry]


def test_structured_data_is_kept_in_the_metadata() -> None:
    data = r'[origin ip="10.0.0.1" ip="10.0.0.2"][x@32473 note="a \"b\" \\ \] [c]"]'
    (reading,) = read(f"{HEADER}{data} AUDIT_ENTRY: {JSON}")
    assert isinstance(reading, LocatedEntry)
    assert json.loads(reading.entry.metadata or "") == {
        "a": 1,
        "syslog": {
            "origin": {"ip": ["10.0.0.1", "10.0.0.2"]},
            "x@32473": {"note": 'a "b" \\ ] [c]'},
        },
    }


CODER = {
    "msg": "audit_log",
    "level": "INFO",
    "fields": {"ID": "c1", "Time": "2025-07-31T08:15:27Z", "Action": "start", "UserID": "u"},
}


@pytest.mark.parametrize("around", ["RFC 5424", "Docker", "Kubernetes", "counted"])
def test_records_of_other_systems_are_read_by_their_mapping(around: str) -> None:
    texts = [json.dumps(CODER), json.dumps({"level": "INFO", "msg": "hello"}), "{ words"]
    lines = {
        "RFC 5424": [f'{HEADER}[x@1 a="b"] {text}' for text in texts[:2]],
        "Docker": [docker(text) for text in texts],
        "Kubernetes": [f"2025-07-31T08:15:27.123456789Z stdout F {text}" for text in texts],
        "counted": [counted(f"{HEADER}- {text}") for text in texts[:2]],
    }[around]
    content = ("" if around == "counted" else "\n").join(lines).encode()
    for organization, kind in (("o", LocatedEntry), (None, Rejection)):
        mappings = choose(shipped_mappings(), None, organization)
        first, *others = read_records(io.BytesIO(content), "f", mappings=mappings)
        assert isinstance(first, kind), first
        assert {type(other) for other in others} == {OtherLine}
    mappings = choose(shipped_mappings(), None, "o")
    batches = list(read_batches(io.BytesIO(content), "f", mappings=mappings))
    assert [batch.mapping.name for batch in batches if batch.table.num_rows] == ["coder"]
    (entry,) = [entry for batch in batches for entry in from_arrow(batch.table)]
    assert (entry.id, entry.action, entry.organization_id) == ("c1", "start", "o")
    if around == "RFC 5424":
        assert json.loads(entry.metadata or "")["syslog"] == {"x@1": {"a": "b"}}


def counted(*messages: str) -> str:
    return "".join(f"{len(message.encode())} {message}" for message in messages)


def test_messages_with_their_octets_counted_may_hold_line_ends() -> None:
    text = counted(f"{HEADER}- two\nlines é", f"{HEADER}- AUDIT_ENTRY: {JSON}\n")
    text += f"\n{HEADER}- without a count\n" + counted(f"{HEADER}- {JSON}")
    readings = read(text)
    assert [type(reading) for reading in readings] == [
        OtherLine, LocatedEntry, OtherLine, LocatedEntry,
    ]  # fmt: skip
    assert readings[1].location == "f:message 2"  # type: ignore[union-attr]
    (*_, cut) = read(text + f"999 {HEADER}- AUDIT_ENTRY: {JSON}")
    assert isinstance(cut, Rejection)
    assert "ends too early" in cut.reason
    (_, over, _) = read(
        counted(f"{HEADER}- x") + f"2000000 {HEADER}- AUDIT_ENTRY: " + "x" * 2_000_000
    )
    assert isinstance(over, Rejection)
    assert "the limit is" in over.reason


def test_a_log_may_begin_with_much_else() -> None:
    for line in (pino("a request"), "Just some words of a program", docker("started")):
        text = f"{line}\n" * 3_000 + f"AUDIT_ENTRY: {JSON}\n"
        readings = read(text)
        assert len(readings) == 3_001
        assert ids(readings) == ["e1"]


class Drip:
    """Gives one piece after the other, and notes what was made of them before the next."""

    def __init__(self, pieces: list[bytes], made: list[int]) -> None:
        self.pieces, self.made, self.seen = pieces, made, []

    def read(self, size: int, /) -> bytes:
        self.seen.append(len(self.made))
        return self.pieces.pop(0) if self.pieces else b""


@pytest.mark.parametrize("form", ["{}\n", "AUDIT_ENTRY: {}\n", f"{HEADER}- {{}}\n", "counted"])
def test_what_comes_through_a_pipe_is_given_before_more_comes(form: str) -> None:
    def written(number: int) -> bytes:
        record = json.dumps({**RECORD, "id": f"e{number}"})
        line = counted(f"{HEADER}- {record}") if form == "counted" else form.replace("{}", record)
        return line.encode()

    made: list[int] = []
    drip = Drip([written(1), written(2), written(3)], made)
    for batch in read_batches(drip, "f", live=True):
        made.extend(int(entry.id[1:]) for entry in from_arrow(batch.table))
    assert made == [1, 2, 3]
    assert drip.seen == [0, 1, 2, 3]


def test_no_line_takes_long() -> None:
    for piece in (
        "[a]",
        "1 ",
        "- ",
        "info ",
        "(",
        "[",
        "x|",
        "\x1b[0m",
        '{"context":"a"}',
        "+1ms ",
    ):
        find_record(piece * 20_000 + "AUDIT_ENTRY: {" + piece * 20_000)
    for start in (HEADER + '[a x="', HEADER + "[a" + ' x="1"' * 20_000, HEADER + "[a]" * 20_000):
        assert read(start + "\\a" * 20_000)


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=12)


@st.composite
def lines(draw: st.DrawFn) -> tuple[str, str, str | None]:
    """A line, what it is, and the id of its entry."""
    kind = draw(st.sampled_from(["entry", "broken", "other"]))
    number = f"e{draw(st.integers(0, 5))}"
    record = json.dumps({**RECORD, "id": number, "errorMessage": draw(WORDS)})
    if kind == "broken":
        record = record[: draw(st.integers(1, len(record) - 1))]
    message = f"hello {draw(WORDS)}" if kind == "other" else f"AUDIT_ENTRY: {record}"
    around = draw(
        st.sampled_from(["{}", "pino", "docker", f"{HEADER}- {{}}", "1 F", "[Nest] 1 {}"])
    )
    match around:
        case "pino":
            line = pino(message)
        case "docker":
            line = docker(message)
        case "1 F":
            line = f"2025-07-31T08:15:27.123456789Z stderr F {message}"
        case _:
            line = around.replace("{}", message)
    return line, kind, number if kind == "entry" else None


@law(150)
@given(st.lists(lines(), min_size=1, max_size=12), st.integers(1, 400))
def test_each_line_is_an_entry_a_rejection_or_counted(
    written: list[tuple[str, str, str | None]], step: int
) -> None:
    content = ("AUDIT_ENTRY: " + JSON + "\n" + "\n".join(line for line, _, _ in written)).encode()

    def pieces() -> Iterator[bytes]:
        for at in range(0, len(content), step):
            yield content[at : at + step]

    readings = [one for group in log_lines.read_log_lines(pieces(), "f") for one in group]
    kinds = {LocatedEntry: "entry", Rejection: "broken", OtherLine: "other"}
    assert [kinds[type(one)] for one in readings] == ["entry", *(kind for _, kind, _ in written)]
    assert ids(readings) == ["e1", *(number for _, _, number in written if number)]
    batches = list(read_batches(io.BytesIO(content), "f"))
    assert sum(batch.other_lines for batch in batches) == sum(
        kind == "other" for _, kind, _ in written
    )
    assert [entry.id for batch in batches for entry in from_arrow(batch.table)] == ids(readings)


@law(100)
@given(
    st.lists(
        st.tuples(lines(), st.booleans()).map(lambda drawn: (*drawn[0], drawn[1])),
        min_size=1,
        max_size=8,
    ),
    st.integers(1, 300),
)
def test_counted_messages_and_lines_may_be_mixed(
    written: list[tuple[str, str, str | None, bool]], step: int
) -> None:
    content = counted(f"{HEADER}- AUDIT_ENTRY: {JSON}").encode()
    for line, _, _, framed in written:
        message = line if line.startswith("<") else f"{HEADER}- {line}"
        content += (counted(message) if framed else f"{message}\n").encode()
    pieces = (content[at : at + step] for at in range(0, len(content), step))
    readings = [one for group in log_lines.read_log_frames(pieces, "f") for one in group]
    assert ids(readings) == ["e1", *(number for _, _, number, _ in written if number)]
    rejected = sum(isinstance(one, Rejection) for one in readings)
    assert rejected == sum(kind == "broken" for _, kind, _, _ in written)
    assert len(readings) == len(written) + 1
