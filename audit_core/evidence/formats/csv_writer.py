"""CSV: one entry a row, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import string
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import datetime
from operator import attrgetter

from audit_core.domain.entries import FIELDS, AuditEntry
from audit_core.query.time.windows import format_instant

MEDIA_TYPE = "text/csv"
EXTENSION = "csv"

_OPERATORS = frozenset("=+-@\u2212")
"""What a formula begins with, compatibility forms (full-width, small, raised) folded: spreadsheets
set to Chinese, Japanese or Korean read these as the plain ones. U+2212 is the minus sign."""

_LINE_STARTS = ("\t", "\r", "\n")
"""Neutralized whatever follows: a spreadsheet may drop them, or begin a new cell behind them."""

_BLANK_LETTERS = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Drawn as nothing, though Unicode does not count them among separators, controls or marks."""

_HARMLESS_STARTS = frozenset(string.ascii_letters + string.digits + '{"[(/.:<*#')
"""Decides for nearly every cell at its first character."""


def neutralized(text: str) -> str:
    """The text, with `'` before what a spreadsheet would run as a formula.

    That is a text whose first visible character begins a formula, whatever stands before it:
    spreadsheets trim blanks, no-break spaces, byte order marks and control characters. A text
    that begins with a tab or a line end is neutralized as well.
    """
    if not text or text[0] in _HARMLESS_STARTS:
        return text
    if text.startswith(_LINE_STARTS):
        return f"'{text}"
    first = next((char for char in text if not _is_invisible(char)), " ")
    return f"'{text}" if unicodedata.normalize("NFKC", first)[0] in _OPERATORS else text


def _is_invisible(char: str) -> bool:
    """Whether a character draws nothing of its own: separators, controls, formats, marks."""
    return unicodedata.category(char)[0] in "ZCM" or char in _BLANK_LETTERS


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
