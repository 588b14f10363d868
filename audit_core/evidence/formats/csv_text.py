"""CSV for its two kinds of readers: spreadsheets, and machines.

For spreadsheets it begins with a byte order mark, so that text is read as UTF-8; times are dates,
in UTC and to the second, and stand once more, exact, in columns at the end; no text is a formula.

For machines every text is quoted that could be taken for something else: for nothing, for `NULL`,
for a mark between joined files. So an absent value and an empty text differ, and reading gives back
what was written.
"""

from __future__ import annotations

import csv
import io
import re
import string
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum

from audit_core.query.time.windows import format_instant

MEDIA_TYPE = "text/csv"

MARK = "\ufeff"
"""By this spreadsheets know UTF-8; without it they read the characters of a Windows code page."""

EXACT = "Exact"
"""What is added to the name of a time for the column that has all of it."""

Value = str | int | datetime | None


class Audience(StrEnum):
    """Whom a file of CSV is for, by the name used in addresses and on the command line."""

    SPREADSHEETS = "spreadsheets"
    MACHINES = "machines"


class CsvText:
    """The rows of one file, as bytes. `times` are those of the `names` that hold instants."""

    def __init__(self, names: Sequence[str], times: Sequence[str], audience: Audience) -> None:
        self._names = names
        self._times = [names.index(name) for name in times]
        self._audience = audience

    def header(self) -> bytes:
        """The beginning of the file."""
        if self._audience is Audience.MACHINES:
            return _exact_rows([self._names])
        exact = [f"{self._names[index]}{EXACT}" for index in self._times]
        return (MARK + _minimal_rows([[*self._names, *exact]])).encode()

    def rows(self, rows: Iterable[Sequence[Value]]) -> bytes:
        """One line for each row, in the order of the names. Lone surrogates become `?`."""
        if self._audience is Audience.MACHINES:
            return _exact_rows(rows)
        times = self._times
        written = [
            [*map(_spreadsheet_cell, row), *(_text_of(row[index]) for index in times)]
            for row in rows
        ]
        return _minimal_rows(written).encode("utf-8", "replace")


_OPERATORS = frozenset("=+-@\u2212")
"""What a formula begins with, compatibility forms (full-width, small, raised) folded: spreadsheets
set to Chinese, Japanese or Korean read these as the plain ones. U+2212 is the minus sign."""

_LINE_STARTS = ("\t", "\r", "\n")
"""Neutralized whatever follows: a spreadsheet may drop them, or begin a new cell behind them."""

_BLANK_LETTERS = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Drawn as nothing, though Unicode does not count them among separators, controls or marks."""

HARMLESS_STARTS = frozenset(string.ascii_letters + string.digits + '{"[(/.:<*#')
"""Decides for nearly every cell at its first character."""


def neutralized(text: str) -> str:
    """The text, with `'` before what a spreadsheet would run as a formula.

    That is a text whose first visible character begins a formula, whatever stands before it:
    spreadsheets trim blanks, no-break spaces, byte order marks and control characters. A text
    that begins with a tab or a line end is neutralized as well.
    """
    if not text or text[0] in HARMLESS_STARTS:
        return text
    if text.startswith(_LINE_STARTS):
        return f"'{text}"
    first = next((char for char in text if not _is_invisible(char)), " ")
    return f"'{text}" if unicodedata.normalize("NFKC", first)[0] in _OPERATORS else text


def _is_invisible(char: str) -> bool:
    """Whether a character draws nothing of its own: separators, controls, formats, marks."""
    return unicodedata.category(char)[0] in "ZCM" or char in _BLANK_LETTERS


_QUOTED = re.compile(r'[",\r\n]|\A(?:NULL|null|\\N)?\Z|\A\ufeff')
"""Texts that a reader of CSV would take for something else."""


def _text_of(value: Value) -> str:
    if value is None:
        return ""
    return format_instant(value) if isinstance(value, datetime) else str(value)


def _spreadsheet_cell(value: Value) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    return "" if value is None else neutralized(str(value))


def _exact_cell(value: Value) -> str:
    if value is None:
        return ""
    text = _text_of(value)
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


def _exact_rows(rows: Iterable[Sequence[Value]]) -> bytes:
    lines = [",".join(map(_exact_cell, row)) for row in rows]
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "replace")


def _minimal_rows(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()
