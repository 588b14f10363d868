"""CSV: one entry a row, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from operator import attrgetter

from audit_core.entries import FIELDS, AuditEntry
from audit_core.query.windows import format_instant

MEDIA_TYPE = "text/csv"
EXTENSION = "csv"

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def neutralized(text: str) -> str:
    """The text, with `'` before what a spreadsheet would run as a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


_values = attrgetter(*(attribute for _, attribute in FIELDS))


def _cell(value: str | int | datetime | None) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return format_instant(value)
    return neutralized(str(value))


def write(batches: Iterable[list[AuditEntry]]) -> Iterator[bytes]:
    """UTF-8 text by RFC 4180 with a header row, a piece for each batch.

    Names and order are those of `FIELDS`; an absent value is an empty cell, as is an empty text.
    """
    yield _rows([[name for name, _ in FIELDS]])
    for batch in batches:
        yield _rows([[*map(_cell, _values(entry))] for entry in batch])


def _rows(rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()
