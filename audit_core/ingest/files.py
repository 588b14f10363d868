"""Files and streams of records, of whatever shape and compression."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from io import BufferedReader
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from audit_core.domain.errors import SourceError
from audit_core.domain.rejections import Rejection
from audit_core.ingest.formats.csv_table import read_table
from audit_core.ingest.formats.detect import HEAD, Shape, detect_shape
from audit_core.ingest.formats.json_columns import read_line_batches
from audit_core.ingest.formats.json_document import DocumentReader
from audit_core.ingest.formats.lines import read_json_groups, read_json_lines
from audit_core.ingest.formats.log_lines import read_log_frames, read_log_lines
from audit_core.ingest.formats.streams import Readable, StreamBroken, decompressed
from audit_core.ingest.formats.syslog import FIRST_FRAME
from audit_core.ingest.formats.text_encoding import as_utf8
from audit_core.ingest.mappings.apply import Mapper
from audit_core.ingest.mappings.mapping import Mapping
from audit_core.ingest.mappings.recognize import (
    NO_MAPPINGS,
    Choice,
    RecordsOfOthers,
    sample_records,
)
from audit_core.ingest.records.batches import Batch, Nowhere, gather
from audit_core.ingest.records.located import (
    OtherLine,
    Reading,
    ReadValue,
    location_of,
    read_value,
    reject,
)
from audit_core.ingest.records.strict_json import Undecodable, decode
from audit_core.log.schema import ARRIVING

STANDARD_INPUT = "-"


def read_records(
    stream: Readable,
    name: str,
    *,
    max_bytes: int | None = None,
    mappings: Choice = NO_MAPPINGS,
) -> Iterator[Reading]:
    """What each record of a stream became, in order; memory does not grow with the stream.

    Compression, encoding and shape are told by the content: JSON lines, a JSON list, a saved page
    of an API (`{"items": […]}`), JSON objects over several lines, CSV, lines of a log among which
    audit entries stand (see `formats.log_lines`), syslog; in UTF-8 or UTF-16; plain, gzip or zstd.
    Files may be joined, and lines may end with CR alone. Nothing at all, or whitespace, holds no
    records. `name` begins each location (see `location_in`); the empty name is for the body of a
    request. `max_bytes` limits the decompressed content. `mappings` says by which mapping records
    of other systems are read.

    A stream that ends or breaks too early yields what it held, then a last rejection that says
    so. Raises `SourceError` when nothing can be read at all or all of it is of another system, and
    (after what was read by then) `SourceTooLargeError` when the content grows beyond `max_bytes` or
    like a decompression bomb.
    """
    last = "the beginning"
    try:
        for reading in _Content(stream, name, max_bytes, mappings).readings():
            yield reading
            last = location_of(reading)
    except StreamBroken as broken:
        yield _broken_off(broken, name, last)


def read_batches(
    stream: Readable,
    name: str,
    *,
    max_bytes: int | None = None,
    mappings: Choice = NO_MAPPINGS,
    on_empty: Callable[[str], None] | None = None,
    live: bool = False,
) -> Iterator[Batch]:
    """The same as `read_records`, many records at once; JSON lines at several times its pace.

    `on_empty` is called with a sentence if there was no record at all. Of a `live` stream, whose
    end may be far, the shape is told by the first line, and what lines hold is given as soon as
    they are there.
    """
    last = ""
    try:
        content = _Content(stream, name, max_bytes, mappings, live=live)
        for batch in content.batches():
            yield batch
            last = batch.last
        if not last and on_empty:
            on_empty(content.emptiness)
    except StreamBroken as broken:
        nothing = ARRIVING.empty_table()
        rejection = _broken_off(broken, name, last or "the beginning")
        yield Batch(table=nothing, locations=Nowhere(), rejections=[rejection], last=last)


def recognized_mapping(stream: Readable, name: str, mappings: Choice) -> Mapping | None:
    """By which mapping a stream would be read, told from its beginning; `None` without one, and
    where it cannot be read."""
    try:
        return _Content(stream, name, None, mappings).mapping
    except (SourceError, StreamBroken):
        return None


def first_records(stream: Readable, name: str, limit: int) -> list[dict[str, Any]]:
    """The first records of a stream as they are, of whatever system; none where it is no JSON.

    Raises `SourceError` when nothing can be read at all.
    """
    try:
        head, _ = _beginning(as_utf8(decompressed(stream, name), name), live=False)
    except StreamBroken:
        return []
    return sample_records(head[: 2 * HEAD], limit, whole=len(head) < HEAD)


def _broken_off(broken: StreamBroken, name: str, last: str) -> Rejection:
    reason = f"{broken.reason} The last record that was read is {last}; the rest is missing."
    return reject(name or "the end", reason, "")


class _Content:
    """The text of a stream, and how records stand in it. Raises as `decompressed` does."""

    def __init__(
        self,
        stream: Readable,
        name: str,
        max_bytes: int | None,
        mappings: Choice,
        *,
        live: bool = False,
    ) -> None:
        self._name = name
        self._shown = name or "The body"
        pieces = decompressed(stream, self._shown, max_bytes=max_bytes)
        head, self._pieces = _beginning(as_utf8(pieces, self._shown), live=live)
        self._void = not head
        start, whole = head[: 2 * HEAD], len(head) < HEAD
        self._read: ReadValue = read_value
        self._others = RecordsOfOthers(mappings)
        self.mapping: Mapping | None = None
        """By which its records are read."""
        if recognized := mappings.recognize(start, self._shown, whole=whole):
            self.mapping = recognized.mapping
            self._read = Mapper(recognized.mapping, mappings.organization_id)
            self._detected = recognized.detected
        else:
            self._detected = detect_shape(start, self._shown, whole=whole)

    def batches(self) -> Iterator[Batch]:
        """Its records, many at once."""
        if self._detected.shape is Shape.LINES and not self.mapping:
            return read_line_batches(self._pieces, self._name)
        mapping = self.mapping.name if self.mapping else ""
        if self._detected.shape in _LOGS:
            # By which mappings the records of a log are read shows as they come.
            groups = (gather(group, mapping=self._others.used) for group in self._groups())
            return chain.from_iterable(groups)
        if self._detected.shape is Shape.LINES:
            return chain.from_iterable(map(partial(gather, mapping=mapping), self._groups()))
        return gather(self.readings(), mapping=mapping)

    def readings(self) -> Iterator[Reading]:
        """What each of its records became."""
        content, name, read = self._pieces, self._name, self._read
        match self._detected.shape:
            case Shape.LINES:
                return read_json_lines(content, name, read)
            case Shape.TABLE:
                return read_table(content, name)
            case Shape.ARRAY:
                return DocumentReader(content, name, read).read_array()
            case Shape.PAGE:
                return DocumentReader(content, name, read).read_pages(self._detected.path)
            case Shape.OBJECTS:
                return DocumentReader(content, name, read).read_objects()
            case Shape.LOG | Shape.FRAMES:
                return chain.from_iterable(self._groups())

    def _groups(self) -> Iterator[list[Reading]]:
        """Lines, some at a time. Raises `SourceError` behind the last one of a log if it may be
        none, and holds nothing that was meant as an audit entry."""
        if self._detected.shape is Shape.LINES:
            yield from read_json_groups(self._pieces, self._name, self._read)
            return
        read = read_log_frames if self._detected.shape is Shape.FRAMES else read_log_lines
        doubt = self._detected.doubt
        for group in read(self._pieces, self._name, self._others):
            if doubt is not None and not all(isinstance(one, OtherLine) for one in group):
                doubt = None
            yield group
        if doubt is not None:
            raise doubt

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
            Shape.LOG: "there are blank lines only",
            Shape.FRAMES: "there is no message",
        }[self._detected.shape]
        return f"{self._shown} holds no records: {what}."


_LOGS = (Shape.LOG, Shape.FRAMES)


def _beginning(pieces: Iterator[bytes], *, live: bool) -> tuple[bytes, Iterator[bytes]]:
    """At least `HEAD` bytes of the text, or all of it, or as much of a live one as tells what it
    is; and the whole of it."""
    head = b""
    broken: StreamBroken | None = None
    try:
        while len(head) < HEAD and (piece := next(pieces, b"")):
            head += piece
            if live and _tells_its_shape(head):
                break
    except StreamBroken as error:
        broken = error
    if broken and not head.strip():
        raise broken
    content = chain([head] if head else [], _raising(broken) if broken else pieces)
    if b"\r" in head and b"\n" not in head[:HEAD]:
        # Line ends of CR alone, as spreadsheets on a Mac write them.
        return head.replace(b"\r", b"\n"), (piece.replace(b"\r", b"\n") for piece in content)
    return head, content


def _tells_its_shape(head: bytes) -> bool:
    """Whether the first line is there, and by itself no part of something that goes over lines."""
    line, ended, _ = head.lstrip().partition(b"\n")
    if FIRST_FRAME.match(line.decode(errors="replace")):
        return True
    if not ended or not line.startswith((b"{", b"[")):
        return bool(ended)
    try:
        return isinstance(decode(line.decode()), dict)
    except (Undecodable, UnicodeDecodeError):
        return not line.startswith(b"{") and line.lstrip(b"[ \t\r")[:1] not in b'{["'


def _raising(error: StreamBroken) -> Iterator[bytes]:
    raise error
    yield b""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedFile:
    """A file that is open for reading."""

    name: str
    """What begins the places of its records."""
    stream: Readable
    size: int | None
    """In bytes, as stored; `None` if it is not known before the end, as for a pipe."""
    live: bool = False
    """See `is_live`; then a read gives what is there, without waiting until it is much."""


def is_live(path: str) -> bool:
    """Whether a file is a pipe, a socket or a terminal, whose end comes when its writer wants."""
    if path != STANDARD_INPUT:
        return Path(path).exists() and not Path(path).is_file()
    try:
        return not stat.S_ISREG(os.fstat(sys.stdin.buffer.fileno()).st_mode)
    except OSError:  # no file at all
        return False


@contextmanager
def open_file(path: str) -> Iterator[OpenedFile]:
    """Open a file, or standard input for `-`. Raises `SourceError` if that is not possible."""
    live = is_live(path)
    if path == STANDARD_INPUT:
        yield OpenedFile(
            name="stdin", stream=_readable(sys.stdin.buffer, live), size=None, live=live
        )
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
        yield OpenedFile(name=file.name, stream=_readable(stream, live), size=size, live=live)


def _readable(stream: BinaryIO, live: bool) -> Readable:
    # Its buffer waits until it is full; and a thread that waits in it would hold up the end.
    return stream.raw if live and isinstance(stream, BufferedReader) else stream
