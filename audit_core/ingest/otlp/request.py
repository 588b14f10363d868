"""The body of an OTLP/HTTP request for logs, in protobuf or JSON, and what answers it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from audit_core.domain.errors import SourceError, SourceTooLargeError
from audit_core.ingest.records.strict_json import Undecodable, decode

MAX_VALUES = 500_000
"""How many values the attributes and bodies of a request hold at most: 10 MB of what exporters send
hold fewer, and 10 MB of nothing but empty values would keep the process busy for seconds."""

MAX_REPEATED = 64_000_000
"""How many characters resources and scopes have at most, counted once for each of their entries,
which keep them: a large resource with thousands of records would grow a thousand times."""

_IDS = (("traceId", 16), ("spanId", 8))
"""What OTLP writes in hexadecimal digits, where protobuf's own JSON has base64; and the bytes."""

_HINT = "Send what an OpenTelemetry exporter sends: an ExportLogsServiceRequest."


def too_many_values() -> SourceTooLargeError:
    """What is raised for a request with more than `MAX_VALUES`."""
    return SourceTooLargeError(
        f"A request takes at most {MAX_VALUES:,} values.",
        "Send fewer log records at once.",
    )


def too_much_repeated() -> SourceTooLargeError:
    """What is raised for a request with more than `MAX_REPEATED`."""
    return SourceTooLargeError(
        f"The attributes of resources and scopes, which each entry keeps, have more than "
        f"{MAX_REPEATED:,} characters together.",
        "Send fewer log records at once, or fewer attributes of the resource.",
    )


def read_protobuf(body: bytes) -> ExportLogsServiceRequest:
    """The request in protobuf. Raises `SourceError` if it is none."""
    try:
        return ExportLogsServiceRequest.FromString(body)
    except DecodeError as error:
        raise SourceError("The body is not an OTLP request in protobuf.", _HINT) from error


def read_json(body: bytes) -> ExportLogsServiceRequest:
    """The request in OTLP's JSON, unknown fields left out as it demands. Raises `SourceError`."""
    if body.count(b"{") > MAX_VALUES:
        raise too_many_values()
    try:
        value = decode(body.decode())
    except UnicodeDecodeError as error:
        raise SourceError("The body is not UTF-8.", _HINT) from error
    except Undecodable as error:
        raise SourceError(f"The body is not JSON. {error.reason}", _HINT) from error
    try:
        for record in _records(value):
            for name, length in _IDS:
                if isinstance(record.get(name), str):
                    record[name] = _as_base64(record[name], length)
        request = ExportLogsServiceRequest()
        json_format.ParseDict(value, request, ignore_unknown_fields=True)
    except (json_format.ParseError, ValueError, TypeError, AttributeError) as error:
        raise SourceError("The body is not an OTLP request in JSON.", _HINT) from error
    return request


def _records(value: Any) -> Iterator[dict[str, Any]]:
    """The log records of a decoded request, as far as it has the form of one."""
    for resource in _objects(value, "resourceLogs"):
        for scope in _objects(resource, "scopeLogs"):
            yield from _objects(scope, "logRecords")


def _objects(value: Any, name: str) -> list[dict[str, Any]]:
    items = value.get(name) if isinstance(value, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _as_base64(digits: str, length: int) -> str:
    """Raises `ValueError` unless it is nothing, or so many bytes in hexadecimal digits."""
    octets = bytes.fromhex(digits)
    if len(octets) not in (0, length):
        raise ValueError(digits)
    return b64encode(octets).decode()
