"""Sheets hold what the records of a file are when they are read one by one."""

import gzip
import io
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audit_core.domain.errors import SourceError
from audit_core.domain.rejections import Rejection
from audit_core.ingest.files import read_batches, read_records
from audit_core.ingest.formats import lines as lines_module
from audit_core.ingest.records.located import MAX_RECORD, LocatedEntry, OtherLine
from audit_core.ingest.records.record import write_record
from audit_core.log.schema import from_arrow
from tests.ingest.records.test_record import GOOD
from tests.support.laws import law
from tests.support.strategies import sample_entries

PAIRS = ('"id":"twice"', '"seq":1', '"color":"red"', '"metadata":{}', '"targetId":null', '"a":NaN')
ODD_LINES = (b"", b" ", b"\x0b", b"\r", b"null", b"[]", b"{}", b"\xff")
ODD_TEXTS = (b"\\ud800", b"\\u0000", b"\x01")
SNAKE = {"actor_id": "u", "status_code": 404, "created_at": "2025-01-01T00:00:00Z"}

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**65), 2**65)
    | st.sampled_from((0.5, 1e5, 2**63, 2**63 - 1, -(2**63), 200.0, -0.0))
    | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
texts = (
    st.none() | st.text(max_size=8) | st.sampled_from(("", "\0", 'a"b\\', "\\u0041", "x" * 70_000))
)
times = st.sampled_from(
    (
        "2025-07-31T08:15:27.123Z",
        "2025-07-31T08:15:27Z",
        "2025-07-31 08:15:27.123456Z",
        "2025-07-31t08:15:27.1z",
        "2025-07-31T08:15:27.1234567Z",
        "2025-07-31T08:15:27+02:00",
        "2025-07-31T08:15:27.123456+00:00",
        "2025-07-31T08:15:27.+00:00",
        "2025-07-31T08:15+00:00",
        "0000-01-01T00:00:00+00:00",
        "2025-02-30T08:15:27Z",
        "1969-12-31T23:59:59.999Z",
        "2200-01-01T00:00:00Z",
        "2025-07-31",
        "2025-07-31T24:00:00Z",
        "2025-07-31T23:59:60Z",
        "2025-07-31T08:15:27.Z",
        "2025-07-31T08Z",
        "0000-01-01T00:00:00Z",
        "+025-07-31T08:15:27Z",
        "2025-07-31T08:15:27",
        "",
        1,
        None,
    )
) | st.from_regex(
    r"20[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,7})?"
    r"(Z|\+00:00)",
    fullmatch=True,
)
statuses = st.sampled_from(
    (None, 0, 200, 599, 600, 99, 1, -1, -2, 200.0, 2e2, True, "200", 10**30, -(10**30))
)
changes = st.fixed_dictionaries(
    {},
    optional={
        "id": texts | json_values,
        "actorEmail": texts,
        "organizationId": texts,
        "targetId": texts | json_values,
        "errorMessage": texts,
        "statusCode": statuses | json_values,
        "createdAt": times,
        "metadata": json_values | st.dictionaries(st.text(max_size=4), json_values, max_size=4),
        **{name: st.just(value) for name, value in SNAKE.items()},
        "unknown": json_values,
    },
)


@st.composite
def written(draw):
    """One line, mostly of a record, often with something wrong."""
    record = GOOD | draw(changes)
    for name in draw(st.sets(st.sampled_from(sorted(GOOD)), max_size=3)):
        record.pop(name, None)
    text = json.dumps(
        record,
        ensure_ascii=draw(st.booleans()),
        separators=draw(st.sampled_from(((",", ":"), (", ", ": "), (" ,\t", "\r:")))),
    )
    if draw(st.booleans()):
        pair = draw(
            st.sampled_from(('"id":"twice"', '"metadata":{}', '"targetId":null', '"a":NaN'))
        )
        text = f"{{{pair},{text[1:]}" if draw(st.booleans()) else f"{text[:-1]},{pair}}}"
    line = text.encode(errors="surrogatepass")
    match draw(st.integers(0, 9)):
        case 0:
            at = draw(st.integers(0, len(line)))
            line = line[:at] + draw(st.binary(max_size=3)).replace(b"\n", b"") + line[at:]
        case 1:
            line = line[: draw(st.integers(0, len(line)))]
        case 2:
            line = draw(
                st.sampled_from((b"", b" ", b"\x0b", b"\r", b"null", b"[]", b"{}", b"\xff"))
            )
        case 3:
            line = line.replace(b'"u', b'"\\u00e9').replace(b"sandbox", b"\\ud83d\\ude00\\/\\n")
        case 4:
            line = line.replace(
                b"sandbox", draw(st.sampled_from((b"\\ud800", b"\\u0000", b"\x01")))
            )
    return line


files = st.builds(
    lambda lines, end: b"\n".join(lines) + end,
    st.lists(written(), min_size=1, max_size=12),
    st.sampled_from((b"", b"\n", b"\r\n\n")),
)


def one_by_one(content, **limits):
    """What a file holds, how many other lines there were, and what ended it early."""
    found, others, problem = [], 0, None
    try:
        for reading in read_records(io.BytesIO(content), "f", **limits):
            if isinstance(reading, OtherLine):
                others += 1
            else:
                found.append(reading[:3] if isinstance(reading, LocatedEntry) else reading)
    except SourceError as error:
        problem = error.message
    return found, others, problem


def by_batches(content, **limits):
    """The same from batches: sorted by place, as entries and rejections stand apart there."""
    found, others, problem = [], 0, None
    try:
        for batch in read_batches(io.BytesIO(content), "f", **limits):
            for row, entry in enumerate(from_arrow(batch.table)):
                found.append((entry, *batch.locations.of(row)))
            found += batch.rejections
            others += batch.other_lines
    except SourceError as error:
        problem = error.message
    return found, others, problem


def line_of(item):
    place = item.place if isinstance(item, Rejection) else item[1]
    number = place.partition(":")[2]
    return int(number) if number.isdigit() else 10**9


def assert_alike(content, **limits):
    plain, *rest = one_by_one(content, **limits)
    fast, *same = by_batches(content, **limits)
    assert sorted(fast, key=line_of) == plain
    assert same == rest


@law(400)
@given(files)
@example(
    b'{"id":"1","actorId":"user","action":"start","createdAt":"0000-01-01T00:00:00Z"}\n'
    b'{"id":"2","actorId":"user","action":"start","createdAt":"9999-12-31T23:59:59.999999Z"}'
)
def test_any_file_gives_the_same_entries_and_rejections(content):
    assert_alike(content)


# A file that begins with no known format: its line is another one, on both roads.
@example(b"\xff", 1, 1)
@law(150)
@given(files, st.integers(1, 40), st.integers(1, 3000))
def test_where_the_content_is_cut_into_pieces_makes_no_difference(content, size, limit):
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    readings = [reading for reading in lines_module.read_json_lines(iter(pieces), "f")]
    found = []
    for group in lines_module.read_line_groups(iter(pieces)):
        for number, line in enumerate(group.lines, group.first):
            if not line.isspace():
                found += lines_module.read_json_line(group.line(number), "f")
    assert found == readings
    assert_alike(content, max_bytes=limit)


def test_entries_as_the_log_writes_them_survive():
    entries = sample_entries(3000)
    content = "\n".join(map(write_record, entries)).encode()
    found, others, problem = by_batches(content)
    assert others == 0 and problem is None
    assert [entry for entry, _, _ in found] == entries


@pytest.mark.parametrize("length", [MAX_RECORD - 1, MAX_RECORD, MAX_RECORD + 1, 3 * MAX_RECORD])
def test_long_lines_are_refused_at_the_same_length(length):
    good = json.dumps(GOOD).encode()
    assert_alike(b"\n".join((good, b"x" * length, good, b" " * length, good)))


def test_a_stream_that_breaks_says_so_behind_the_last_record():

    content = gzip.compress(
        b"\n".join(json.dumps(GOOD | {"id": str(n)}).encode() for n in range(5000))
    )
    assert_alike(content[: len(content) // 2])


def test_other_shapes_give_the_same():
    items = [GOOD | {"id": str(number) if number % 3 else ""} for number in range(2500)]
    found, *_ = by_batches(json.dumps(items).encode())
    plain, *_ = one_by_one(json.dumps(items).encode())
    assert len(plain) == 2500
    assert sorted(found, key=item_of) == plain


def item_of(found):
    place = found.place if isinstance(found, Rejection) else found[1]
    return int(place.rpartition(" ")[2])
