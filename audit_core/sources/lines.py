"""Lines of a stream with their numbers, each held only up to a limit."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import NamedTuple

from audit_core.rejections import RAW_LIMIT
from audit_core.sources.placed import MAX_RECORD, Reading, place_of, read_text, reject
from audit_core.sources.streams import CHUNK, ChunkStream


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
            continue
        if len(line) > MAX_RECORD and not line.endswith(b"\n"):
            yield _overlong(number, line, stream)
            continue
        try:
            yield Line(number, line.decode(), len(line), None)
        except UnicodeDecodeError as error:
            yield Line(
                number,
                line.decode(errors="backslashreplace"),
                len(line),
                f"Byte {error.start + 1:,} of the line is not UTF-8.",
            )


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


def read_json_lines(pieces: Iterator[bytes], name: str) -> Iterator[Reading]:
    """What each line became; blank lines are skipped."""
    for line in read_lines(pieces, blank=False):
        if line.problem:
            place = place_of(name, "line", line.number)
            yield reject(place, line.problem, line.text.rstrip("\r\n"), length=line.length)
        elif text := line.text.strip(" \t\r\n"):
            yield read_text(text, place_of(name, "line", line.number))
