"""Lines of a stream with their numbers, each held only up to a limit."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from audit_core.domain.rejections import RAW_LIMIT, Rejection
from audit_core.ingest.formats.streams import CHUNK, ChunkStream, peek_at_hand
from audit_core.ingest.records.located import (
    MAX_RECORD,
    Reading,
    ReadValue,
    location_in,
    read_text,
    read_value,
    reject,
)
from audit_core.ingest.records.strict_json import Undecodable, scan

MARK = "\ufeff"
"""The byte order mark, which stands in the middle where files were joined."""

MAX_JOINED = 100
"""How many records may stand on one line: files that were joined without a line end leave two."""

_SPACES = re.compile(rb"\s*+")
BLANK = " \t\r\n" + MARK
_OTHER_SPACES = "\v\f"
"""No part of JSON, but a line of these alone is blank all the same."""
_BETWEEN = re.compile(rf"[{BLANK}]*+")
_JOINED = re.compile(rf"\}}[{BLANK}]*+\{{")


class Line(NamedTuple):
    """One line as read."""

    number: int
    """From 1."""
    text: str
    """With its line end. Of a line with a problem only what a rejection shows."""
    length: int
    """In bytes."""
    problem: str | None
    """Why the line cannot be read, a sentence; `None` if it can."""


def read_lines(pieces: Iterator[bytes], *, blank: bool) -> Iterator[Line]:
    """All lines, or those that are not blank; blank ones pass at little cost.

    One longer than `MAX_RECORD` bytes is passed over without being held.
    """
    stream = io.BufferedReader(ChunkStream(pieces), CHUNK)
    number = 0
    while line := stream.readline(MAX_RECORD + 1):
        number += 1
        if not blank and line.isspace():
            number += _skip_blank_lines(stream)
            continue
        if len(line) > MAX_RECORD and not line.endswith(b"\n"):
            yield _overlong(number, line, stream)
            continue
        yield read_text_line(number, line)


def _skip_blank_lines(stream: io.BufferedReader[ChunkStream]) -> int:
    """Pass over the blank lines at the beginning of what is read ahead; how many they are."""
    ahead = stream.peek()
    spaces = _SPACES.match(ahead)
    blank = ahead.rfind(b"\n", 0, spaces.end() if spaces else 0) + 1
    stream.read(blank)
    return ahead.count(b"\n", 0, blank)


def read_text_line(number: int, line: bytes) -> Line:
    """A line of bytes as text, with a problem if it is not UTF-8."""
    try:
        return Line(number, line.decode(), len(line), None)
    except UnicodeDecodeError as error:
        hint = _as_windows(line[error.start : error.start + 1])
        reason = f"Byte {error.start + 1:,} of the line is not UTF-8{hint}."
        return Line(number, line.decode(errors="backslashreplace"), len(line), reason)


def _as_windows(byte: bytes) -> str:
    """What a byte is where a spreadsheet wrote the file: the rest of a sentence, maybe empty."""
    letter = byte.decode("windows-1252", "replace")
    if not letter.isalpha():
        return ""
    return f"; in Windows-1252 it is {letter}: if that is right, save the file as UTF-8"


def _overlong(number: int, line: bytes, stream: io.BufferedReader[ChunkStream]) -> Line:
    head, length = line[: 4 * RAW_LIMIT], len(line)
    while not line.endswith(b"\n") and (line := stream.readline(MAX_RECORD)):
        length += len(line)
    return Line(
        number,
        head.decode(errors="backslashreplace"),
        length,
        f"The line has {length:,} bytes; the limit is {MAX_RECORD:,}.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LineGroup:
    """Lines that follow one another."""

    first: int
    """The number of the first."""
    lines: list[bytes]
    """Without the feed at their ends."""
    problem: Line | None = None
    """The one line of the group as it is to be shown, if it is too long to be held."""
    ended: bool = True
    """Whether the last line ends with a feed: that of a file may not."""

    def line(self, number: int) -> Line:
        """The line with this number, which is in the group."""
        if self.problem is not None:
            return self.problem
        return read_text_line(
            number, self.lines[number - self.first] + (b"\n" if self.ended else b"")
        )


def read_line_groups(pieces: Iterator[bytes]) -> Iterator[LineGroup]:
    """The lines that `read_lines` gives without the blank ones, some hundred at a time; blank
    ones may be among them. A line is given as soon as it is there, without waiting for the next
    piece. What `pieces` raises is raised behind what came before."""
    stream = io.BufferedReader(ChunkStream(pieces), CHUNK)
    number = 0
    while line := stream.readline(MAX_RECORD + 1):
        number += 1
        if line.isspace():
            continue
        if len(line) > MAX_RECORD and not line.endswith(b"\n"):
            overlong = _overlong(number, line, stream)
            yield LineGroup(first=number, lines=[b""], problem=overlong)
            continue
        first = number
        lines = [line.removesuffix(b"\n")]
        whole = peek_at_hand(stream).rfind(b"\n") + 1
        # What is in the buffer is read without asking the pieces.
        if whole:
            lines += stream.read(whole)[:-1].split(b"\n")
            number += len(lines) - 1
        yield LineGroup(first=first, lines=lines, ended=line.endswith(b"\n"))


def read_json_lines(
    pieces: Iterator[bytes], name: str, read: ReadValue = read_value
) -> Iterator[Reading]:
    """What each line became; blank lines are skipped."""
    for line in read_lines(pieces, blank=False):
        yield from read_json_line(line, name, read)


def read_json_groups(
    pieces: Iterator[bytes], name: str, read: ReadValue = read_value
) -> Iterator[list[Reading]]:
    """The same, some hundred at a time; a line is given as soon as it is there."""
    for group in read_line_groups(pieces):
        numbers = range(group.first, group.first + len(group.lines))
        yield [
            reading
            for number in numbers
            for reading in read_json_line(group.line(number), name, read)
        ]


def read_json_line(line: Line, name: str, read: ReadValue = read_value) -> list[Reading]:
    """What a line became: nothing if it is blank, more than one where files were joined without a
    line end between them."""
    location = location_in(name, "line", line.number)
    if line.problem:
        return [reject(location, line.problem, line.text.rstrip("\r\n"), length=line.length)]
    text = line.text.strip(BLANK)
    if not text.strip(BLANK + _OTHER_SPACES):
        return []
    reading = read_text(text, location, read)
    if isinstance(reading, Rejection) and (records := _joined_records(text)):
        return [read_text(record, location, read) for record in records]
    return [reading]


def _joined_records(text: str) -> list[str]:
    """The texts of the objects that follow one another; empty if it is anything else, or one."""
    records: list[str] = []
    at = 0 if _JOINED.search(text) else len(text)
    while at < len(text):
        try:
            value, end = scan(text, at)
        except Undecodable:
            return []
        if not isinstance(value, dict) or len(records) == MAX_JOINED:
            return []
        records.append(text[at:end])
        between = _BETWEEN.match(text, end)
        at = between.end() if between else end
    return records if len(records) > 1 else []
