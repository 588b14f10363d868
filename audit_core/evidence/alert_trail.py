"""What happened to an alert, as a file: who changed it, and when. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from audit_core.detect.alerts.alert import AlertEvent
from audit_core.detect.alerts.reading import AlertDetail
from audit_core.domain.redaction import redact_text
from audit_core.evidence.download import FileKind, Format
from audit_core.evidence.formats.csv_text import CsvText, Value
from audit_core.query.time.windows import format_instant

FIELDS = (
    *("alert", "alertId", "rule", "ruleId", "time", "event", "actor"),
    *("from", "to", "resolution", "entries", "comment", "reason"),
)
"""The names in both formats, in the order of the CSV's columns."""

_DETAIL = {"entries": "count"}
"""What a field is called in the detail of an event, if otherwise."""


def pieces(found: AlertDetail, kind: FileKind) -> Iterator[bytes]:
    """The file: a line for each event, oldest first; secrets in texts are redacted."""
    lines = [_line(found, event) for event in found.events]
    if kind.format is not Format.CSV:
        for line, event in zip(lines, found.events, strict=True):
            told = line | {"time": format_instant(event.at)}
            text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
            yield f"{text}\n".encode("utf-8", "replace")
        return
    text_of = CsvText(FIELDS, ["time"], kind.audience)
    yield text_of.header()
    yield text_of.rows([[*line.values()] for line in lines])


def file_name(found: AlertDetail, kind: FileKind) -> str:
    """A name that says which alert it is about."""
    return f"alert-{found.alert.number}_history{kind}"


def _line(found: AlertDetail, event: AlertEvent) -> dict[str, Value]:
    one = found.alert
    fixed: dict[str, Any] = {
        "alert": one.number,
        "alertId": one.id,
        "rule": one.rule_title,
        "ruleId": one.rule_id,
        "time": event.at,
        "event": event.kind.value,
        "actor": event.actor,
    }
    return fixed | {
        name: _value(event.detail.get(_DETAIL.get(name, name))) for name in FIELDS[len(fixed) :]
    }


def _value(value: str | int | None) -> str | int | None:
    return redact_text(value) if isinstance(value, str) else value
