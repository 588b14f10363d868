"""Records in CSV: a header row, then one record a row, quoted values over several lines."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from typing import Any

from audit_core.domain.errors import SourceError
from audit_core.ingest.formats.lines import BLANK, MARK, Line, read_lines
from audit_core.ingest.records.located import MAX_RECORD, Reading, location_in, read_value, reject
from audit_core.ingest.records.record import field_of
from audit_core.ingest.records.strict_json import Undecodable, decode, shown

DELIMITERS = (",", ";", "\t")
REQUIRED = {"id": "id", "actor_id": "actorId", "action": "action", "created_at": "createdAt"}

REREAD_FREE = 4 * MAX_RECORD
"""How many bytes of rows that could not be read may be read again, beside as many as the file has
had so far: one row takes up to `MAX_RECORD`, so each line might otherwise be read for that long."""

NULLS = ("NULL", "null", "\\N")
"""How dumps of databases write what is missing, where it is not quoted."""

_ABSENT = frozenset(("", *NULLS))

EXACT_TIME = "createdAtExact"
"""The column that only a table for spreadsheets has (see `evidence/formats/csv_writer.py`)."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_QUOTED = re.compile(r'"(?:[^"]|"")*+"')
_SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_COLUMN_NAME = re.compile(r"[\w@][\w .:/@()#-]{0,60}")
_HEADER_HINT = (
    "The first line must name the columns as Daytona's API does, or in snake_case: id, actorId, "
    "action and createdAt at least."
)


def split_header(line: str, following: str = "") -> tuple[str, list[str]] | None:
    """The delimiter, and the field that each column holds, or its own name where it holds none.

    A line that names the delimiter only, as Excel reads it (`sep=;`), has the header behind it, in
    `following`. `None` if the header names no field of an entry whatever the delimiter.
    """
    named = named_delimiter(line)
    for delimiter in (named,) if named else DELIMITERS:
        names = _split(following if named else line, delimiter)
        if sum(field_of(name) is not None for name in names) > 1:
            return delimiter, [field_of(name) or name for name in names]
    return None


def named_delimiter(line: str) -> str | None:
    """The delimiter that a line names for Excel; `None` if it is no such line."""
    match = _SEPARATOR.fullmatch(line.strip("\r\n"))
    return match.group(1) if match else None


def split_names(line: str) -> list[str]:
    """The columns of a line that may be the header of some other table; empty if it is none."""
    found = max((_split(line, delimiter) for delimiter in DELIMITERS), key=len)
    named = sum(bool(_COLUMN_NAME.fullmatch(name)) for name in found)
    return found if len(found) > 1 and named == len(found) else []


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return [name.strip() for name in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return []


def read_table(pieces: Iterator[bytes], name: str) -> Iterator[Reading]:
    """What each row became, located by the line on which it begins; blank lines are skipped.

    An empty value is a missing one, and so are `NULL` and `\\N` of dumps; a quoted value is a text,
    unless the names of the header are quoted as well: then all values are. `metadata` holds a JSON
    object as text. Files may be joined: a header that stands again, and a byte order mark at the
    beginning of a row, are no rows.

    A row that cannot be read costs its first line only, so that an unclosed quote does not take the
    rest along; in a file that is full of such rows they cost all the lines that were read for them
    (see `REREAD_FREE`). Raises `SourceError` if the header cannot be read, lacks a required column
    or names one twice, and for a table that was made for spreadsheets.
    """
    rows = Rows(read_lines(pieces, blank=True))
    header = rows.next_line()
    while header and not header.text.strip(BLANK):
        header = rows.next_line()
    if header is None:
        return
    delimiter = None
    if not header.problem and (delimiter := named_delimiter(header.text.lstrip(MARK))):
        header = rows.next_line()
    if header is None:
        return
    if header.problem:
        raise SourceError(f"The header of {name} cannot be read. {header.problem}", _HEADER_HINT)
    table = _Table(header.text, delimiter, name)
    # The module's limit is global to the process; ours is checked on the lines already.
    csv.field_size_limit(max(csv.field_size_limit(), 2 * MAX_RECORD))
    while (row := rows.read(table.delimiter)) is not None:
        location = location_in(name, "line", rows.number)
        if rows.problem:
            yield reject(location, rows.problem, rows.raw, length=rows.length)
        elif row and (row[0].strip() or row[1:]) and not table.take_header(row):
            yield table.read(row, location, rows.raw)


class _Table:
    """What the header of a table says of its rows. Raises `SourceError` as `read_table` does."""

    def __init__(self, header: str, delimiter: str | None, name: str) -> None:
        header = header.lstrip(MARK)
        self._name = name or "the body"
        found = split_header(f"sep={delimiter}" if delimiter else header, header)
        self.delimiter, columns = found or (delimiter or ",", _split(header, delimiter or ","))
        self._columns = self._checked(columns)
        self._quotes_all = header.lstrip().startswith('"')
        """Whether a quoted value may be a missing one: who quotes names quotes everything."""

    def take_header(self, row: list[str]) -> bool:
        """Whether a row is a header again, where files were joined; it holds from here on."""
        if "createdAt" not in row and "created_at" not in row:
            return False
        columns = [field_of(value.strip().lstrip(MARK)) or value.strip() for value in row]
        if not set(columns).issuperset(REQUIRED):
            return False
        self._columns = self._checked(columns)
        return True

    def read(self, row: list[str], location: str, raw: str) -> Reading:
        """What a row became."""
        columns = self._columns
        if len(row) != len(columns):
            reason = f"The row has {len(row)} values; the header has {len(columns)} columns."
            return reject(location, reason, raw)
        absent = self._absent(row, raw)
        record: dict[str, Any] = {
            column: value
            for index, (column, value) in enumerate(zip(columns, row, strict=True))
            if index not in absent
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

    def _absent(self, row: list[str], raw: str) -> set[int]:
        """Which values are missing ones."""
        absent = {index for index, value in enumerate(row) if value in _ABSENT}
        if self._quotes_all or not absent or '"' not in raw:
            return absent
        if '""' not in raw and not any(row[index] for index in absent):
            return absent
        quoted = _quoted_values(raw, self.delimiter, len(row))
        return absent - {
            index for index in quoted if self._columns[index] not in ("status_code", "metadata")
        }

    def _checked(self, columns: list[str]) -> list[str]:
        if EXACT_TIME in columns:
            raise SourceError(
                f"{self._name} was made for spreadsheets: its times are cut to seconds, and texts "
                "that a spreadsheet would run are changed.",
                "Download the same as JSON lines or as CSV for machines, and give that.",
            )
        missing = [column for field, column in REQUIRED.items() if field not in columns]
        if missing:
            noun = "columns" if missing[1:] else "column"
            raise SourceError(
                f"The header of {self._name} lacks the {noun} {', '.join(missing)}; it names "
                f"{', '.join(columns[:20])}.",
                _HEADER_HINT,
            )
        names: dict[str, None] = {}
        for number, column in enumerate(columns, 1):
            if field_of(column) and column in names:
                raise SourceError(
                    f"The header of {self._name} names the column {column} more than once.",
                    "Leave one of them.",
                )
            unique = column or f"column_{number}"
            while unique in names:
                unique += f"_{number}"
            names[unique] = None
        return list(names)


def _quoted_values(raw: str, delimiter: str, count: int) -> set[int]:
    """Which of the `count` values of a row were quoted: the module tells values only."""
    quoted: set[int] = set()
    at = 0
    for index in range(count):
        if raw[at : at + 1] == '"':
            quoted.add(index)
            match = _QUOTED.match(raw, at)
            at = match.end() if match else len(raw)
        at = raw.find(delimiter, at) + 1
        if not at:
            break
    return quoted


class _Unreadable(Exception):
    """A row that cannot go on, with the reason."""


class Rows:
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
            if not self._taken and line.text.startswith(MARK):
                # Files were joined. A value that begins so is quoted (see `csv_writer`).
                line = line._replace(text=line.text.lstrip(MARK))
            self._taken.append(line)
            length += line.length
            if line.problem:
                raise _Unreadable("a quote is not closed")
            if length > MAX_RECORD:
                raise _Unreadable("a quote is not closed, or the row is longer than 1 MiB")
            yield line.text
