"""Records: every entry survives being written and read; what is wrong is named."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.entries import EARLIEST, FIELDS, LATEST, AuditEntry
from audit_core.ingest.records.record import (
    MAX_DEPTH,
    MAX_KEYS,
    MAX_TEXT,
    read_record,
    write_record,
)
from audit_core.ingest.records.strict_json import Undecodable, decode
from audit_core.ingest.records.timestamps import read_time
from tests.support.laws import law

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | TEXT
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
METADATA = st.dictionaries(TEXT, VALUES, max_size=3).map(
    lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))
)
NAMED = TEXT.filter(bool)
ENTRIES = st.builds(
    AuditEntry,
    id=NAMED,
    actor_id=NAMED,
    actor_email=TEXT,
    actor_api_key_prefix=st.none() | TEXT,
    actor_api_key_suffix=st.none() | TEXT,
    organization_id=st.none() | NAMED,
    action=NAMED,
    target_type=st.none() | TEXT,
    target_id=st.none() | TEXT,
    status_code=st.none() | st.just(0) | st.integers(100, 599),
    error_message=st.none() | TEXT,
    ip_address=st.none() | TEXT,
    user_agent=st.none() | TEXT,
    source=st.none() | TEXT,
    metadata=st.none() | METADATA,
    created_at=st.datetimes(
        EARLIEST.replace(tzinfo=None),
        LATEST.replace(tzinfo=None, year=2199),
        timezones=st.just(UTC),
    ),
)

GOOD = {
    "id": "1",
    "actorId": "user",
    "action": "start",
    "createdAt": "2025-07-31T08:15:27.123Z",
}


def reasons(**changes: object) -> str:
    result = read_record(decode(json.dumps(GOOD | changes)))
    assert isinstance(result, tuple), result
    return " ".join(result)


def entry(**changes: object) -> AuditEntry:
    result = read_record(GOOD | changes)
    assert isinstance(result, AuditEntry), result
    return result


@law(150)
@given(ENTRIES)
def test_an_entry_survives_writing_and_reading_in_both_spellings(entry: AuditEntry) -> None:
    line = write_record(entry)
    assert read_record(decode(line)) == entry
    field_of_name = dict(FIELDS)
    snake = {field_of_name[name]: value for name, value in json.loads(line).items()}
    assert read_record(snake) == entry


def test_only_four_fields_are_required_and_those_of_the_log_are_ignored() -> None:
    read = entry(seq=7, revision=8, received_at="2025-01-01T00:00:00Z")
    assert (read.actor_email, read.status_code, read.metadata) == ("", None, None)
    assert entry(organizationId="").organization_id is None


@pytest.mark.parametrize("name", ["id", "actorId", "action", "createdAt"])
def test_a_missing_or_empty_required_field_is_named(name: str) -> None:
    assert f"{name} is missing." in reasons(**{name: None})
    assert name in reasons(**{name: ""})


def test_every_problem_is_reported_at_once() -> None:
    found = read_record({"id": 7, "statusCode": True})
    assert isinstance(found, tuple)
    assert len(found) == 5


@pytest.mark.parametrize("status", [True, 1, 99, 600, -1, 200.0, "200", [200], 2**62])
def test_a_status_that_is_none_is_refused(status: object) -> None:
    assert "statusCode is" in reasons(statusCode=status)


@pytest.mark.parametrize("value", [1, True, [], {}, 1.5])
def test_a_text_must_be_a_text(value: object) -> None:
    assert "userAgent is" in reasons(userAgent=value)


def test_a_field_in_both_spellings_is_refused() -> None:
    assert "actorId and actor_id" in reasons(actor_id="other")


def test_nul_becomes_its_symbol_everywhere() -> None:
    read = entry(errorMessage="a\0b", metadata={"k\0": ["\0", "\\u0000"]})
    assert read.error_message == "a␀b"
    assert read.metadata == '{"k␀":["␀","\\\\u0000"]}'


def test_lone_surrogates_are_refused_everywhere() -> None:
    assert "surrogate" in reasons(errorMessage="a\ud800")
    assert "surrogate" in reasons(metadata={"a": ["\udfff"]})
    assert "surrogate" in reasons(metadata={"\udfff": 1})


def test_long_texts_are_refused_and_never_cut() -> None:
    assert entry(errorMessage="x" * MAX_TEXT).error_message == "x" * MAX_TEXT
    assert "65,537 characters" in reasons(errorMessage="x" * (MAX_TEXT + 1))
    assert "65,537 characters" in reasons(metadata={"a": "x" * (MAX_TEXT + 1)})


def nested(depth: int) -> dict[str, object]:
    value: dict[str, object] = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


def test_metadata_is_an_object_of_limited_depth_and_size() -> None:
    assert "must be an object" in reasons(metadata="{}")
    assert "must be an object" in reasons(metadata=[])
    assert entry(metadata=nested(MAX_DEPTH)).metadata
    assert "32 levels" in reasons(metadata=nested(MAX_DEPTH + 1))
    assert "32 levels" in reasons(metadata={"a": json.loads("[" * 500 + "]" * 500)})
    assert entry(metadata={str(key): {} for key in range(MAX_KEYS)}).metadata
    assert "1,000 names" in reasons(metadata={str(key): 1 for key in range(MAX_KEYS + 1)})
    assert entry(metadata={"b": 1, "a": "é"}).metadata == '{"b":1,"a":"é"}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-07-31T08:15:27Z", datetime(2025, 7, 31, 8, 15, 27, tzinfo=UTC)),
        ("2025-07-31t10:15:27.5+02:00", datetime(2025, 7, 31, 8, 15, 27, 500_000, tzinfo=UTC)),
        ("2025-07-31 08:15:27.123456789z", datetime(2025, 7, 31, 8, 15, 27, 123_456, tzinfo=UTC)),
        ("2025-07-31 08:15:27.999999999+00", datetime(2025, 7, 31, 8, 15, 27, 999_999, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", EARLIEST),
        ("1969-12-31T23:30:00-00:30", EARLIEST),
    ],
)
def test_times_are_read_in_utc_and_cut_below_a_microsecond(text: str, expected: datetime) -> None:
    assert read_time(text) == expected
    assert read_time(text).tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2025-07-31T08:15:27", "offset"),
        ("2025-07-31", "look like"),
        ("31.07.2025 08:15", "look like"),
        ("2025-02-30T08:15:27Z", "no such date"),
        ("2025-07-31T24:15:27Z", "no such date"),
        ("2025-07-31T08:15:60Z", "no such date"),
        ("2025-07-31T08:15:27+99:00", "no such date"),
        ("1969-12-31T23:59:59Z", "1970"),
        ("2200-01-01T00:00:00Z", "2200"),
        ("0001-01-01T00:00:00+23:00", "no such date"),
        ("10000-01-01T00:00:00Z", "look like"),
        ("\uff12025-07-31T08:15:27Z", "look like"),
        ("2025-07-31T08:15:27.1234567890Z", "look like"),
    ],
)
def test_times_that_are_none_are_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_time(text)
    assert text[:2] in reasons(createdAt=text) or "createdAt is" in reasons(createdAt=text)


def test_numbers_are_no_times() -> None:
    assert "not a number" in reasons(createdAt=1_753_949_727)
    assert LATEST.year == 2200


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "ends there"),
        ("{", "character 2"),
        ('{"a":1,"a":2}', '"a" stands more than once'),
        ('{"m":{"b":1,"b":1}}', '"b" stands more than once'),
        ("NaN", "NaN is not"),
        ("[-Infinity]", "-Infinity is not"),
        ("1e999", "too large"),
        (str(2**63), "64 bits"),
        (str(-(2**63) - 1), "64 bits"),
        ("9" * 5000, "64 bits"),
        ('"a\nb"', "control character"),
        ("{} {}", "more text"),
        ("'a'", "value is expected"),
        ("[" * 100_000, "too deeply"),
        ('{"a":' * 100_000, "too deeply"),
        ("\xa01", "value is expected"),
    ],
)
def test_json_is_strict(text: str, reason: str) -> None:
    with pytest.raises(Undecodable, match=reason):
        decode(text)


def test_the_borders_of_64_bits_fit() -> None:
    assert decode(f" [{2**63 - 1}, {-(2**63)}]\r\n") == [2**63 - 1, -(2**63)]
