"""Files and streams of records, of whatever shape and compression."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterator
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
from audit_core.ingest.records.batches import Batch, Nowhere, gather
from audit_core.ingest.records.located import Reading, location_of, reject
from audit_core.log.schema import ARRIVING

STANDARD_INPUT = "-"


def read_records(stream: Readable, name: str, *, max_bytes: int | None = None) -> Iterator[Reading]:
    """What each record of a stream became, in order; memory does not grow with the stream.

    Compression and shape are told by the content: JSON lines, a JSON list, a saved page of the
    API (`{"items": […]}`), JSON objects over several lines, CSV; plain, gzip or zstd. Nothing
    at all, or whitespace, holds no records. `name` begins each location (see `location_in`); the
    empty name is for the body of a request. `max_bytes` limits the decompressed content.

    A stream that ends or breaks too early yields what it held, then a last rejection that says
    so. Raises `SourceError` when nothing can be read at all, and (after what was read by then)
    when the content grows beyond `max_bytes` or like a decompression bomb.
    """
    last = "the beginning"
    try:
        for reading in _read(decompressed(stream, name or "The body", max_bytes=max_bytes), name):
            yield reading
            last = location_of(reading)
    except StreamBroken as broken:
        yield _broken_off(broken, name, last)


def read_batches(stream: Readable, name: str, *, max_bytes: int | None = None) -> Iterator[Batch]:
    """The same as `read_records`, many records at once; JSON lines at several times its pace."""
    last = "the beginning"
    try:
        pieces = decompressed(stream, name or "The body", max_bytes=max_bytes)
        for batch in read_shape(*_shaped(pieces, name), name):
            yield batch
            last = batch.last
    except StreamBroken as broken:
        nothing = ARRIVING.empty_table()
        rejection = _broken_off(broken, name, last)
        yield Batch(table=nothing, locations=Nowhere(), rejections=[rejection], last=last)


def read_shape(shape: Shape, content: Iterator[bytes], name: str) -> Iterator[Batch]:
    """The records of decompressed content whose shape is known; see `read_records`."""
    if shape is Shape.LINES:
        return read_line_batches(content, name)
    return gather(_readings(shape, content, name))


def _broken_off(broken: StreamBroken, name: str, last: str) -> Rejection:
    reason = f"{broken.reason} The last record that was read is {last}; the rest is missing."
    return reject(name or "the end", reason, "")


def _read(pieces: Iterator[bytes], name: str) -> Iterator[Reading]:
    shape, content = _shaped(pieces, name)
    return _readings(shape, content, name)


def _shaped(pieces: Iterator[bytes], name: str) -> tuple[Shape, Iterator[bytes]]:
    """The shape of the content, and all of it."""
    head = b""
    broken: StreamBroken | None = None
    try:
        while len(head) < HEAD and (piece := next(pieces, b"")):
            head += piece
    except StreamBroken as error:
        broken = error
    head = head.removeprefix(codecs.BOM_UTF8)
    if broken and not head.strip():
        raise broken
    content = chain([head] if head else [], _raising(broken) if broken else pieces)
    return detect_shape(head[: 2 * HEAD], name or "The body"), content


def _readings(shape: Shape, content: Iterator[bytes], name: str) -> Iterator[Reading]:
    match shape:
        case Shape.LINES:
            return read_json_lines(content, name)
        case Shape.TABLE:
            return read_table(content, name)
        case Shape.ARRAY:
            return DocumentReader(content, name).read_array()
        case Shape.PAGE:
            return DocumentReader(content, name).read_pages()
        case Shape.OBJECTS:
            return DocumentReader(content, name).read_objects()


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
