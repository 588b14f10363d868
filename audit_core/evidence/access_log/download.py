"""The access record as a file: CSV for spreadsheets or for machines, or JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from audit_core.evidence.access_log.reader import RecordReader
from audit_core.evidence.access_log.record_filter import RecordFilter, RecordScope
from audit_core.evidence.download import FileKind, Format, Progress, name_part
from audit_core.evidence.formats.csv_text import Audience, CsvText, Value
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
    audience: Audience = Audience.MACHINES,
) -> Iterator[bytes]:
    """The file in pieces: oldest event first, times in UTC. Memory does not grow with the file.

    CSV is written for the `audience`; JSON lines are for machines. Raises what a read of the record
    raises, also midway: then the file is not whole, and the caller must let that be seen.
    """
    batches = _counted(reader.export(record_filter, scope, time_range), progress)
    if format is Format.CSV:
        return progress.measured(_csv(batches, audience))
    return progress.measured(_json_lines(batches))


def file_name(of: str, title: str, until: datetime, kind: FileKind) -> str:
    """A name that says what is in the file: whose record it is, the filter in words, until when, in
    UTC, and whom it is for. ASCII only."""
    parts = name_part(of, "record"), name_part(title, "all"), until.strftime("%Y%m%dT%H%M%SZ")
    return f"access-record_{'_'.join(parts)}{kind}"


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


def _csv(batches: Iterable[list[AccessEvent]], audience: Audience) -> Iterator[bytes]:
    text = CsvText(FIELDS, ["time", "lastTime"], audience)
    yield text.header()
    for batch in batches:
        yield text.rows([*map(_row, batch)])


def _row(event: AccessEvent) -> list[Value]:
    values = json_object(event) | {"time": event.at, "lastTime": event.last_at}
    values["metadata"] = json.dumps(event.detail, ensure_ascii=False)
    return [*values.values()]
