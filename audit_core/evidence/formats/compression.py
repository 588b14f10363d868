"""Files of text, packed on their way."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any

import zstandard

_GZIP = 16 + zlib.MAX_WBITS
"""zlib's window with a header of gzip, which holds no time and no name."""


class Compression(StrEnum):
    """How a file is packed, by the name used in addresses and on the command line."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"

    @property
    def suffix(self) -> str:
        """What the name of a packed file ends with."""
        return {Compression.GZIP: ".gz", Compression.ZSTD: ".zst"}.get(self, "")

    @property
    def media_type(self) -> str | None:
        """The type that HTTP says of a packed file; `None` for one that is not packed."""
        return None if self is Compression.NONE else f"application/{self.value}"


def packed(pieces: Iterable[bytes], compression: Compression) -> Iterator[bytes]:
    """The pieces of the packed file. The same pieces make the same file."""
    if compression is Compression.NONE:
        yield from pieces
        return
    packer: Any = (
        zlib.compressobj(wbits=_GZIP)
        if compression is Compression.GZIP
        else zstandard.ZstdCompressor(write_checksum=True).compressobj()
    )
    for piece in pieces:
        if done := packer.compress(piece):
            yield done
    yield packer.flush()
