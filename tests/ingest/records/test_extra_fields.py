"""Fields that no entry has are kept in the metadata, or named as not kept; none vanishes."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.entries import AuditEntry
from audit_core.domain.redaction import redact
from audit_core.domain.secret_shapes import MARK
from audit_core.ingest.files import read_records
from audit_core.ingest.pipeline import preview
from audit_core.ingest.records.extra_fields import EXTRA, LOG_FIELDS, MAX_NAMES, count_fields
from audit_core.ingest.records.located import LocatedEntry
from audit_core.ingest.records.record import (
    MAX_KEYS,
    MAX_TEXT,
    field_of,
    read_record,
    read_record_and_extra,
    write_record,
)
from tests.ingest.records.test_record import GOOD, METADATA, TEXT, VALUES

NAMES = TEXT.filter(lambda name: field_of(name) is None and name not in LOG_FIELDS)


def read(record):
    entry, names = read_record_and_extra(record)
    assert isinstance(entry, AuditEntry)
    return entry, names


def extra_of(entry):
    return json.loads(entry.metadata or "{}").get(EXTRA, {})


@given(st.dictionaries(NAMES, VALUES, max_size=5), st.none() | METADATA.map(json.loads))
def test_extra_fields_are_kept_under_their_names_and_replace_nothing(extra, metadata):
    entry, names = read({**GOOD, "metadata": metadata, **extra})
    stored = json.loads(entry.metadata) if entry.metadata else {}
    kept = stored.pop(EXTRA, {}) if not (metadata and EXTRA in metadata) else {}
    assert stored == (metadata or {})
    assert set(kept) == set(names.kept)
    assert {*names.kept, *names.lost} == set(extra)
    assert all(kept[name] == extra[name] for name in kept)


@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_what_was_written_is_read_again_as_the_same_entry(extra):
    entry, _ = read({**GOOD, **extra})
    assert read_record(json.loads(write_record(entry))) == entry


def test_what_the_metadata_has_no_room_for_is_named():
    fields = {f"field_{number}": number for number in range(MAX_KEYS + 10)}
    entry, names = read(GOOD | fields)
    assert len(names.kept) == MAX_KEYS - 1
    assert len(names.lost) == 11
    assert extra_of(entry) == {name: fields[name] for name in names.kept}
    entry, names = read(GOOD | {"long": "x" * (MAX_TEXT + 1), "half": "\ud800", "short": "x"})
    assert (names.kept, names.lost) == (("short",), ("long", "half"))
    entry, names = read(GOOD | {"metadata": {EXTRA: 1}, "short": "x"})
    assert (names.kept, names.lost) == ((), ("short",))
    assert entry.metadata == '{"extra":1}'


CSV = b"id,actorId,action,createdAt,color,,color,password,seq\n1,u,start,2026-01-01T00:00:00Z,"


def test_columns_of_a_table_are_kept_whatever_they_are_called():
    (reading,) = read_records(io.BytesIO(CSV + b"red,blank,blue,hunter2,9\n"), "a.csv")
    assert isinstance(reading, LocatedEntry)
    expected = {"color": "red", "column_6": "blank", "color_7": "blue", "password": "hunter2"}
    assert extra_of(reading.entry) == expected
    shown = json.loads(redact(reading.entry).metadata)[EXTRA]
    assert shown == expected | {"password": MARK}
    (reading,) = read_records(io.BytesIO(CSV + b",,,,\n"), "a.csv")
    assert reading.entry.metadata is None


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(GOOD | {"color": "red"}),
        json.dumps([GOOD | {"color": "red"}]),
        json.dumps({"items": [GOOD | {"color": "red"}], "total": 1}),
        json.dumps(GOOD | {"color": "red"}, indent=1),
        "id,actorId,action,createdAt,color\n1,user,start,2025-07-31T08:15:27.123Z,red\n",
    ],
    ids=["lines", "list", "page", "object", "table"],
)
def test_every_road_keeps_them_alike_and_the_preview_names_them(content):
    (entry,) = preview(io.BytesIO(content.encode()), "f", organization_id=None).entries
    assert extra_of(entry) == {"color": "red"}
    found = preview(io.BytesIO(content.encode()), "f", organization_id=None)
    assert str(found.kept_fields) == "color (1)"
    assert not found.lost_fields


def test_of_very_many_names_the_first_are_counted():
    counts = count_fields([(f"n{number}", "n0") for number in range(MAX_NAMES + 50)])
    assert len(counts.counts) == MAX_NAMES
    assert counts.counts[0] == ("n0", MAX_NAMES + 51)
    assert counts.others == 50
    assert str(counts).endswith("and more than 90 others")
    assert str(count_fields([("a", "b"), ("a",)])) == "a (2), b (1)"
