"""The access record as a file: CSV for spreadsheets, or JSON lines."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from audit_core.evidence.access_log.reader import RecordReader
from audit_core.evidence.access_log.record_filter import RecordFilter, RecordScope
from audit_core.evidence.download import Format, Progress
from audit_core.evidence.formats.csv_writer import neutralized
from audit_core.query.time.windows import TimeRange, format_instant
from audit_core.state.access_log.record import AccessEvent

FIELDS = (
    "id",
    "time",
    "lastTime",
    "action",
    "outcome",
    "actor",
    "target",
    "ipAddress",
    "organizationId",
    "count",
    "networks",
    "metadata",
)
"""The names in both formats, in the order of the CSV's columns."""


def stream(
    reader: RecordReader,
    record_filter: RecordFilter,
    scope: RecordScope,
    time_range: TimeRange,
    format: Format,
    *,
    progress: Progress,
) -> Iterator[bytes]:
    """The file in pieces: oldest event first, times in UTC. Memory does not grow with the file.

    Raises what a read of the record raises, also midway: then the file is not whole, and the
    caller must let that be seen.
    """
    batches = _counted(reader.export(record_filter, scope, time_range), progress)
    return _csv(batches) if format is Format.CSV else _json_lines(batches)


def file_name(of: str, until: datetime, format: Format) -> str:
    """A name that says what is in the file: whose record it is, and until when, in UTC."""
    plain = re.sub(r"[^a-z0-9]+", "-", of.lower()).strip("-") or "record"
    return f"access-record_{plain[:60]}_{until.strftime('%Y%m%dT%H%M%SZ')}.{format.value}"


def json_object(event: AccessEvent) -> dict[str, Any]:
    """The event by the names in `FIELDS`; times as RFC 3339 in UTC."""
    return {
        "id": event.uid,
        "time": format_instant(event.at),
        "lastTime": None if event.last_at is None else format_instant(event.last_at),
        "action": event.verb,
        "outcome": event.outcome.value,
        "actor": event.actor,
        "target": event.target,
        "ipAddress": event.address,
        "organizationId": event.organization_id,
        "count": event.count,
        "networks": event.networks,
        "metadata": event.detail,
    }


def _counted(
    batches: Iterable[list[AccessEvent]], progress: Progress
) -> Iterator[list[AccessEvent]]:
    for batch in batches:
        yield batch
        progress.entries += len(batch)


def _json_lines(batches: Iterable[list[AccessEvent]]) -> Iterator[bytes]:
    for batch in batches:
        lines = (
            json.dumps(json_object(event), ensure_ascii=False, separators=(",", ":"))
            for event in batch
        )
        yield "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def _csv(batches: Iterable[list[AccessEvent]]) -> Iterator[bytes]:
    yield _rows([list(FIELDS)])
    for batch in batches:
        yield _rows([[_cell(value) for value in json_object(event).values()] for event in batch])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return neutralized(json.dumps(value, ensure_ascii=False))
    return neutralized(str(value))


def _rows(rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode("utf-8", "replace")
