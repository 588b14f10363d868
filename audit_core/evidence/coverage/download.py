"""The coverage as a file: CSV for spreadsheets or for machines, or JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from audit_core.evidence.coverage.catalogue import GAPS
from audit_core.evidence.coverage.reader import Coverage, CoverageLine
from audit_core.evidence.download import FileKind, Format, name_part
from audit_core.evidence.formats.csv_text import CsvText, Value
from audit_core.query.time.windows import format_instant

FIELDS = ("state", "targetType", "action", "category", "entries", "failed", "lastSeenHour", "note")
"""The names in both formats, in the order of the CSV's columns."""

NOT_RECORDED = "not_recorded"
"""The state of what the platform does not record, which stands at the end."""


def pieces(coverage: Coverage, kind: FileKind) -> Iterator[bytes]:
    """The file, UTF-8: a row for each line, then one for each thing that is not recorded."""
    rows = [*map(_row, coverage.lines)]
    rows += [[NOT_RECORDED, None, gap.what, None, None, None, None, gap.why] for gap in GAPS]
    if kind.format is Format.CSV:
        text = CsvText(FIELDS, [], kind.audience)
        yield text.header()
        yield text.rows([_texts(row) for row in rows])
        return
    for row in rows:
        named = dict(zip(FIELDS, _texts(row), strict=True))
        line = json.dumps(named, ensure_ascii=False, separators=(",", ":"))
        yield f"{line}\n".encode("utf-8", "replace")


def file_name(organization: str, until: datetime, kind: FileKind) -> str:
    """A name that says what is in the file: whose log, and when it was looked at, in UTC."""
    of = name_part(organization, "organization")
    return f"coverage_{of}_{until:%Y%m%dT%H%M%SZ}{kind}"


def _row(line: CoverageLine) -> list[Value]:
    return [
        line.state.value,
        line.target_type,
        line.action,
        line.category.value,
        line.count,
        line.failed,
        line.last_seen,
        line.state.description,
    ]


def _texts(row: list[Value]) -> list[Value]:
    return [format_instant(value) if isinstance(value, datetime) else value for value in row]
