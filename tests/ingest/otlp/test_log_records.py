"""What OpenTelemetry's log records become."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from audit_core.domain.rejections import Rejection
from audit_core.ingest.otlp.fields import CONVENTIONS
from audit_core.ingest.otlp.log_records import count_parts, read_log_records
from audit_core.ingest.otlp.request import read_json, read_protobuf
from audit_core.ingest.records.located import LocatedEntry, OtherLine, Reading
from tests.docs.documents import document
from tests.support.laws import law

LOGIN = {"user.id": "u", "event.name": "login"}
TIME = 1_753_949_727_123_456_789
ENTRY = {
    "id": "e1",
    "actorId": "u",
    "action": "start",
    "organizationId": "o",
    "statusCode": None,
    "createdAt": "2025-07-31T08:15:27.123Z",
}


def value_of(value: Any) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case str():
            return AnyValue(string_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
        case list():
            made = AnyValue()
            made.array_value.values.extend(map(value_of, value))
            made.array_value.SetInParent()
            return made
        case dict():
            made = AnyValue()
            made.kvlist_value.values.extend(pairs_of(value))
            made.kvlist_value.SetInParent()
            return made
    return AnyValue()


def pairs_of(values: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=value_of(value)) for key, value in values.items()]


def record(body: Any = None, attributes: dict[str, Any] | None = None, **more: Any) -> LogRecord:
    return LogRecord(
        **{"time_unix_nano": TIME, **more},
        body=value_of(body),
        attributes=pairs_of(attributes or {}),
    )


def request(
    *records: LogRecord, resource: dict[str, Any] | None = None
) -> ExportLogsServiceRequest:
    made = ExportLogsServiceRequest()
    part = made.resource_logs.add()
    part.resource.attributes.extend(pairs_of(resource or {}))
    scope = part.scope_logs.add()
    scope.scope.name = "tests"
    scope.log_records.extend(records)
    return made


def read(*records: LogRecord, **more: Any) -> list[Reading]:
    return list(read_log_records(request(*records, **more), "own"))


def entry_of(reading: Reading) -> tuple[Any, Any]:
    """The entry, and what its metadata has under `otel`."""
    assert isinstance(reading, LocatedEntry), reading
    return reading.entry, json.loads(reading.entry.metadata or "{}")["otel"]


def test_attributes_by_the_semantic_conventions_make_an_entry() -> None:
    attributes = {
        "user.id": 42,
        "user.email": "ann@example.org",
        "client.address": "203.0.113.7",
        "user_agent.original": "curl/8",
        "http.response.status_code": 403,
        "exception.message": "denied",
        "log.record.uid": "01J",
        "targetType": "sandbox",
        "target_id": "box-1",
        "room": {"a": [1, 2.5, True, None, b"\0\1", math.nan]},
    }
    (reading,) = read(
        record(
            "Started.", attributes, event_name="start", severity_number=9, severity_text="INFO",
            trace_id=bytes(range(16)), span_id=bytes(8), observed_time_unix_nano=TIME + 10**9,
        ),
        resource={"service.name": "api", "host.name": "h"},
    )  # fmt: skip
    entry, otel = entry_of(reading)
    assert (entry.id, entry.actor_id, entry.actor_email) == ("01J", "42", "ann@example.org")
    assert (entry.action, entry.target_type, entry.target_id) == ("start", "sandbox", "box-1")
    assert (entry.status_code, entry.error_message) == (403, "denied")
    assert (entry.ip_address, entry.user_agent, entry.source) == ("203.0.113.7", "curl/8", "api")
    assert (entry.organization_id, entry.created_at.isoformat()) == (
        "own",
        "2025-07-31T08:15:27.123456+00:00",
    )
    assert otel == {
        "attributes": {"room": {"a": [1, 2.5, True, None, "AAE=", "nan"]}},
        "resource": {"host.name": "h"},
        "scope_name": "tests",
        "severity_number": 9,
        "severity_text": "INFO",
        "trace_id": "000102030405060708090a0b0c0d0e0f",
        "span_id": "0000000000000000",
        "body": "Started.",
        "observed_time": "2025-07-31T08:15:28.123456Z",
    }


BODIES = {
    "JSON text": json.dumps(ENTRY),
    "a console line": f"[Nest] 1 LOG [AuditService] AUDIT_ENTRY: {json.dumps(ENTRY)} +3ms",
    "pino": json.dumps({"level": 30, "msg": f"AUDIT_ENTRY: {json.dumps(ENTRY)}"}),
    "Docker": json.dumps({"log": f"AUDIT_ENTRY: {json.dumps(ENTRY)}\n", "stream": "stdout"}),
    "an object": ENTRY,
}


@pytest.mark.parametrize("kind", BODIES)
def test_a_body_that_is_an_entry_is_that_entry(kind: str) -> None:
    (reading,) = read(
        record(BODIES[kind], {"user.id": "other", "http.response.status_code": 200}),
        resource={"service.name": "daytona"},
    )
    entry, otel = entry_of(reading)
    assert (entry.id, entry.actor_id, entry.organization_id) == ("e1", "u", "o")
    # It is in flight, as it says itself.
    assert entry.status_code is None
    assert entry.source == "daytona"
    assert entry.created_at.microsecond == 123_000
    assert otel["attributes"] == {"user.id": "other", "http.response.status_code": 200}
    assert "body" not in otel
    assert otel["time"] == "2025-07-31T08:15:27.123456Z"


def test_what_an_object_lacks_comes_from_the_attributes_and_the_rest_of_it_is_kept() -> None:
    (reading,) = read(record({"action": "start", "color": "red"}, {"enduser.id": "u"}))
    assert isinstance(reading, LocatedEntry)
    assert (reading.entry.action, reading.entry.actor_id) == ("start", "u")
    assert json.loads(reading.entry.metadata or "")["extra"] == {"color": "red"}
    assert reading.extra.kept == ("color",)


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (record('AUDIT_ENTRY: {"id": '), "not JSON"),
        (record("AUDIT_ENTRY: {}"), "actorId is missing"),
        (record("AUDIT_ENTRY: 1"), "must be a JSON object"),
        (record(f"said AUDIT_ENTRY: {json.dumps(ENTRY)}"), "does not stand where"),
        (record('{"id": 1, "actorId": '), "not JSON"),
        (record({**ENTRY, "statusCode": 9}), "statusCode is 9"),
        (record({**ENTRY, "metadata": {"otel": 1}}), "of its own"),
        (record({**ENTRY, "metadata": 1}), "must be an object"),
        (record("x", {"user.id": True, "event.name": "a"}), "actorId is true"),
        (record("x", LOGIN, time_unix_nano=0), "createdAt is missing"),
        (record("x", LOGIN, time_unix_nano=2**64 - 1), "before 2200"),
        (
            LogRecord(attributes=[*pairs_of({"a": 1}), *pairs_of({"a": 2})], body=value_of("x")),
            "stands more than once",
        ),
        (LogRecord(body=AnyValue(string_value_strindex=1)), "logs do not have"),
    ],
)  # fmt: skip
def test_a_broken_record_is_a_rejection_with_its_place(sent: LogRecord, words: str) -> None:
    fine, broken = read(record(ENTRY), LogRecord.FromString(sent.SerializeToString()))
    assert isinstance(fine, LocatedEntry)
    assert isinstance(broken, Rejection)
    assert words in broken.reason
    assert broken.place == "record 2"


def test_other_log_records_are_counted() -> None:
    readings = read(
        record("Server started."),
        record(None, {"http.route": "/"}),
        record("x", {"user.id": "u"}),
        record("x", {"event.name": "device.app.lifecycle"}),
        record('{"level": 30, "msg": "GET /"}'),
        record({"a": 1}),
    )
    assert {type(reading) for reading in readings} == {OtherLine}


def test_the_hash_of_a_record_is_its_id_whatever_its_encoding_and_collector() -> None:
    attributes = {"user.id": "u", "event.name": "login", "n": 1, "d": 0.1, "b": b"\xff"}
    one = record("x", attributes, trace_id=b"\1" * 16)
    found = set()
    for observed in (0, TIME + 1, TIME + 2):
        one.observed_time_unix_nano = observed
        sent = request(one)
        again = read_protobuf(sent.SerializeToString())
        as_json = read_json(json.dumps(in_json(sent)).encode())
        for each in (sent, again, as_json):
            (reading,) = read_log_records(each, "own")
            found.add(entry_of(reading)[0].id)
    assert len(found) == 1
    one.time_unix_nano += 1
    found.add(entry_of(read(one)[0])[0].id)
    one.time_unix_nano = 0
    found.add(entry_of(read(one)[0])[0].id)
    assert len(found) == 3


def in_json(sent: ExportLogsServiceRequest) -> dict[str, Any]:
    """As OTLP has it: identifiers in hexadecimal digits."""
    written = MessageToDict(sent)
    for resource, part in zip(written.get("resourceLogs", ()), sent.resource_logs, strict=True):
        for scope, inner in zip(resource.get("scopeLogs", ()), part.scope_logs, strict=True):
            for one, log in zip(scope.get("logRecords", ()), inner.log_records, strict=True):
                if log.trace_id:
                    one["traceId"] = log.trace_id.hex().upper()
                if log.span_id:
                    one["spanId"] = log.span_id.hex()
    return written


def test_parts_are_counted_up_to_a_limit() -> None:
    assert count_parts(request(record(), record()), 10) == 4
    assert count_parts(ExportLogsServiceRequest(), 10) == 0
    many = ExportLogsServiceRequest()
    for _ in range(20):
        many.resource_logs.add()
    assert count_parts(many, 10) == 20


def test_the_reference_tells_which_attribute_fills_which_field() -> None:
    table = {
        line.split("|")[1].strip(): line
        for line in document("docs/http.md").splitlines()
        if line.startswith("| `")
    }
    for field, names in CONVENTIONS.items():
        assert all(f"`{name}`" in table[f"`{field}`"] for name in names), field


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def batches(draw: st.DrawFn) -> list[tuple[LogRecord, str]]:
    """Log records, and what each is."""
    made = []
    for number in range(draw(st.integers(1, 8))):
        kind = draw(st.sampled_from(["entry", "broken", "other"]))
        attributes = {"number": number, "value": draw(VALUES)}
        body: Any = draw(VALUES.filter(lambda value: not isinstance(value, str | dict)))
        shape = draw(st.sampled_from(["attributes", "text", "line", "object"]))
        written = {**ENTRY, "id": f"e{number}"} | ({"statusCode": 7} if kind == "broken" else {})
        if kind == "other":
            attributes["user.id"] = "u"
        elif shape == "attributes":
            status = 7 if kind == "broken" else 200
            attributes |= {"user.id": "u", "event.name": "a", "http.status_code": status}
        else:
            text = json.dumps(written)
            body = {"text": text, "line": f"AUDIT_ENTRY: {text}", "object": written}[shape]
        made.append((record(body, attributes), kind))
    return made


@law(100)
@given(batches())
def test_each_record_is_an_entry_a_rejection_or_counted(made: list[tuple[LogRecord, str]]) -> None:
    sent = request(*(one for one, _ in made))
    kinds = {LocatedEntry: "entry", Rejection: "broken", OtherLine: "other"}
    readings = list(read_log_records(sent, "own"))
    assert [kinds[type(one)] for one in readings] == [kind for _, kind in made]
    found = [one.entry.id for one in readings if isinstance(one, LocatedEntry)]
    assert len(set(found)) == len(found)
    by_json = list(read_log_records(read_json(json.dumps(in_json(sent)).encode()), "own"))
    assert [kinds[type(one)] for one in by_json] == [kind for _, kind in made]
    assert [one.entry.id for one in by_json if isinstance(one, LocatedEntry)] == found
