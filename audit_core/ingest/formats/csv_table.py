"""Records in CSV: a header row, then one record a row, quoted values over several lines."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from typing import Any

from audit_core.domain.errors import SourceError
from audit_core.ingest.formats.lines import Line, read_lines
from audit_core.ingest.records.located import MAX_RECORD, Reading, location_in, read_value, reject
from audit_core.ingest.records.record import field_of
from audit_core.ingest.records.strict_json import Undecodable, decode, shown

DELIMITERS = (",", ";", "\t")
REQUIRED = {"id": "id", "actor_id": "actorId", "action": "action", "created_at": "createdAt"}

REREAD_FREE = 4 * MAX_RECORD
"""How many bytes of rows that could not be read may be read again, beside as many as the file has
had so far: one row takes up to `MAX_RECORD`, so each line might otherwise be read for that long."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


def split_header(line: str) -> tuple[str, list[str]] | None:
    """The delimiter, and the field that each column holds, or its own name where it holds none.

    `None` if the line names no field of an entry whatever the delimiter.
    """
    for delimiter in DELIMITERS:
        try:
            names = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            continue
        plain = [name.strip() for name in names]
        if sum(field_of(name) is not None for name in plain) > 1:
            return delimiter, [field_of(name) or name for name in plain]
    return None


def read_table(pieces: Iterator[bytes], name: str) -> Iterator[Reading]:
    """What each row became, located by the line on which it begins; blank lines are skipped.

    An empty value is a missing one; `metadata` holds a JSON object as text. A row that cannot
    be read costs its first line only, so that an unclosed quote does not take the rest along; in
    a file that is full of such rows they cost all the lines that were read for them (see
    `REREAD_FREE`). Raises `SourceError` if the header cannot be read, lacks a required column or
    names one twice.
    """
    rows = _Rows(read_lines(pieces, blank=True))
    header = rows.next_line()
    while header and not header.text.strip():
        header = rows.next_line()
    if header is None:
        return
    if header.problem:
        raise SourceError(
            f"The header of {name} cannot be read. {header.problem}",
            "The first line must name the columns as Daytona's API does, or in snake_case.",
        )
    delimiter, columns = _columns(header.text, name)
    # The module's limit is global to the process; ours is checked on the lines already.
    csv.field_size_limit(max(csv.field_size_limit(), 2 * MAX_RECORD))
    while (row := rows.read(delimiter)) is not None:
        location = location_in(name, "line", rows.number)
        if rows.problem:
            yield reject(location, rows.problem, rows.raw, length=rows.length)
        elif row and (row[0].strip() or row[1:]):
            yield _read_row(row, columns, location, rows.raw)


def _columns(header: str, name: str) -> tuple[str, list[str]]:
    found = split_header(header)
    delimiter, columns = found or (",", [])
    missing = [column for field, column in REQUIRED.items() if field not in columns]
    if missing:
        raise SourceError(
            f"The header of {name} lacks {'the columns' if missing[1:] else 'the column'} "
            f"{', '.join(missing)}.",
            "The first line must name the columns as Daytona's API does, or in snake_case.",
        )
    names: dict[str, None] = {}
    for number, column in enumerate(columns, 1):
        if field_of(column) and column in names:
            raise SourceError(
                f"The header of {name} names the column {column} more than once.",
                "Leave one of them.",
            )
        unique = column or f"column_{number}"
        while unique in names:
            unique += f"_{number}"
        names[unique] = None
    return delimiter, list(names)


def _read_row(row: list[str], columns: list[str], location: str, raw: str) -> Reading:
    if len(row) != len(columns):
        reason = f"The row has {len(row)} values; the header has {len(columns)} columns."
        return reject(location, reason, raw)
    record: dict[str, Any] = {
        column: value for column, value in zip(columns, row, strict=True) if value
    }
    status = record.get("status_code")
    if status is not None:
        if not _INTEGER.fullmatch(status):
            reason = f"statusCode is {shown(status)}; it must be empty, 0 or from 100 to 599."
            return reject(location, reason, raw)
        record["status_code"] = int(status)
    if "metadata" in record:
        try:
            record["metadata"] = decode(record["metadata"])
        except Undecodable as error:
            return reject(location, f"metadata: {error.reason}", raw)
    return read_value(record, location, raw)


class _Unreadable(Exception):
    """A row that cannot go on, with the reason."""


class _Rows:
    """The rows of a table, each with its lines, so that lines can be given back."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._returned: deque[Line] = deque()
        self._taken: list[Line] = []
        self._reread = -REREAD_FREE
        """The bytes that were given back, less all that were read."""
        self.problem: str | None = None
        """Why the row just read is none; `None` if it is one."""

    @property
    def number(self) -> int:
        """The line on which the row just read begins."""
        return self._taken[0].number

    @property
    def raw(self) -> str:
        """The row just read as it stands in the file."""
        return "".join(line.text for line in self._taken).rstrip("\r\n")

    @property
    def length(self) -> int:
        """The bytes of the row just read."""
        return sum(line.length for line in self._taken)

    def next_line(self) -> Line | None:
        """The next line not yet read; those given back come first. `None` at the end."""
        if self._returned:
            return self._returned.popleft()
        line = next(self._lines, None)
        self._reread -= line.length if line else 0
        return line

    def read(self, delimiter: str) -> list[str] | None:
        """The values of the next row; empty for a blank line or a `problem`, `None` at the end."""
        self._taken, self.problem = [], None
        try:
            return next(csv.reader(self._take(), delimiter=delimiter, strict=True), None)
        except (csv.Error, _Unreadable) as error:
            self.problem = f"This is not a row of CSV: {error}."
        first, *rest = self._taken
        if first.problem:
            self.problem = first.problem
        self._reread += self.length - first.length
        if self._reread > 0 and rest:
            self.problem += f" It takes the {len(rest):,} lines behind it along."
            return []
        self._returned.extendleft(reversed(rest))
        self._taken = [first]
        return []

    def _take(self) -> Iterator[str]:
        length = 0
        while line := self.next_line():
            self._taken.append(line)
            length += line.length
            if line.problem:
                raise _Unreadable("a quote is not closed")
            if length > MAX_RECORD:
                raise _Unreadable("a quote is not closed, or the row is longer than 1 MiB")
            yield line.text
