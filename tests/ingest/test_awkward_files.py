"""Files as real programs leave them: read, or refused as a whole with a sentence that helps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.errors import SourceError, SourceTypeError
from audit_core.ingest.files import read_records
from audit_core.ingest.records.located import LocatedEntry
from tests.ingest.records.test_record import GOOD
from tests.ingest.test_files import Slowly, entries, numbered, read, rejections
from tests.support.laws import law

CASES = Path(__file__).parents[1] / "support" / "data" / "cases"
MARK = "\ufeff"
HEADER = "id,actorId,action,createdAt,errorMessage,statusCode"
ROW = "1,user,start,2025-07-31T08:15:27Z,oops,200"


def ids(data: bytes | str) -> list[str]:
    readings = read(data)
    assert rejections(readings) == []
    return [entry.id for entry in entries(readings)]


@pytest.mark.parametrize("name", ["items", "data", "Records", "value", "results"])
@pytest.mark.parametrize("indent", [None, 1])
def test_a_list_of_entries_is_read_whatever_stands_around_it(name: str, indent: int | None) -> None:
    items = [json.loads(numbered(number)) for number in range(30)]
    for page in (
        {name: items, "total": 30},
        {"statusCode": 200, "links": {"next": [1]}, name: items},
        {"data": {"page": 1, name: items}, "ok": True},
    ):
        assert ids(json.dumps(page, indent=indent)) == [str(number) for number in range(30)]
    two = "\n".join(json.dumps({name: items[at : at + 15]}) for at in (0, 15))
    assert len(ids(two)) == 30


def test_objects_that_follow_one_another_on_a_line_are_read() -> None:
    assert ids(numbered(1) + numbered(2) + numbered(3)) == ["1", "2", "3"]
    assert ids(f"{numbered(1)}, {numbered(2)}\n{numbered(3)}") == ["1", "2", "3"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n", ""])
@pytest.mark.parametrize("mark", ["", MARK])
def test_joined_files_are_read(end: str, mark: str) -> None:
    one, two = numbered(1), numbered(2)
    assert ids(f"{mark}{one}{end}{mark}{two}{end}{mark}") == ["1", "2"]
    assert ids(f"{mark}[{one}]{end}{mark}[{two}]{end}") == ["1", "2"]
    page = '{"items":[%s]}'
    assert ids(f"{mark}{page % one}{end}{mark}{page % two}") == ["1", "2"]
    if end:
        file = f"{mark}{HEADER}{end}{ROW}{end}"
        assert ids(file + file) == ["1", "1"]
        other = f"{mark}action,createdAt,id,actorId{end}start,2025-07-31T08:15:27Z,2,user{end}"
        assert ids(file + other) == ["1", "2"]


def test_where_records_stand_on_one_line_all_are_found_and_the_others_stay_in_place() -> None:
    data = "\n".join([numbered(1), "{}", numbered(2) + numbered(3), numbered(4)])
    readings = read(data)
    assert [entry.id for entry in entries(readings)] == ["1", "2", "3", "4"]
    assert [rejection.place for rejection in rejections(readings)] == ["f:2"]
    located = [reading for reading in readings if isinstance(reading, LocatedEntry)]
    assert [reading.location for reading in located] == ["f:1", "f:3", "f:3", "f:4"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
@pytest.mark.parametrize("step", [1, 3, 1000])
def test_every_encoding_of_text_is_read(encoding: str, step: int) -> None:
    written = [GOOD | {"id": str(number), "errorMessage": "zoë 🦀"} for number in range(3)]
    text = "\n".join(json.dumps(record, ensure_ascii=False) for record in written)
    stream = Slowly(text.encode(encoding))
    stream.step = step
    assert [entry.error_message for entry in entries(list(read_records(stream, "f")))] == [
        "zoë 🦀"
    ] * 3


def test_what_is_broken_in_utf16_costs_its_own_record() -> None:
    good = numbered(1)
    text = "\n".join([good, good.replace("user", "us\ud800er"), good])
    readings = read(text.encode("utf-16", "surrogatepass"))
    assert (len(entries(readings)), len(rejections(readings))) == (2, 1)
    cut = read(f"{good}\n{good}".encode("utf-16")[:-1])
    assert "middle of a character" in rejections(cut)[-1].reason


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
@pytest.mark.parametrize("mark", ["", MARK])
def test_the_line_that_names_the_delimiter_for_excel_is_understood(
    delimiter: str, mark: str
) -> None:
    table = f"sep={delimiter}\r\n{HEADER}\r\n{ROW}\r\n".replace(",", delimiter)
    assert ids(mark + table) == ["1"]
    assert ids((mark + table).encode("utf-16")) == ["1"]


def test_what_dumps_write_for_a_missing_value_is_missing_unless_it_is_quoted() -> None:
    for null in ("NULL", "null", "\\N", ""):
        (found,) = entries(read(f"{HEADER}\n{ROW.replace('oops', null).replace('200', null)}\n"))
        assert (found.error_message, found.status_code) == (None, None)
        quoted = ROW.replace("oops", f'"{null}"')
        (found,) = entries(read(f"{HEADER}\n{quoted}\n"))
        assert found.error_message == null
    # Who quotes the names of the header quotes every value, also a missing one.
    lines = [HEADER.split(","), ROW.replace("oops", "").split(",")]
    text = "\n".join(",".join(f'"{value}"' for value in line) for line in lines)
    (found,) = entries(read(text))
    assert found.error_message is None


def test_what_a_spreadsheet_wrote_for_windows_is_told_with_the_letter() -> None:
    table = f"{HEADER}\r\n{ROW.replace('oops', 'tomás')}\r\n".encode("windows-1252")
    (rejection,) = rejections(read(table))
    assert "not UTF-8; in Windows-1252 it is á" in rejection.reason
    assert "save the file as UTF-8" in rejection.reason


def test_cases_of_real_users() -> None:
    (entry,) = entries(read((CASES / "http-pretty.json").read_bytes()))
    assert entry.id == "00000000-0000-4000-8000-000000000001"
    assert len(ids((CASES / "page-data.json").read_bytes())) == 3
    with pytest.raises(SourceError, match=r'a list under "Records".*AWS CloudTrail'):
        read((CASES / "cloudtrail-shape.json").read_bytes())


FOREIGN = {
    "AWS CloudTrail": {"eventVersion": "1.08", "eventTime": "t", "eventName": "n", "eventID": "x"},
    "Kubernetes": {"kind": "Event", "auditID": "1", "stage": "Done", "verb": "get", "user": {}},
    "GitHub": {"@timestamp": 1, "action": "repo.create", "actor": "a", "created_at": 1, "org": "o"},
    "Coder": {
        "id": "1", "time": "t", "organization_id": "o", "resource_type": "w", "action": "a",
        "resource_target": "w", "status_code": 200, "user_agent": "u", "diff": {}, "ip": "r",
    },
    "Okta": {"uuid": "u", "published": "t", "eventType": "e", "actor": {}, "target": [{"id": "1"}]},
    "Teleport": {"event": "user.login", "code": "T1", "uid": "u", "time": "t", "user": "a"},
    "Google Cloud": {"protoPayload": {"methodName": "m"}, "logName": "l", "insertId": "i"},
    "Auth0": {"log_id": "1", "type": "s", "date": "t", "user_id": "u"},
    "E2B": {"id": "1", "type": "sandbox.lifecycle.created", "sandboxId": "s", "eventData": {}},
    "Docker": {"audit_event_id": "1", "decision": "deny", "timestamp": "t", "username": "u"},
}  # fmt: skip


@pytest.mark.parametrize("system", FOREIGN)
def test_records_of_another_system_are_named_once(system: str) -> None:
    event = FOREIGN[system]
    for text in (
        "\n".join([json.dumps(event)] * 500),
        json.dumps([event] * 500),
        json.dumps({"Records": [event] * 500}, indent=1),
        json.dumps(event, indent=1),
    ):
        with pytest.raises(SourceError) as caught:
            read(text, "events.json")
        assert caught.value.message.startswith("events.json holds ")
        assert system in caught.value.message
        assert next(iter(event)) in caught.value.message
        assert "createdAt" in caught.value.hint
    with pytest.raises(SourceError, match='under "Records"'):
        read(json.dumps({"Records": [event]}))


def test_one_record_of_ours_among_those_of_others_is_read_and_the_others_are_rejected() -> None:
    event = json.dumps(FOREIGN["Okta"])
    for text in (f"{event}\n{numbered(1)}\n{event}", f"[{event},{numbered(1)},{event}]"):
        readings = read(text)
        assert (len(entries(readings)), len(rejections(readings))) == (1, 2)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ('{"statusCode": 401, "message": "Unauthorized"}', "401 Unauthorized"),
        ('{"error": "forbidden", "permission": "read:audit_logs"}', "forbidden"),
        (
            '{"message":"Bad credentials","documentation_url":"https://x","status":"401"}',
            "Bad cred",
        ),
        ("<!DOCTYPE html>\n<html>", "HTML page"),
        ('<?xml version="1.0"?><a/>', "XML"),
        ("INSERT INTO audit_log VALUES (1);", "SQL"),
        ("--\n-- PostgreSQL database dump\n--\n", "SQL"),
        ("Once upon a time\nthere was a log.\n", "not recognized: it begins with 'Once upon a"),
        ("Event time,User name,Event name\n1,2,3\n", "Event time, User name, Event name"),
        ("id,actor,time\n1,2,3\n", "names no fields of an entry"),
        ("id,actorId,what\n1,2,3\n", "lacks the columns action, createdAt; it names id, actor_id"),
        ("---\n- id: 1\n", "YAML"),
    ],
)
def test_what_holds_no_entries_is_named(data: str, words: str) -> None:
    with pytest.raises(SourceError) as caught:
        read(data)
    assert words in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "data",
    [b"PK\x03\x04", b"SQLite format 3\0", b"PAR1", b"%PDF-1.7", "x".encode("utf-32"), b"\0" * 9],
)
def test_what_is_no_text_is_of_a_type_that_is_not_read(data: bytes) -> None:
    with pytest.raises(SourceTypeError):
        read(data)


_CELLS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), max_size=8
) | st.sampled_from(("", "NULL", "\\N", MARK, '"', "a,b", "\r", "\n", "'=1", "=1"))


@law(150)
@given(st.lists(_CELLS, min_size=2, max_size=2), st.sampled_from([",", ";", "\t"]))
def test_quoted_values_are_texts_to_the_letter(texts: list[str], delimiter: str) -> None:
    """As databases quote: every text, and nothing else."""
    message, source = texts

    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    header = delimiter.join(["id", "actorId", "action", "createdAt", "errorMessage", "source"])
    row = delimiter.join(["1", "u", "a", "2025-07-31T08:15:27Z", quoted(message), quoted(source)])
    (found,) = entries(read(f"{header}\n{row}\n"))
    assert (found.error_message, found.source) == (message, source)
