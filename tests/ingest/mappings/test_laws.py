"""Laws of mappings: nothing of a record is dropped in silence, whatever the record is."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.errors import MappingError
from audit_core.domain.rejections import Rejection
from audit_core.ingest.mappings.apply import Mapper
from audit_core.ingest.mappings.parse import parse_mapping
from audit_core.ingest.records.located import LocatedEntry, OtherLine, read_text
from audit_core.ingest.records.record import read_record, write_record
from audit_core.ingest.records.timestamps import read_time
from tests.support.laws import law
from tests.support.mapped import SAMPLES, leaves, mapping_named, records_of

RECORDS = [(name, record) for name in SAMPLES for record in records_of(name)]

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A sample with values taken away, replaced and added, at any depth."""
    name, record = draw(st.sampled_from(RECORDS))
    record = copy.deepcopy(record)
    for _ in range(draw(st.integers(0, 4))):
        places = [path for path, _ in leaves(record) if path]
        if not places:
            break
        path = draw(st.sampled_from(places))
        holder: Any = record
        for step in path[:-1]:
            holder = holder[step]
        match draw(st.sampled_from(["remove", "replace", "add"])):
            case "remove":
                del holder[path[-1]]
            case "replace":
                holder[path[-1]] = draw(values)
            case "add" if isinstance(holder, dict):
                holder[draw(st.text(max_size=8))] = draw(values)
    return name, record


def stored(value: Any) -> Any:
    """The value as it is stored: NUL is written as its symbol."""
    return json.loads(json.dumps(value).replace("\\u0000", "\\u2400"))


def is_kept(value: Any, entry: dict[str, Any], within: list[Any]) -> bool:
    """Whether a value stands in a field of the entry or in its metadata, as it was."""
    if any(type(value) is type(other) and value == other for other in (*entry.values(), *within)):
        return True
    if isinstance(value, str):
        try:
            return read_time(value) == read_time(entry["createdAt"])
        except ValueError:
            return False
    return isinstance(value, int) and value * 1000 == _microseconds(entry["createdAt"])


def _microseconds(text: str) -> int:
    time = read_time(text)
    return round(time.timestamp()) * 1_000_000 + time.microsecond if time else 0


@law(400)
@given(mutated())
def test_every_leaf_is_in_the_entry_or_the_record_is_rejected_whole(
    sample: tuple[str, dict[str, Any]],
) -> None:
    name, record = sample
    text = json.dumps(record, ensure_ascii=False)
    reading = read_text(text, "here", Mapper(mapping_named(name), "acme"))
    if isinstance(reading, Rejection):
        assert reading.reason
        assert reading.raw
        return
    if isinstance(reading, OtherLine):
        return
    entry = json.loads(write_record(reading.entry))
    metadata = entry.pop("metadata") or {}
    within = [value for _, value in leaves(metadata)]
    if reading.extra.lost:
        return
    missing = [
        (path, value) for path, value in leaves(stored(record)) if not is_kept(value, entry, within)
    ]
    assert missing == []
    # What is under unmapped is where it was.
    original = dict(leaves(stored(record)))
    for path, value in leaves(metadata.get("unmapped", {})):
        assert not path or original[path] == value


@law(200)
@given(mutated())
def test_the_same_record_becomes_the_same_entry_whatever_the_order_of_its_names(
    sample: tuple[str, dict[str, Any]],
) -> None:
    name, record = sample
    mapper = Mapper(mapping_named(name), "acme")
    first = read_text(json.dumps(record), "here", mapper)
    turned = json.dumps(dict(reversed(record.items())))
    second = read_text(turned, "here", mapper)
    assert type(first) is type(second)
    if isinstance(first, LocatedEntry) and isinstance(second, LocatedEntry):
        assert first.entry.id == second.entry.id
        assert read_record(json.loads(write_record(first.entry))) == first.entry


@law(150)
@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_a_mapping_with_anything_in_it_is_refused_with_a_line_or_costs_no_more_than_records(
    name: str, data: st.DataObject
) -> None:
    text = mapping_named(name).text
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        gone = data.draw(st.integers(0, 12))
        added = data.draw(
            st.text(max_size=4) | st.sampled_from(["[", "|| @", "to_string(@)", ": "])
        )
        text = text[:at] + added + text[at + gone :]
    try:
        mapping = parse_mapping(text, "other", file="other.yaml")
    except MappingError as error:
        assert error.message.startswith("other.yaml, line ")
        assert error.hint
        return
    for record in records_of(name):
        reading = Mapper(mapping, "acme")(record, "here", json.dumps(record))
        assert isinstance(reading, LocatedEntry | Rejection | OtherLine)


@pytest.mark.parametrize("name", sorted(SAMPLES))
@pytest.mark.parametrize(
    "raw",
    [
        '{"a": NaN}',
        '{"a": 99999999999999999999}',
        '{"a": 1, "a": 2}',
        "[" * 2000,
        '{"a":' * 900 + "1" + "}" * 900,
        "7",
        "null",
    ],
)
def test_strict_json_holds_for_records_of_other_systems(name: str, raw: str) -> None:
    reading = read_text(raw, "here", Mapper(mapping_named(name), "acme"))
    assert isinstance(reading, Rejection | OtherLine)


def test_a_record_without_an_id_has_one_of_all_that_it_holds() -> None:
    record = records_of("github")[2]
    mapper = Mapper(mapping_named("github"), "acme")
    first, again, other = (
        mapper(one, "here", "") for one in (record, dict(record), record | {"more": 1})
    )
    assert isinstance(first, LocatedEntry)
    assert isinstance(again, LocatedEntry)
    assert isinstance(other, LocatedEntry)
    assert first.entry.id.startswith("sha256:")
    assert first.entry.id == again.entry.id != other.entry.id


def test_what_the_metadata_has_no_room_for_is_named() -> None:
    record = records_of("kubernetes")[1] | {"requestObject": {str(n): n for n in range(1200)}}
    reading = Mapper(mapping_named("kubernetes"), "acme")(record, "here", "")
    assert isinstance(reading, LocatedEntry)
    assert reading.extra.lost == ("requestObject",)
    assert "annotations" in json.loads(reading.entry.metadata or "")["unmapped"]


def test_what_a_mapping_makes_for_the_metadata_is_bounded() -> None:
    text = "title: G\ndetect: a\nfields: {createdAt: t, action: a, actorId: a}\n"
    mapping = parse_mapping(text + "metadata: {big: '[b,b,b,b]'}\n", "big")
    record = {"t": "2026-11-20T10:00:00Z", "a": "x", "b": ["y" * 60_000] * 8}
    reading = Mapper(mapping, "acme")(record, "here", "")
    assert isinstance(reading, Rejection)
    assert "metadata.big cannot be kept: it has " in reading.reason
