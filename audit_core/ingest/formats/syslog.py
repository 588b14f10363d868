"""Syslog messages: RFC 5424, one a line or with the octets counted in front (RFC 6587, 3.4.1)."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from audit_core.domain.rejections import RAW_LIMIT
from audit_core.ingest.formats.lines import Line, read_text_line
from audit_core.ingest.formats.streams import CHUNK, ChunkStream, peek_at_hand
from audit_core.ingest.records.located import MAX_RECORD
from audit_core.ingest.records.strict_json import shown
from audit_core.ingest.records.timestamps import read_time

FIRST_LINE = re.compile(r"<\d{1,3}>1 ")
FIRST_FRAME = re.compile(r"[1-9]\d{0,6} <\d{1,3}>1 ")
"""How a file begins that holds messages, one a line or counted."""

_MAX_PRIORITY = 191
_MAX_DIGITS = 7
_COUNT = re.compile(rb"[1-9]\d{0,6} ")
_GROUP = 500
"""How many frames are read at once."""
_NIL = "-"
_MARKS = ("\ufeff", "\u00ef\u00bb\u00bf")
"""The mark in front of a message in UTF-8, also if it was taken for Latin-1."""

_HEADER = re.compile(
    r"<(0|[1-9]\d{0,2})>1 (\S{1,64}) [!-~]{1,255} [!-~]{1,48} [!-~]{1,128} [!-~]{1,32} "
)
_ELEMENT = re.compile(
    r"\[([!#-<>-\\^-~]{1,32})((?: [!#-<>-\\^-~]{1,32}=\"(?:[^\"\\]|\\.)*+\")*+)\]", re.S
)
_PARAMETER = re.compile(r" ([!#-<>-\\^-~]{1,32})=\"((?:[^\"\\]|\\.)*+)\"", re.S)
_ESCAPE = re.compile(r'\\(["\\\]])')


@dataclass(frozen=True, slots=True, kw_only=True)
class SyslogMessage:
    """One message of RFC 5424."""

    text: str
    """What the program wrote, without a byte order mark."""
    structured: dict[str, Any] = field(default_factory=dict)
    """The values of the structured data by element and parameter; a list where one stands twice."""
    problem: str | None = None
    """What is wrong with the header or the structured data, a sentence; `None` if nothing is."""


def read_message(line: str) -> SyslogMessage | None:
    """The message of a line without its end; `None` if it does not begin as RFC 5424 has it.

    A time must be one of `read_time`, with its offset, or missing (`-`).
    """
    header = _HEADER.match(line)
    if header is None or int(header[1]) > _MAX_PRIORITY:
        return None
    problem = _problem_of_time(header[2])
    structured, at, wrong = _structured(line, header.end())
    text = line[at:].removeprefix(" ")
    for mark in _MARKS:
        text = text.removeprefix(mark)
    return SyslogMessage(text=text, structured=structured, problem=problem or wrong)


def _problem_of_time(time: str) -> str | None:
    if time == _NIL:
        return None
    try:
        read_time(time)
    except ValueError as error:
        return f"The time of the syslog header is {shown(time)}; {error}."
    return None


def _structured(line: str, at: int) -> tuple[dict[str, Any], int, str | None]:
    """The structured data that begins at an index, the index behind it, and what is wrong."""
    if line.startswith(_NIL, at):
        return {}, at + 1, None
    found: dict[str, Any] = {}
    problem = None
    start = at
    while element := _ELEMENT.match(line, at):
        name, parameters = element.groups()
        if name in found:
            problem = f"The structured data {shown(name)} stands more than once."
        found[name] = _values(parameters)
        at = element.end()
    if at == start or line[at : at + 1] not in ("", " "):
        problem = problem or f"The structured data is broken at character {at + 1:,} of the line."
    return found, at, problem


def _values(parameters: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, raw in _PARAMETER.findall(parameters):
        value = _ESCAPE.sub(r"\1", raw)
        if name not in values:
            values[name] = value
        elif isinstance(values[name], list):
            values[name].append(value)
        else:
            values[name] = [values[name], value]
    return values


def read_frames(pieces: Iterator[bytes]) -> Iterator[list[Line]]:
    """The messages of a stream, some at a time; each is given as soon as it is there.

    A message without a count ends with its line. One longer than `MAX_RECORD` bytes is passed over
    without being held. What `pieces` raises is raised behind what came before.
    """
    stream = io.BufferedReader(ChunkStream(pieces), CHUNK)
    number = 0
    frames: list[Line] = []
    problem: Exception | None = None
    while True:
        try:
            if (octets := _next_frame(stream)) is None:
                break
        except Exception as error:
            problem = error
            break
        text, length, reason = octets
        if not text.strip():
            continue
        number += 1
        line = read_text_line(number, text)
        frames.append(line._replace(length=length, problem=reason or line.problem))
        if len(frames) == _GROUP or not peek_at_hand(stream):
            yield frames
            frames = []
    if frames:
        yield frames
    if problem is not None:
        raise problem


def _next_frame(stream: io.BufferedReader[ChunkStream]) -> tuple[bytes, int, str | None] | None:
    """The octets of the next message, how many they were, and why they cannot be read; `None` at
    the end."""
    start = b""
    while len(start) <= _MAX_DIGITS and (octet := stream.read(1)):
        start += octet
        if not octet.isdigit():
            break
    if not start:
        return None
    if not _COUNT.fullmatch(start) or stream.peek(1)[:1] != b"<":
        return _whole_line(stream, start)
    length = int(start)
    held = stream.read(min(length, MAX_RECORD + 1))
    missing = length - len(held)
    while missing > 0 and (passed := stream.read(min(missing, CHUNK))):
        missing -= len(passed)
    if length > MAX_RECORD:
        reason = f"The message has {length:,} bytes; the limit is {MAX_RECORD:,}."
        return held[: 4 * RAW_LIMIT], length, reason
    if missing > 0:
        return held, len(held), f"The message should have {length:,} bytes, and ends too early."
    return held, length, None


def _whole_line(
    stream: io.BufferedReader[ChunkStream], line: bytes
) -> tuple[bytes, int, str | None]:
    if not line.endswith(b"\n"):
        line += stream.readline(MAX_RECORD + 1)
    if len(line) <= MAX_RECORD or line.endswith(b"\n"):
        return line, len(line), None
    head, length = line[: 4 * RAW_LIMIT], len(line)
    while not line.endswith(b"\n") and (line := stream.readline(MAX_RECORD)):
        length += len(line)
    return head, length, f"The line has {length:,} bytes; the limit is {MAX_RECORD:,}."
