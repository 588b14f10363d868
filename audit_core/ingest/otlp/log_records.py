"""Log records of OpenTelemetry become entries, rejections, or are counted as no audit entries.

A record is meant as an audit entry if its body is one (an object, JSON text, or a console line
with AUDIT_ENTRY:), or if there is somebody who acts and an action among its attributes; a body that
is a record of another system is read by its mapping. Whatever fills no field of the entry is kept
in its metadata under `otel`.
"""

from __future__ import annotations

import hashlib
import json
import math
from base64 import b64encode
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs

from audit_core.domain.rejections import RAW_LIMIT
from audit_core.ingest.formats.audit_lines import (
    Misread,
    Piece,
    find_record,
    message_of,
    piece_of,
)
from audit_core.ingest.formats.outline import is_entry
from audit_core.ingest.otlp.fields import NAMES, take
from audit_core.ingest.otlp.request import (
    MAX_REPEATED,
    MAX_VALUES,
    too_many_values,
    too_much_repeated,
)
from audit_core.ingest.records.located import (
    OtherLine,
    Reading,
    ReadOther,
    location_in,
    no_other,
    read_value,
    reject,
    with_metadata,
)
from audit_core.ingest.records.record import field_of
from audit_core.ingest.records.strict_json import Undecodable, decode, shown

OTEL = "otel"
"""The name in the metadata under which everything is kept that fills no field."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_write = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


class _Wrong(Exception):
    """A record that cannot become an entry. The reason is a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def count_parts(request: ExportLogsServiceRequest, limit: int) -> int:
    """How many resources, scopes and records a request has; past `limit` not all are counted."""
    count = len(request.resource_logs)
    for resource in request.resource_logs:
        if count > limit:
            break
        count += len(resource.scope_logs)
        count += sum(len(scope.log_records) for scope in resource.scope_logs[: limit + 1])
    return count


def read_log_records(
    request: ExportLogsServiceRequest,
    organization_id: str | None,
    read_other: ReadOther = no_other,
) -> Iterator[Reading]:
    """What each log record became, in their order; `record 1` is the first.

    What names no organization belongs to `organization_id`. `read_other` has a look at bodies that
    are objects and no audit entries. Raises `SourceTooLargeError` for more
    than `MAX_VALUES` or `MAX_REPEATED`.
    """
    number, values = 0, _Values()
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            around = _Around(resource, scope, values)
            for record in scope.log_records:
                number += 1
                location = location_in("", "record", number)
                try:
                    yield _read(record, around, values, location, organization_id, read_other)
                except _Wrong as wrong:
                    yield reject(location, wrong.reason, str(record)[:RAW_LIMIT])


class _Around:
    """The resource and the scope of some records, which are repeated in each."""

    def __init__(self, resource: ResourceLogs, scope: ScopeLogs, values: _Values) -> None:
        self.problem: _Wrong | None = None
        self.described: dict[str, Any] = {}
        try:
            self.described = _filled(
                {
                    "resource": values.of(resource.resource.attributes),
                    "resource_schema_url": resource.schema_url,
                    "scope_name": scope.scope.name,
                    "scope_version": scope.scope.version,
                    "scope_attributes": values.of(scope.scope.attributes),
                    "scope_schema_url": scope.schema_url,
                }
            )
        except _Wrong as wrong:
            self.problem = wrong
        written = _write(self.described)
        self.length = len(written)
        self.hash = hashlib.sha256(written.encode())


def _read(
    record: LogRecord,
    around: _Around,
    values: _Values,
    location: str,
    organization_id: str | None,
    read_other: ReadOther,
) -> Reading:
    """What a record became. Raises `_Wrong` if not even its values can be read."""
    if around.problem is not None:
        raise around.problem
    own = _described(record, values)
    raw = _write(own)
    observed = record.time_unix_nano and record.observed_time_unix_nano
    # No part of the hash: each collector looks at another time.
    more = {"observed_time": _written_time(observed)} if observed else {}
    try:
        body = _record_in(own.get("body"))
        if body is not None and not body.certain:
            reading = read_other(body.record, location, raw)
            if reading is not None:
                values.repeat(around.length)
                kept = {name: value for name, value in own.items() if name != "body"}
                return with_metadata(reading, OTEL, kept | around.described | more)
        entry = _entry(own | around.described | more, body)
    except _Wrong as wrong:
        return reject(location, wrong.reason, raw)
    if entry is None:
        return OtherLine(location)
    values.repeat(around.length)
    names = {field_of(name) for name in entry}
    if "organization_id" not in names:
        entry["organizationId"] = organization_id
    if "id" not in names:
        whole = around.hash.copy()
        whole.update(raw.encode())
        entry["id"] = whole.hexdigest()[:32]
    return read_value(entry, location, raw)


def _described(record: LogRecord, values: _Values) -> dict[str, Any]:
    """All that a record says itself, without what is empty. Raises `_Wrong`.

    The same record sent again, also in the other encoding, is described alike: when a collector
    looked at it counts only where it has no time of its own.
    """
    described = _filled(
        {
            "time_unix_nano": record.time_unix_nano or record.observed_time_unix_nano,
            "severity_number": record.severity_number,
            "severity_text": record.severity_text,
            "event_name": record.event_name,
            "attributes": values.of(record.attributes),
            "dropped_attributes_count": record.dropped_attributes_count,
            "flags": record.flags,
            "trace_id": record.trace_id.hex(),
            "span_id": record.span_id.hex(),
        }
    )
    body = values.read(record.body)
    return described if body is None else described | {"body": body}


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _entry(whole: dict[str, Any], body: _Found | None) -> dict[str, Any] | None:
    """The record of an entry, not judged yet; `None` if it is no audit entry. Raises `_Wrong`."""
    otel = dict(whole)
    attributes, resource = dict(otel.pop("attributes", {})), dict(otel.pop("resource", {}))
    if body is not None and not (body.certain or body.names_fields):
        body = None
    entry = {} if body is None else dict(body.record)
    # What an entry says of a field is so, also that there is nothing.
    named = {
        field_of(name)
        for name, value in entry.items()
        if value is not None or (body is not None and body.certain)
    }
    _fill(entry, named, attributes, otel, resource)
    if not {"actor_id", "action"} <= named and not (body is not None and body.certain):
        _require_no_broken_record(whole.get("body"))
        return None
    time = otel.pop("time_unix_nano", None)
    if time is not None:
        if "created_at" in named:
            otel["time"] = _written_time(time)
        else:
            entry["createdAt"] = _written_time(time)
    if body is not None:
        del otel["body"]
    otel |= {"attributes": attributes} if attributes else {}
    otel |= {"resource": resource} if resource else {}
    entry["metadata"] = _with_otel(entry.get("metadata"), otel)
    return entry


def _fill(
    entry: dict[str, Any],
    named: set[str | None],
    attributes: dict[str, Any],
    otel: dict[str, Any],
    resource: dict[str, Any],
) -> None:
    """Move what is for fields that are not named yet into the entry, and name them."""
    for name in NAMES:
        if field_of(name) in named:
            continue
        value = take(name, attributes)
        if value is None and name == "action":
            value = otel.pop("event_name", None)
        if value is None:
            value = take(name, resource)
        if value is not None:
            entry[name] = value
            named.add(field_of(name))


class _Found(NamedTuple):
    """The record that a body is."""

    record: dict[str, Any]
    certain: bool
    """Whether it is meant as an audit entry; else that takes somebody who acts, and an action."""

    @property
    def names_fields(self) -> bool:
        """Whether it says who acts, or an action."""
        return not {"actor_id", "action"}.isdisjoint(map(field_of, self.record))


def _record_in(body: Any) -> _Found | None:
    """`None` for a body that is no object. Raises `_Wrong`."""
    value = body
    if isinstance(body, str):
        piece = piece_of(body.strip())
        message = message_of(piece.text) if isinstance(piece, Piece) else piece
        text = find_record(message) if isinstance(message, str) else message
        if isinstance(text, Misread):
            raise _Wrong(text.reason)
        if text is not None:
            return _Found(_decoded(text), True)
        value = _decoded_or_none(body)
    if not isinstance(value, dict):
        return None
    return _Found(value, is_entry(tuple(value)))


def _decoded(text: str) -> dict[str, Any]:
    try:
        value = decode(text)
    except Undecodable as error:
        raise _Wrong(error.reason) from error
    if not isinstance(value, dict):
        raise _Wrong(f"A record must be a JSON object, not {shown(value)}.")
    return value


def _decoded_or_none(text: str) -> dict[str, Any] | None:
    """The object that a text is; `None` for one that is none, or a broken one."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        return _decoded(text)
    except _Wrong:
        return None


def _require_no_broken_record(body: Any) -> None:
    """Raises `_Wrong` for the text of an object that cannot be read: it may have been an entry."""
    if isinstance(body, str) and body.lstrip().startswith("{"):
        _decoded(body)


def _with_otel(metadata: Any, otel: dict[str, Any]) -> Any:
    if metadata is None:
        return {OTEL: otel}
    if not isinstance(metadata, dict):
        return metadata  # it makes the record a rejection
    if OTEL in metadata:
        raise _Wrong(f"The metadata has an {OTEL} of its own, so what comes with it has no room.")
    return {**metadata, OTEL: otel}


def _written_time(nanoseconds: int) -> str:
    """A time as entries have it; what is less than a microsecond is cut off."""
    time = _EPOCH + timedelta(microseconds=nanoseconds // 1_000)
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


class _Values:
    """Reads the values of one request. Raises `SourceTooLargeError` when they are too many."""

    def __init__(self) -> None:
        self._left = MAX_VALUES
        self._repeatable = MAX_REPEATED

    def repeat(self, length: int) -> None:
        """Keep what is around a record with it, once more. Raises `SourceTooLargeError`."""
        self._repeatable -= length
        if self._repeatable < 0:
            raise too_much_repeated()

    def of(self, pairs: Iterable[KeyValue]) -> dict[str, Any]:
        """Attributes by their names. Raises `_Wrong` for a name that stands twice."""
        values: dict[str, Any] = {}
        for pair in pairs:
            if pair.key in values:
                raise _Wrong(f"The attribute {shown(pair.key)} stands more than once.")
            values[pair.key] = self.read(pair.value)
        return values

    def read(self, value: AnyValue) -> Any:
        """A value as JSON has it: bytes in base64, and the numbers that JSON lacks as texts."""
        self._left -= 1
        if self._left < 0:
            raise too_many_values()
        match value.WhichOneof("value"):
            case None:
                return None
            case "array_value":
                return [self.read(item) for item in value.array_value.values]
            case "kvlist_value":
                return self.of(value.kvlist_value.values)
            case "bytes_value":
                return b64encode(value.bytes_value).decode()
            case "double_value":
                number = value.double_value
                return number if math.isfinite(number) else str(number)
            case "string_value" | "bool_value" | "int_value" as kind:
                return getattr(value, kind)
            case kind:
                raise _Wrong(f"A value is of the kind {kind}, which logs do not have.")
