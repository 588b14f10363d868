"""Logs of programs: lines among which audit entries stand, of consoles, containers and syslog.

A line that is no audit entry is counted. One that was meant as an entry and cannot be read is a
rejection, with its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from audit_core.ingest.formats.audit_lines import (
    MARK,
    Misread,
    Piece,
    find_record,
    message_of,
    piece_of,
)
from audit_core.ingest.formats.lines import Line, read_line_groups
from audit_core.ingest.formats.outline import is_entry
from audit_core.ingest.formats.syslog import SyslogMessage, read_frames, read_message
from audit_core.ingest.records.located import (
    MAX_RECORD,
    OtherLine,
    Reading,
    ReadOther,
    location_in,
    no_other,
    read_text,
    read_value,
    reject,
    with_metadata,
)
from audit_core.ingest.records.strict_json import Undecodable, decode

SYSLOG = "syslog"
"""The name in the metadata under which structured data is kept."""


def read_log_lines(
    pieces: Iterator[bytes], name: str, read_other: ReadOther = no_other
) -> Iterator[list[Reading]]:
    """What the lines of a log became, some hundred at a time; blank ones are skipped. A line is
    given as soon as it is there. `read_other` has a look at records that are no audit entries."""
    log = _Log(name, "line", read_other)
    for group in read_line_groups(pieces):
        numbers = range(group.first, group.first + len(group.lines))
        yield log.read(group.line(number) for number in numbers)
    yield log.rest()


def read_log_frames(
    pieces: Iterator[bytes], name: str, read_other: ReadOther = no_other
) -> Iterator[list[Reading]]:
    """The same for messages whose octets are counted."""
    log = _Log(name, "message", read_other)
    for frames in read_frames(pieces):
        yield log.read(frames)
    yield log.rest()


class _Log:
    """Reads one line after the other, and joins messages that were split."""

    def __init__(self, name: str, unit: str, read_other: ReadOther) -> None:
        self._name = name
        self._unit = unit
        self._read_other = read_other
        self._pieces: dict[str, str] = {}
        """What has come of messages that were split, by the stream that they came in."""
        self._last = location_in(name, unit, 1)

    def read(self, lines: Iterable[Line]) -> list[Reading]:
        """What each of the lines became."""
        readings: list[Reading] = []
        for line in lines:
            if line.problem is None and not line.text.strip():
                continue
            self._last = location_in(self._name, self._unit, line.number)
            reading = self._read(line, self._last)
            if reading is not None:
                readings.append(reading)
        return readings

    def rest(self) -> list[Reading]:
        """What became of messages whose last piece never came."""
        return [
            reject(self._last, "The message was split, and its last piece is missing.", text)
            if MARK in text
            else OtherLine(self._last)
            for text in self._pieces.values()
        ]

    def _read(self, line: Line, location: str) -> Reading | None:
        """`None` for a piece of a message of which more follows."""
        text = line.text.rstrip("\r\n")
        if line.problem is not None:
            if MARK not in text:
                return OtherLine(location)
            return reject(location, line.problem, text, length=line.length)
        if syslog := read_message(text):
            return self._read_syslog(syslog, location, text)
        piece = piece_of(text)
        if isinstance(piece, Misread):
            return reject(location, piece.reason, text)
        if piece.more:
            return self._keep(piece, location)
        if piece.stream in self._pieces:
            joined = self._pieces.pop(piece.stream) + piece.text
            return self._read_message(joined, location, joined, contained=True)
        return self._read_message(piece.text, location, text, contained=bool(piece.stream))

    def _keep(self, piece: Piece, location: str) -> Reading | None:
        """Wait for the rest of a message, unless it is too long by now."""
        text = self._pieces.pop(piece.stream, "") + piece.text
        if len(text) <= MAX_RECORD:
            self._pieces[piece.stream] = text
            return None
        reason = f"The pieces of the message have more than {MAX_RECORD:,} characters."
        return reject(location, reason, text) if MARK in text else OtherLine(location)

    def _read_message(self, text: str, location: str, raw: str, *, contained: bool) -> Reading:
        """What a message of a program became. Of a container it may be a record of another system;
        elsewhere that is told from the beginning of the file."""
        if (reading := _read_audit_line(text, location, raw)) is not None:
            return reading
        if contained and text.startswith("{"):
            with suppress(Undecodable):  # a program's own words, which may begin with a brace
                reading = self._read_other(decode(text), location, text)
        return reading or OtherLine(location)

    def _read_syslog(self, syslog: SyslogMessage, location: str, raw: str) -> Reading:
        """What a message of RFC 5424 became: an audit line, or a record in JSON."""
        text = syslog.text.strip()
        if syslog.problem is not None:
            # Where the message begins is not certain then.
            meant = MARK in text or '"actorId"' in text or '"actor_id"' in text
            return reject(location, syslog.problem, raw) if meant else OtherLine(location)
        reading = _read_audit_line(text, location, raw)
        if reading is None and text.startswith("{"):
            try:
                value = decode(text)
            except Undecodable as error:
                return reject(location, error.reason, raw)
            read = read_value if is_entry(tuple(value)) else self._read_other
            reading = read(value, location, text)
        if reading is not None and syslog.structured:
            return with_metadata(reading, SYSLOG, syslog.structured)
        return reading or OtherLine(location)


def _read_audit_line(text: str, location: str, raw: str) -> Reading | None:
    """What a message became that is an audit line, or pretends to be one; `None` for others."""
    message = message_of(text)
    record = find_record(message) if isinstance(message, str) else message
    if isinstance(record, Misread):
        return reject(location, record.reason, raw)
    return None if record is None else read_text(record, location)
