"""Files of every shape: what is good comes through, what is bad is placed, nothing is silent."""

from __future__ import annotations

import csv
import gzip
import io
import json
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from hypothesis import assume, given
from hypothesis import strategies as st

from audit_core.domain.entries import FIELDS, AuditEntry
from audit_core.domain.errors import SourceError
from audit_core.domain.rejections import RAW_LIMIT, Rejection
from audit_core.ingest.files import open_file, read_records
from audit_core.ingest.formats.csv_table import NULLS
from audit_core.ingest.formats.streams import RATIO_FREE
from audit_core.ingest.records.located import MAX_RECORD, LocatedEntry, Reading
from audit_core.ingest.records.record import write_record
from tests.ingest.records.test_record import ENTRIES, GOOD
from tests.support.laws import law

LINE = json.dumps(GOOD | {"metadata": {"body": {"name": 'a, "b"\n]}'}}})


def read(data: bytes | str, name: str = "f", **limits: int) -> list[Reading]:
    data = data.encode() if isinstance(data, str) else data
    return list(read_records(io.BytesIO(data), name, **limits))


def entries(readings: list[Reading]) -> list[AuditEntry]:
    return [reading.entry for reading in readings if isinstance(reading, LocatedEntry)]


def rejections(readings: list[Reading]) -> list[Rejection]:
    return [reading for reading in readings if isinstance(reading, Rejection)]


def numbered(number: int) -> str:
    return json.dumps(GOOD | {"id": str(number)})


class Slowly(io.BytesIO):
    """Gives a byte or a few at a time, so that every border falls between two reads."""

    step = 1

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self.step)


def as_csv(entries: list[AuditEntry], names: dict[str, str], delimiter: str = ",") -> str:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(names.values())
    for entry in entries:
        values = {field: getattr(entry, field) for field in names}
        values["created_at"] = entry.created_at.isoformat()
        writer.writerow("" if value is None else value for value in values.values())
    return file.getvalue()


CAMEL = {field: name for name, field in FIELDS}
SNAKE = {field: field for _, field in FIELDS}


@law(60)
@given(st.lists(ENTRIES, min_size=1, max_size=4), st.sampled_from([CAMEL, SNAKE]))
def test_entries_are_the_same_from_every_shape(
    expected: list[AuditEntry], names: dict[str, str]
) -> None:
    records = [
        {names[field]: json.loads(write_record(entry))[name] for name, field in FIELDS}
        for entry in expected
    ]
    for indent in (None, 2):
        for document in (records, {"total": 7, "items": records, "nextToken": None}):
            text = json.dumps(document, ensure_ascii=False, indent=indent)
            assert entries(read(text)) == expected
        single = json.dumps(records[0], indent=indent)
        assert entries(read(single)) == expected[:1]
    lines = "\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    assert entries(read(lines)) == expected
    assert entries(read("\ufeff" + lines.replace("\n", "\r\n") + "\r\n\r\n")) == expected
    assert entries(read(gzip.compress(lines.encode()))) == expected
    assert entries(read(zstandard.compress(lines.encode()))) == expected


@law(60)
@given(
    st.lists(ENTRIES, min_size=1, max_size=4),
    st.sampled_from([CAMEL, SNAKE]),
    st.sampled_from([",", ";", "\t"]),
)
def test_entries_are_the_same_from_csv(
    written: list[AuditEntry], names: dict[str, str], delimiter: str
) -> None:
    # Dumps write so what is missing; such a text has to be quoted, which `as_csv` does not do.
    assume(not any(getattr(entry, field) in NULLS for entry in written for _, field in FIELDS))
    # An empty value in CSV is a missing one: that difference alone cannot be written.
    expected = [
        replace(entry, **{field: getattr(entry, field) or None for field in OPTIONAL})
        for entry in written
    ]
    readings = read(as_csv(expected, names, delimiter))
    assert entries(readings) == expected, rejections(readings)


OPTIONAL = [
    field
    for _, field in FIELDS
    if field
    not in ("id", "actor_id", "actor_email", "action", "status_code", "metadata", "created_at")
]


@law(60)
@given(st.integers(0, 19), st.binary(min_size=1, max_size=12).filter(lambda b: b"\n" not in b))
def test_a_corrupted_line_is_rejected_alone_with_its_number(place: int, garbage: bytes) -> None:
    lines = [numbered(number).encode() for number in range(20)]
    lines[place] = lines[place][:30] + b"\xff" + garbage + lines[place][40:]
    readings = read(b"\n".join(lines), "a.jsonl")
    assert [rejection.place for rejection in rejections(readings)] == [f"a.jsonl:{place + 1}"]
    assert [entry.id for entry in entries(readings)] == [
        str(number) for number in range(20) if number != place
    ]


@pytest.mark.parametrize(
    "bad",
    [
        '{"id": NaN}', '{"id": 1, "id": 2}', '{"id" 1}', '{"id": x}', "17", "", '"\\ud800"',
        '{"a": "\\x,"}', "nonsense", "[" * 5000 + "]" * 5000, '"open', "}",
    ],
)  # fmt: skip
def test_a_broken_item_does_not_take_the_rest_of_the_list_along(bad: str) -> None:
    text = f"[\n{numbered(1)},\n{bad}\n,\n{numbered(2)}\n]"
    for stream in (io.BytesIO(text.encode()), Slowly(text.encode())):
        readings = list(read_records(stream, "a.json"))
        assert [entry.id for entry in entries(readings)] == ["1", "2"]
        assert [rejection.place for rejection in rejections(readings)] == ["a.json:item 2"]


@pytest.mark.parametrize("bad", ["[1, 2", '{"id": "x}', '{"a": "\\'])
def test_an_item_that_is_not_closed_says_that_the_rest_is_missing(bad: str) -> None:
    for stream in (io.BytesIO, Slowly):
        text = f"[\n{numbered(1)},\n{bad}\n,\n{numbered(2)}\n]"
        readings = list(read_records(stream(text.encode()), "a.json"))
        assert [entry.id for entry in entries(readings)] == ["1"]
        assert "the rest is missing" in rejections(readings)[-1].reason


def test_bytes_that_are_not_utf8_cost_one_record_in_every_shape() -> None:
    good = numbered(1).encode()
    bad = numbered(2).encode().replace(b"user", b"us\xffer")
    for text in (
        b"\n".join((good, bad, good)),
        b"[" + b",".join((good, bad, good)) + b"]",
        b'{"items":[' + b",".join((good, bad, good)) + b"]}",
    ):
        readings = read(text)
        assert len(entries(readings)) == 2
        assert "not UTF-8" in rejections(readings)[0].reason
        assert "\\x" in rejections(readings)[0].raw or "\\udcff" in rejections(readings)[0].raw


def test_csv_rows_are_placed_by_the_line_on_which_they_begin() -> None:
    header = "id,actorId,action,createdAt,errorMessage,statusCode,metadata\n"
    good = '1,user,start,2025-07-31T08:15:27Z,"two\nlines",200,"{""a"": 1}"\n'
    text = header + good + "2,user,start,yesterday,,,\n" + good + "\n" + "3,user\n" + (
        '4,user,start,2025-07-31T08:15:27Z,,200.0,\n5,user,start,2025-07-31T08:15:27Z,,,[]\n'
        '6,user,start,2025-07-31T08:15:27Z,,,{\n'
    )  # fmt: skip
    readings = read(text, "a.csv")
    assert [entry.error_message for entry in entries(readings)] == ["two\nlines"] * 2
    assert [(r.place, r.reason.split()[0]) for r in rejections(readings)] == [
        ("a.csv:4", "createdAt"),
        ("a.csv:8", "The"),
        ("a.csv:9", "statusCode"),
        ("a.csv:10", "metadata"),
        ("a.csv:11", "metadata:"),
    ]


def test_an_unclosed_quote_in_csv_costs_its_own_line_only() -> None:
    header = "id,actorId,action,createdAt,errorMessage\n"
    good = '1,user,start,2025-07-31T08:15:27Z,"two\nlines"\n'
    plain = "1,user,start,2025-07-31T08:15:27Z,\n"
    broken = '2,user,start,2025-07-31T08:15:27Z,"open\n'
    readings = read(header + good + broken + plain * 3 + good + broken + plain, "a.csv")
    assert len(entries(readings)) == 6
    assert [rejection.place for rejection in rejections(readings)] == ["a.csv:4", "a.csv:10"]


def test_a_header_that_lacks_a_column_is_one_sentence() -> None:
    with pytest.raises(SourceError, match="lacks the columns action, createdAt"):
        read("id,actorId\n1,2\n")
    with pytest.raises(SourceError, match="more than once"):
        read("id,actorId,actor_id,action,createdAt\n")


@pytest.mark.parametrize("data", [b"", b"  \n\r\n\t", b"\xef\xbb\xbf", b"[]", b'{"items": []}'])
def test_nothing_is_no_error(data: bytes) -> None:
    assert read(data) == []
    assert read(gzip.compress(data)) == []


@pytest.mark.parametrize(
    "data",
    [b"PK\x03\x04...", "[]".encode("utf-32"), b"hello world\n", b"\x7fELF\x00\x00", b"a,b\n1,2\n"],
)
def test_what_is_no_source_is_one_sentence(data: bytes) -> None:
    with pytest.raises(SourceError):
        read(data)


def test_a_long_line_is_skipped_with_its_length() -> None:
    long = '{"id": "' + "x" * (2 * MAX_RECORD) + '"}'
    text = f"{numbered(1)}\n{long}\n{numbered(2)}\n"
    readings = read(text)
    assert [entry.id for entry in entries(readings)] == ["1", "2"]
    (rejection,) = rejections(readings)
    assert rejection.place == "f:2"
    assert f"{len(long) + 1:,} bytes" in rejection.reason
    assert rejection.raw.startswith('{"id": "xxx')
    assert rejection.raw.endswith(f"(cut, {len(long) + 1:,} characters)")
    readings = read(f"[{numbered(1)},{long},{numbered(2)}]")
    assert [entry.id for entry in entries(readings)] == ["1", "2"]
    assert f"{len(long):,} characters" in rejections(readings)[0].reason


def test_a_cut_file_keeps_what_it_held_and_says_where_it_ends() -> None:
    lines = "\n".join(numbered(number) for number in range(3000))
    listed = "[" + lines.replace("\n", ",\n") + "]"
    paged = '{"items":' + listed + "}"
    for text in (listed, paged):
        for cut in (len(listed) // 2, len(listed) - 1, text.index(",\n") + 1):
            readings = read(text[:cut])
            assert isinstance(readings[-1], Rejection)
            assert "missing" in readings[-1].reason
            assert len(rejections(readings)) == 1
    table = "id,actorId,action,createdAt\n" + "1,user,start,2025-07-31T08:15:27Z\n" * 3000
    for text in (lines, listed, paged, table):
        for pack in (gzip.compress, zstandard.compress):
            packed = pack(text.encode())
            whole = len(read(packed))
            readings = read(packed[: len(packed) * 2 // 3])
            assert whole == 3000
            assert len(rejections(readings)) == 1
            assert "ends too early" in rejections(readings)[0].reason
            assert rejections(readings)[0].place == "f"
    damaged = bytearray(gzip.compress(lines.encode()))
    damaged[len(damaged) // 2] ^= 255
    assert rejections(read(bytes(damaged)))


def test_several_members_and_frames_are_one_file() -> None:
    one, two = f"{numbered(1)}\n".encode(), f"{numbered(2)}\n".encode()
    for pack in (gzip.compress, zstandard.compress):
        assert len(entries(read(pack(one) + pack(two)))) == 2
    assert len(entries(read(gzip.compress(one) + b"\0" * 512))) == 1
    assert len(entries(list(read_records(Slowly(gzip.compress(one)), "f")))) == 1
    assert len(entries(list(read_records(Slowly(zstandard.compress(one)), "f")))) == 1


def test_decompression_bombs_are_stopped() -> None:
    bomb = b" " * (20 * RATIO_FREE)
    for pack in (gzip.compress, zstandard.compress):
        packed = pack(bomb)
        started = time.perf_counter()
        with pytest.raises(SourceError, match="200 times"):
            read(packed)
        assert time.perf_counter() - started < 60
    with pytest.raises(SourceError, match="more than the 1,000 bytes"):
        read("\n".join([numbered(1)] * 20), max_bytes=1_000)


def test_records_before_the_limit_are_given_first() -> None:
    readings = read_records(
        io.BytesIO((numbered(1) + "\n").encode() * 9000), "f", max_bytes=500_000
    )
    seen = 0
    with pytest.raises(SourceError):
        for _ in readings:
            seen += 1
    assert seen > 1000


def test_a_first_line_that_is_broken_costs_no_more_than_itself() -> None:
    for first in ("nonsense", '{"id": "1", "act', '{"id": "1", "metadata": {"body": {"a', "{"):
        readings = read(f"{first}\n{numbered(2)}\n{numbered(3)}\n")
        assert [entry.id for entry in entries(readings)] == ["2", "3"], first
        assert [rejection.place for rejection in rejections(readings)] == ["f:1"]


def test_lists_pages_and_objects_may_follow_each_other() -> None:
    one, two = numbered(1), numbered(2)
    assert len(entries(read(f"[{one}]\n[{two}]"))) == 2
    assert len(entries(read(f'{{"items":[{one}]}}\n{{"total":1,"items":[{two}]}}'))) == 2
    pretty = "\n".join(json.dumps(json.loads(text), indent=1) for text in (one, two))
    readings = read(pretty.replace('"start"', "start", 1))
    assert [entry.id for entry in entries(readings)] == ["2"]
    assert [rejection.place for rejection in rejections(readings)] == ["f:item 1"]


@law(300)
@given(
    st.binary(max_size=300)
    | st.text('{}[]",:\\ \n\r\t019eE.+-abu"itemsNaN', max_size=300).map(str.encode),
    st.sampled_from([b"", b"[", b'{"items":[', b'{"id"', b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd",
                     b"id,actorId,action,createdAt\n", b'[{"id": "a", ']),
    st.sampled_from([1, 3, 1000]),
)  # fmt: skip
def test_no_bytes_raise_anything_but_a_source_error(data: bytes, start: bytes, step: int) -> None:
    stream = Slowly(start + data)
    stream.step = step
    try:
        for reading in read_records(stream, "f"):
            if isinstance(reading, Rejection):
                assert reading.reason.endswith(".")
                (reading.place + reading.reason + reading.raw).encode()
                assert len(reading.raw) <= RAW_LIMIT + 40
    except SourceError:
        pass


@law(150)
@given(st.data())
def test_one_changed_byte_never_raises_and_never_loses_silently(data: st.DataObject) -> None:
    lines = "\n".join([LINE] * 5)
    shapes = [lines, f"[{lines.replace(chr(10), ',')}]", f'{{"items":[{LINE}]}}']
    content = bytearray(data.draw(st.sampled_from(shapes)).encode())
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        readings = read(bytes(content))
    except SourceError:
        return
    assert readings


class Endless(io.RawIOBase):
    """A stream that is made while it is read."""

    def __init__(self, start: bytes, piece: bytes, end: bytes, size: int) -> None:
        self.pieces = self._made(start, piece, end, size)

    def _made(self, start: bytes, piece: bytes, end: bytes, size: int) -> Iterator[bytes]:
        yield start + piece
        many = (b"," if end else b"\n") + piece
        block = many * 500
        for _ in range(size // len(block)):
            yield block
        yield end

    def read(self, size: int = -1, /) -> bytes:
        return next(self.pieces, b"")


@pytest.mark.parametrize(("start", "end"), [(b"", b""), (b"[", b"]"), (b'{"items":[', b"]}")])
def test_memory_does_not_grow_with_the_file(start: bytes, end: bytes) -> None:
    piece = json.dumps(GOOD | {"errorMessage": "x" * 8000}).encode()
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_records(Endless(start, piece, end, 40_000_000), "f"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count > 4500
    assert peak < 25_000_000


def test_an_item_without_end_is_not_held() -> None:
    tracemalloc.start()
    try:
        readings = list(read_records(Endless(b'[{"a":"', b"x" * 999, b"]", 30_000_000), "f"))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(readings) == 1
    assert peak < 15_000_000


def test_files_that_cannot_be_opened_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="No such file"), open_file(str(tmp_path / "none")):
        pass
    with pytest.raises(SourceError), open_file(str(tmp_path)):
        pass
    file = tmp_path / "a.jsonl"
    file.write_text(LINE)
    with open_file(str(file)) as opened:
        assert (opened.name, opened.size) == ("a.jsonl", len(LINE))
        assert len(list(read_records(opened.stream, opened.name))) == 1
    with pytest.raises(ValueError, match="closed"):
        opened.stream.read()
