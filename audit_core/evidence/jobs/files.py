"""The files of exports: below one folder, by the id of the export, for the owner only."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from audit_core.domain.errors import StorageFullError, StoreUnavailableError
from audit_core.runtime.database_faults import REPORTER

_MEGABYTE = 2**20
_LOOK_EVERY = 16 * _MEGABYTE
"""After how many bytes the free space is looked at again."""
_PART = ".part"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFiles:
    """The folder, and how much room must be left on its disk."""

    folder: Path
    free_space_floor_mb: int = 0

    def path(self, export_id: str) -> Path:
        """Where the file of an export lies. Raises `ValueError` for what is no id."""
        if len(export_id) != 32 or not set(export_id) <= set("0123456789abcdef"):
            raise ValueError("no id of an export")
        return self.folder / export_id

    @contextmanager
    def writing(self, export_id: str) -> Iterator[Writing]:
        """A new file in place of an earlier one. It has its name once it is whole and on the disk.

        Raises `StorageFullError` below the floor and when the disk is full, and
        `StoreUnavailableError` when the folder cannot be written; then nothing is left of it.
        """
        path = self.path(export_id)
        part = path.with_name(path.name + _PART)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW
            with os.fdopen(os.open(part, flags, 0o600), "wb") as file:
                yield Writing(file, self)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            _settle(self.folder)
        except OSError as error:
            raise self._translated(error) from error
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def require_space(self) -> None:
        """Raises `StorageFullError` below the floor, so that ingest goes on."""
        free_mb = shutil.disk_usage(self.folder).free // _MEGABYTE
        if free_mb < self.free_space_floor_mb:
            raise StorageFullError(
                f"Only {free_mb} MB are free on the disk of the exports; they are made as long as "
                f"{self.free_space_floor_mb} MB stay free. Nothing is kept of this one.",
                "Make room or delete exports, then repeat it.",
            )

    def remove(self, export_id: str) -> None:
        """Remove the file of an export, if there is one. One that cannot be removed now is removed
        by `sweep`."""
        with suppress(OSError):
            self.path(export_id).unlink(missing_ok=True)

    def sweep(self, kept: Collection[str]) -> None:
        """Remove the files of all exports but these: what a process left that was killed."""
        if not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            export_id = path.name.removesuffix(_PART)
            with suppress(ValueError, OSError):
                if self.path(export_id).parent == path.parent and export_id not in kept:
                    path.unlink(missing_ok=True)

    def _translated(self, error: OSError) -> StoreUnavailableError:
        REPORTER.report(str(self.folder), error)
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return StorageFullError(
                "The disk of the exports is full. Nothing is kept of this one.",
                "Make room or delete exports, then repeat it.",
            )
        return StoreUnavailableError(
            f"The folder of the exports cannot be written: {error.strerror}.",
            "Tell whoever runs the server: the folder is named by SANDTRAIL_EXPORTS_DIR.",
        )


class Writing:
    """A file that is being written."""

    def __init__(self, file: BinaryIO, files: ExportFiles) -> None:
        self._file = file
        self._files = files
        self._unseen = 0
        files.require_space()

    def write(self, piece: bytes) -> None:
        """Append a piece. Raises `StorageFullError` below the floor."""
        self._file.write(piece)
        self._unseen += len(piece)
        if self._unseen >= _LOOK_EVERY:
            self._file.flush()
            self._files.require_space()
            self._unseen = 0


def _settle(folder: Path) -> None:
    """See to it that the name of a file survives a power cut as its bytes do."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
