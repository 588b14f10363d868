"""A disk that a test may fill or make read-only: a small file system of its own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


class SmallDisk:
    """A file system in memory, mounted at `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self, *, leave: int = 0) -> None:
        """Leave so many bytes free, of whole pages."""
        free = shutil.disk_usage(self.folder).free - leave
        with suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            while free > 0:
                piece = min(free, 4096)
                file.write(b"\0" * piece)
                free -= piece

    def make_room(self) -> None:
        """Take away what `fill` has put there."""
        self._ballast.unlink(missing_ok=True)

    def set_read_only(self, read_only: bool) -> None:
        """Let nothing be written any more, or again."""
        _run("mount", "-o", f"remount,{'ro' if read_only else 'rw'}", str(self.folder))


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """A new disk, gone at the end. Skips the test where this user may mount nothing."""
    folder.mkdir()
    try:
        _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder))
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may mount no file system of its own")
    try:
        yield SmallDisk(folder)
    finally:
        _run("umount", "--lazy", str(folder))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
