"""Reads the ZIP of a pack that somebody else made, within limits, without unpacking it to disk."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from audit_core.evidence.pack import layout
from audit_core.evidence.pack.verdicts import PackError

_STREAMED = (layout.ENTRIES, layout.LEAVES)
_REQUIRED = (*layout.SIGNED, layout.MANIFEST, layout.SIGNATURE)
_ENCRYPTED = 0x1


class Archive:
    """The files of a pack. What is read is counted against what its directory says."""

    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive
        self._members: dict[str, ZipInfo] = {}
        self._measured: dict[str, tuple[int, str]] = {}
        for member in archive.infolist():
            self._take(member)
        missing = [name for name in _REQUIRED if name not in self._members]
        if missing:
            raise PackError("pack.missing", f"The pack lacks {', '.join(missing)}.")

    def _take(self, member: ZipInfo) -> None:
        name = member.filename
        if name in self._members:
            raise PackError("pack.twice", f"The pack holds {name!r} twice.")
        if len(self._members) == layout.MAX_FILES:
            raise PackError("pack.files", f"The pack holds more than {layout.MAX_FILES} files.")
        if name not in _REQUIRED and not layout.ANCHOR_NAME.fullmatch(name):
            raise PackError("pack.stranger", f"The pack holds {name!r}, which is no part of one.")
        if member.flag_bits & _ENCRYPTED or member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise PackError("pack.method", f"{name} is encrypted, or packed in an unknown way.")
        if name not in _STREAMED and member.file_size > layout.MAX_SMALL_BYTES:
            raise PackError("pack.large", f"{name} has more than {layout.MAX_SMALL_BYTES:,} bytes.")
        if member.file_size > layout.MAX_RATIO * max(member.compress_size, 1000):
            raise PackError("pack.bomb", f"{name} grows to a multiple that no pack has.")
        self._members[name] = member

    def names(self) -> list[str]:
        """The names of all files."""
        return sorted(self._members)

    def read(self, name: str) -> bytes:
        """A small file whole. Raises `PackError` where it is damaged."""
        return b"".join(self._pieces(name))

    def measured(self, name: str) -> tuple[int, str]:
        """The size and the SHA-256 of a file, in hexadecimal. Raises `PackError`."""
        if name not in self._measured:
            for _ in self._pieces(name):
                pass  # measured on its way
        return self._measured[name]

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a file, without their ends. Raises `PackError` where it is damaged, a line
        is too long, or the last one has no end."""
        rest = b""
        for piece in self._pieces(name):
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole
            if len(rest) > layout.MAX_LINE_BYTES:
                raise PackError("pack.line", f"{name} has a line that is too long.")
        if rest:
            raise PackError("pack.line", f"{name} ends within a line.")

    def _pieces(self, name: str) -> Iterator[bytes]:
        """Measured once they are read to their end: unpacking takes as long as looking at them."""
        digest, size = sha256(), 0
        with _damaged(name), self._archive.open(self._members[name]) as file:
            while piece := file.read(1 << 18):
                digest.update(piece)
                size += len(piece)
                yield piece
        self._measured[name] = size, digest.hexdigest()


@contextmanager
def _damaged(name: str) -> Iterator[None]:
    try:
        yield
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError) as error:
        raise PackError("pack.damaged", f"{name} in the pack is damaged.") from error


class _ShortDirectory:
    """A file of which nothing is read that is longer than a pack's directory may be: `ZipFile`
    reads a directory whole, and makes an object of each of its lines."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        """Raises `BadZipFile`."""
        if size > layout.MAX_DIRECTORY_BYTES:
            raise BadZipFile("the directory is longer than that of any pack")
        # All that is left is asked for near the end only; a device has none.
        return self._file.read(layout.MAX_DIRECTORY_BYTES if size < 0 else size)


@contextmanager
def open_archive(file: Path | IO[bytes]) -> Iterator[Archive]:
    """The files of a pack. Raises `PackError` for what is no ZIP, or no pack's."""
    with ExitStack() as stack:
        try:
            opened = stack.enter_context(file.open("rb")) if isinstance(file, Path) else file
            archive = stack.enter_context(ZipFile(_ShortDirectory(opened)))
        except (BadZipFile, NotImplementedError, ValueError, OSError) as error:
            sentence = "The file is no ZIP, or it is cut off or damaged."
            raise PackError("pack.zip", sentence) from error
        yield Archive(archive)
