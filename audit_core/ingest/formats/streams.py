"""Bytes in: plain, gzip or zstd, decompressed piece by piece and counted."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import Protocol

import zstandard

from audit_core.domain.errors import SourceTooLargeError, SourceTypeError
from audit_core.ingest.formats.other_files import describe_binary

CHUNK = 2**18
"""How many bytes are read, and at most decompressed, at a time."""

RATIO_LIMIT = 200
"""How many times its size a compressed stream may grow, once past `RATIO_FREE`."""

RATIO_FREE = 10_000_000
"""The bytes that any stream may decompress to, whatever its ratio."""

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_LONGEST_MAGIC = 16

_ZSTD_PIECE = 1024
"""A piece of zstd decompresses at once and whole; this bounds it to some 32 MiB."""

_ZSTD_WINDOW = 2**27


class Readable(Protocol):
    """What bytes are read from: a file, standard input, the body of a request."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; empty at the end."""


class StreamBroken(Exception):
    """The stream ends or breaks where it should go on. `reason` is a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def decompressed(stream: Readable, name: str, *, max_bytes: int | None = None) -> Iterator[bytes]:
    """The content in pieces, none empty; gzip and zstd are recognized by their first bytes.

    `max_bytes` limits the content, not the file; `None` means no limit. Raises `StreamBroken`
    where reading or decompressing cannot go on, `SourceTypeError` for another compression, and
    `SourceTooLargeError` beyond `max_bytes` and beyond `RATIO_LIMIT`.
    """
    source = _Counted(stream)
    first = source.read()
    while 0 < len(first) < _LONGEST_MAGIC and (piece := source.read()):
        first += piece
    require_text(first, name)
    if first.startswith(_GZIP):
        pieces = _gunzip(first, source)
    elif first.startswith(_ZSTD):
        pieces = _unzstd(first, source)
    else:
        pieces = _plain(first, source)
    produced = 0
    for piece in pieces:
        produced += len(piece)
        if max_bytes is not None and produced > max_bytes:
            raise SourceTooLargeError(
                f"{name} holds more than the {max_bytes:,} bytes that are accepted at once.",
                "Split it into smaller files.",
            )
        if produced > RATIO_FREE and produced > RATIO_LIMIT * source.count:
            raise SourceTooLargeError(
                f"{name} grows to more than {RATIO_LIMIT} times its size when decompressed; "
                f"it was stopped at {produced:,} bytes.",
                "If it is to be trusted, decompress it first and give the result.",
            )
        if piece:
            yield piece


def require_text(head: bytes, name: str) -> None:
    """Raises `SourceTypeError` for content that begins as archives, workbooks and databases do."""
    if found := describe_binary(head):
        what, hint = found
        raise SourceTypeError(f"{name} is {what}, which is not read.", hint)


def is_compressed(head: bytes) -> bool:
    """Whether content begins as one of the compressions that are read."""
    return head.startswith((_GZIP, _ZSTD))


class ChunkStream(io.RawIOBase):
    """Pieces of bytes as a stream, for `io.BufferedReader`. What the pieces raise is raised."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = memoryview(b"")
        self.at_hand = False
        """Whether nothing is given but what is there already: the next piece is not waited for."""

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: memoryview, /) -> int | None:  # type: ignore[override]
        """Fill the start of `buffer`; the number of bytes filled, 0 at the end, and `None` where
        the next piece would have to be waited for."""
        if not self._left:
            if self.at_hand:
                return None
            self._left = memoryview(next(self._pieces, b""))
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size


def peek_at_hand(stream: io.BufferedReader[ChunkStream]) -> bytes:
    """What of a stream can be read without waiting for more: empty if it is nothing, or the end.

    From a pipe the next piece may come much later, and what came before is not to wait for it.
    """
    stream.raw.at_hand = True
    try:
        return stream.peek()
    finally:
        stream.raw.at_hand = False


class _Counted:
    """A stream with the count of the bytes read so far."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self.count = 0

    def read(self) -> bytes:
        try:
            piece = self._stream.read(CHUNK)
        except OSError as error:
            raise StreamBroken(f"It cannot be read further: {error.strerror}.") from error
        self.count += len(piece)
        return piece


def _plain(piece: bytes, source: _Counted) -> Iterator[bytes]:
    while piece:
        yield piece
        piece = source.read()


def _gunzip(piece: bytes, source: _Counted) -> Iterator[bytes]:
    member = zlib.decompressobj(wbits=31)
    while piece or (piece := source.read()):
        try:
            yield member.decompress(piece, CHUNK)
        except zlib.error as error:
            raise StreamBroken("The gzip data is damaged.") from error
        piece = member.unconsumed_tail
        if member.eof:
            # Padding with zeros behind the last member is common, and ignored by gzip too.
            piece = member.unused_data.lstrip(b"\0") or source.read().lstrip(b"\0")
            if not piece:
                return
            member = zlib.decompressobj(wbits=31)
    # Output may still wait inside after the last input was taken.
    yield member.flush()
    if not member.eof:
        raise StreamBroken("The gzip data ends too early.")


def _unzstd(piece: bytes, source: _Counted) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    frame = decompressor.decompressobj()
    inside = True
    while piece or (piece := source.read()):
        if not inside:
            frame, inside = decompressor.decompressobj(), True
        try:
            yield frame.decompress(piece[:_ZSTD_PIECE])
        except zstandard.ZstdError as error:
            raise StreamBroken("The zstd data is damaged, or needs too much memory.") from error
        piece = piece[_ZSTD_PIECE:]
        if frame.eof:
            piece = frame.unused_data + piece
            inside = False
    if inside:
        raise StreamBroken("The zstd data ends too early.")
