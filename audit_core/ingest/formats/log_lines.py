"""Logs of programs: lines among which audit entries stand, of consoles, containers and syslog.

A line that is no audit entry is counted. One that was meant as an entry and cannot be read is a
rejection, with its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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
    location_in,
    read_text,
    read_value,
    reject,
)
from audit_core.ingest.records.strict_json import Undecodable, decode

SYSLOG = "syslog"
"""The name in the metadata under which structured data is kept."""


def read_log_lines(pieces: Iterator[bytes], name: str) -> Iterator[list[Reading]]:
    """What the lines of a log became, some hundred at a time; blank ones are skipped. A line is
    given as soon as it is there."""
    log = _Log(name, "line")
    for group in read_line_groups(pieces):
        numbers = range(group.first, group.first + len(group.lines))
        yield log.read(group.line(number) for number in numbers)
    yield log.rest()


def read_log_frames(pieces: Iterator[bytes], name: str) -> Iterator[list[Reading]]:
    """The same for messages whose octets are counted."""
    log = _Log(name, "message")
    for frames in read_frames(pieces):
        yield log.read(frames)
    yield log.rest()


class _Log:
    """Reads one line after the other, and joins messages that were split."""

    def __init__(self, name: str, unit: str) -> None:
        self._name = name
        self._unit = unit
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
            return _read_syslog(syslog, location, text)
        piece = piece_of(text)
        if isinstance(piece, Misread):
            return reject(location, piece.reason, text)
        if piece.more:
            return self._keep(piece, location)
        if piece.stream in self._pieces:
            joined = self._pieces.pop(piece.stream) + piece.text
            return _read_message(joined, location, joined)
        return _read_message(piece.text, location, text)

    def _keep(self, piece: Piece, location: str) -> Reading | None:
        """Wait for the rest of a message, unless it is too long by now."""
        text = self._pieces.pop(piece.stream, "") + piece.text
        if len(text) <= MAX_RECORD:
            self._pieces[piece.stream] = text
            return None
        reason = f"The pieces of the message have more than {MAX_RECORD:,} characters."
        return reject(location, reason, text) if MARK in text else OtherLine(location)


def _read_message(text: str, location: str, raw: str) -> Reading:
    """What a message of a program became."""
    message = message_of(text)
    record = find_record(message) if isinstance(message, str) else message
    if isinstance(record, Misread):
        return reject(location, record.reason, raw)
    return OtherLine(location) if record is None else read_text(record, location)


def _read_syslog(syslog: SyslogMessage, location: str, raw: str) -> Reading:
    """What a message of RFC 5424 became: behind its header stands an audit line, or a record."""
    text = syslog.text.strip()
    if syslog.problem is not None:
        # Where the message begins is not certain then.
        meant = MARK in text or '"actorId"' in text or '"actor_id"' in text
        return reject(location, syslog.problem, raw) if meant else OtherLine(location)
    message = message_of(text)
    record = find_record(message) if isinstance(message, str) else message
    if record is None and text.startswith("{"):
        record = text
    if record is None:
        return OtherLine(location)
    if isinstance(record, Misread):
        return reject(location, record.reason, raw)
    try:
        value = decode(record)
    except Undecodable as error:
        return reject(location, error.reason, raw)
    if record is text and not is_entry(tuple(value)):
        return OtherLine(location)
    if syslog.structured and isinstance(value, dict):
        metadata = value.get("metadata") or {}
        if isinstance(metadata, dict):
            if SYSLOG in metadata:
                reason = (
                    f"The metadata has a {SYSLOG} of its own, so the structured data has no room."
                )
                return reject(location, reason, raw)
            value["metadata"] = {**metadata, SYSLOG: syslog.structured}
    return read_value(value, location, raw)
