"""The file that a command writes, which has its name only once it is whole."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from audit_core.domain.errors import SourceError

STANDARD_OUTPUT = "-"
"""The name that means the standard output."""


@contextmanager
def written_file(output: str) -> Iterator[BinaryIO]:
    """A file to write that has its name only once it is whole and on the disk.

    Raises `SourceError` if it cannot be written.
    """
    if output == STANDARD_OUTPUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(output)
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise SourceError(
            f"The file {output} cannot be written: {error.strerror}.",
            "Check the folder and its free space, then run the command again.",
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
