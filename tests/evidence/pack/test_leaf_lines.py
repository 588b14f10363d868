"""Usual lines of leaves and entries are read by a short road, others by the strict one."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from audit_core.evidence.pack.entry_lines import difference, entry_line
from audit_core.evidence.pack.leaf_lines import (
    ClosedBlock,
    Kind,
    OpenedBlock,
    OpenedLeaf,
    canonical_texts,
    parse_leaf,
    parse_line,
)
from audit_core.evidence.pack.strict_json import strict_json
from audit_core.integrity.leaf import canonical_of
from tests.support.laws import law

TEXT = st.one_of(
    st.sampled_from(("", "ok", "7", 'a"b\\', "ünï", "\x7f", "\x01", "x" * 127, "x" * 128)),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=6),
)
NUMBER = st.integers(-(10**18), 10**18).map(str) | st.sampled_from(
    ("0", "-1", "253402300800000000")
)
PLAIN = st.tuples(
    *(TEXT, NUMBER, NUMBER, TEXT, NUMBER, NUMBER, TEXT),
    *(st.none() | one for one in (TEXT, TEXT, NUMBER, TEXT)),
)
HASH = st.binary(min_size=32, max_size=32)


def block(fields: int) -> st.SearchStrategy[OpenedBlock | ClosedBlock]:
    values = st.lists(st.none() | TEXT, min_size=fields, max_size=fields)
    return st.builds(ClosedBlock, HASH) | st.builds(OpenedBlock, HASH, values)


LEAF = st.builds(
    OpenedLeaf, st.sampled_from((Kind.ENTRY, Kind.LEFT_OUT)), PLAIN.map(list), block(6), block(2)
)


def outcome(read: Callable[[bytes], object], line: bytes) -> object:
    try:
        return read(line)
    except (ValueError, RecursionError) as error:
        return str(error)


def strictly(line: bytes) -> object:
    return parse_leaf(strict_json(line))


def changed(data: st.DataObject, line: bytes) -> bytes:
    """The line, in half of the cases with some bytes of it changed."""
    if data.draw(st.booleans()):
        return line
    start = data.draw(st.integers(0, len(line)))
    removed = data.draw(st.integers(0, 3))
    put_in = data.draw(
        st.sampled_from((b"", b'"', b"\\", b"\x00", b"0", b" ", b"null", b"[],", b"\xff"))
    )
    return line[:start] + put_in + line[start + removed :]


@law(300)
@given(LEAF, st.data())
def test_leaves(leaf: OpenedLeaf, data: st.DataObject) -> None:
    line = changed(data, leaf.line().encode())
    assert outcome(parse_line, line) == outcome(strictly, line)


METADATA = st.sampled_from(("{}", '{"n":1e2,"deep":[{"a":null}]}', '{"b": "\\u00fc"}'))
SAID = st.tuples(st.none() | TEXT, st.none() | METADATA).map(list)


@law(300)
@given(LEAF, block(6), st.booleans(), SAID, st.data())
def test_entries(
    leaf: OpenedLeaf,
    who: OpenedBlock | ClosedBlock,
    closed: bool,
    said: list[str | None],
    data: st.DataObject,
) -> None:
    plain = [*leaf.plain[:4], "1767225600000000", "1767225600000001", *leaf.plain[6:]]
    shown = ClosedBlock(bytes(32)) if closed else OpenedBlock(bytes(32), said)
    values = who.values if isinstance(who, OpenedBlock) else [None] * 6
    line = changed(data, entry_line(plain, values, said).encode())
    leaf = OpenedLeaf(Kind.ENTRY, plain, who, shown)
    # White space behind it says nothing, and is not what is usual.
    found, strictly_found = (
        outcome(lambda written: difference(written, leaf), text) for text in (line, line + b" ")
    )
    assert found == strictly_found


@law(200)
@given(st.lists(st.none() | TEXT, max_size=4))
def test_the_canonical_form_is_that_of_leaves(values: list[str | None]) -> None:
    assert canonical_texts(values) == canonical_of(values)
