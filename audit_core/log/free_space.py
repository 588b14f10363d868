"""How much room there must be on the disk of an embedded log before anything is stored."""

from __future__ import annotations

import shutil
from pathlib import Path

from audit_core.domain.errors import StorageFullError


def require_space(file: Path | None, *, floor_mb: int) -> None:
    """Raises `StorageFullError` below the floor; `None` is a log that lies elsewhere."""
    if file is None:
        return
    free_mb = free_space_mb(file)
    if free_mb < floor_mb:
        raise StorageFullError(
            f"Only {free_mb} MB are free on the disk of the log; entries are accepted "
            f"from {floor_mb} MB on. Nothing was stored.",
            "Make room, then send the entries again: those already stored are recognized.",
        )


def free_space_mb(file: Path) -> int:
    """The free space, in MB, where the file lies or will lie."""
    folder = file.parent if file.parent.exists() else Path()
    return shutil.disk_usage(folder).free // 2**20
