"""Files and streams of records, of whatever shape and compression."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from audit_core.domain.errors import SourceError
from audit_core.domain.rejections import Rejection
from audit_core.ingest.formats.csv_table import read_table
from audit_core.ingest.formats.detect import HEAD, Shape, detect_shape
from audit_core.ingest.formats.json_columns import read_line_batches
from audit_core.ingest.formats.json_document import DocumentReader
from audit_core.ingest.formats.lines import read_json_lines
from audit_core.ingest.formats.streams import Readable, StreamBroken, decompressed
from audit_core.ingest.formats.text_encoding import as_utf8
from audit_core.ingest.records.batches import Batch, Nowhere, gather
from audit_core.ingest.records.located import Reading, location_of, reject
from audit_core.log.schema import ARRIVING

STANDARD_INPUT = "-"


def read_records(stream: Readable, name: str, *, max_bytes: int | None = None) -> Iterator[Reading]:
    """What each record of a stream became, in order; memory does not grow with the stream.

    Compression, encoding and shape are told by the content: JSON lines, a JSON list, a saved page
    of an API (`{"items": […]}`), JSON objects over several lines, CSV; in UTF-8 or UTF-16; plain,
    gzip or zstd. Files may be joined, and lines may end with CR alone. Nothing at all, or
    whitespace, holds no records. `name` begins each location (see `location_in`); the empty name
    is for the body of a request. `max_bytes` limits the decompressed content.

    A stream that ends or breaks too early yields what it held, then a last rejection that says
    so. Raises `SourceError` when nothing can be read at all or all of it is of another system, and
    (after what was read by then) `SourceTooLargeError` when the content grows beyond `max_bytes` or
    like a decompression bomb.
    """
    last = "the beginning"
    try:
        for reading in _Content(stream, name, max_bytes).readings():
            yield reading
            last = location_of(reading)
    except StreamBroken as broken:
        yield _broken_off(broken, name, last)


def read_batches(
    stream: Readable,
    name: str,
    *,
    max_bytes: int | None = None,
    on_empty: Callable[[str], None] | None = None,
) -> Iterator[Batch]:
    """The same as `read_records`, many records at once; JSON lines at several times its pace.

    `on_empty` is called with a sentence if there was no record at all.
    """
    last = ""
    try:
        content = _Content(stream, name, max_bytes)
        for batch in content.batches():
            yield batch
            last = batch.last
        if not last and on_empty:
            on_empty(content.emptiness)
    except StreamBroken as broken:
        nothing = ARRIVING.empty_table()
        rejection = _broken_off(broken, name, last or "the beginning")
        yield Batch(table=nothing, locations=Nowhere(), rejections=[rejection], last=last)


def _broken_off(broken: StreamBroken, name: str, last: str) -> Rejection:
    reason = f"{broken.reason} The last record that was read is {last}; the rest is missing."
    return reject(name or "the end", reason, "")


class _Content:
    """The text of a stream, and how records stand in it. Raises as `decompressed` does."""

    def __init__(self, stream: Readable, name: str, max_bytes: int | None) -> None:
        self._name = name
        self._shown = name or "The body"
        pieces = decompressed(stream, self._shown, max_bytes=max_bytes)
        head, self._pieces = _beginning(as_utf8(pieces, self._shown))
        self._void = not head
        self._detected = detect_shape(head[: 2 * HEAD], self._shown, whole=len(head) < HEAD)

    def batches(self) -> Iterator[Batch]:
        """Its records, many at once."""
        if self._detected.shape is Shape.LINES:
            return read_line_batches(self._pieces, self._name)
        return gather(self.readings())

    def readings(self) -> Iterator[Reading]:
        """What each of its records became."""
        content, name = self._pieces, self._name
        match self._detected.shape:
            case Shape.LINES:
                return read_json_lines(content, name)
            case Shape.TABLE:
                return read_table(content, name)
            case Shape.ARRAY:
                return DocumentReader(content, name).read_array()
            case Shape.PAGE:
                return DocumentReader(content, name).read_pages(self._detected.path)
            case Shape.OBJECTS:
                return DocumentReader(content, name).read_objects()

    @property
    def emptiness(self) -> str:
        """What is said if it holds no records."""
        if self._void:
            return f"{self._shown} is empty."
        what = {
            Shape.LINES: "there are blank lines only",
            Shape.TABLE: "there is no row below the header",
            Shape.ARRAY: "the list is empty",
            Shape.PAGE: f'the list under "{".".join(self._detected.path)}" is empty',
            Shape.OBJECTS: "there is no object",
        }[self._detected.shape]
        return f"{self._shown} holds no records: {what}."


def _beginning(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """At least `HEAD` bytes of the text, or all of it; and the whole of it."""
    head = b""
    broken: StreamBroken | None = None
    try:
        while len(head) < HEAD and (piece := next(pieces, b"")):
            head += piece
    except StreamBroken as error:
        broken = error
    if broken and not head.strip():
        raise broken
    content = chain([head] if head else [], _raising(broken) if broken else pieces)
    if b"\r" in head and b"\n" not in head[:HEAD]:
        # Line ends of CR alone, as spreadsheets on a Mac write them.
        return head.replace(b"\r", b"\n"), (piece.replace(b"\r", b"\n") for piece in content)
    return head, content


def _raising(error: StreamBroken) -> Iterator[bytes]:
    raise error
    yield b""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedFile:
    """A file that is open for reading."""

    name: str
    """What begins the places of its records."""
    stream: BinaryIO
    size: int | None
    """In bytes, as stored; `None` if it is not known before the end, as for a pipe."""


@contextmanager
def open_file(path: str) -> Iterator[OpenedFile]:
    """Open a file, or standard input for `-`. Raises `SourceError` if that is not possible."""
    if path == STANDARD_INPUT:
        yield OpenedFile(name="stdin", stream=sys.stdin.buffer, size=None)
        return
    file = Path(path)
    try:
        stream = file.open("rb")
    except OSError as error:
        raise SourceError(
            f"The file {path} cannot be opened: {error.strerror}.",
            "Check its name and whether you may read it.",
        ) from error
    with stream:
        size = file.stat().st_size if file.is_file() else None
        yield OpenedFile(name=file.name, stream=stream, size=size)
