"""Writing the file of the embedded log anew: what was erased stays in its free blocks otherwise.

The new file is made beside the old one and takes its place by being renamed once it is whole and on
the disk, so a process that is killed leaves one or the other.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from audit_core.domain.errors import StorageFullError
from audit_core.log.schema import erased_part
from audit_core.runtime.database_faults import (
    REPORTER,
    Fault,
    described_error,
    fault_in_words,
    fault_of_system,
    log_named,
)

LOGGER = logging.getLogger("sandtrail.log")

BESIDE = ".anew"
"""What the new file is called by, behind the name of the old one, until it takes its place."""

WRITE_AHEAD = ".wal"
SPILLED = ".tmp"
"""What DuckDB puts beside a file: what is not in the file yet, and what did not fit into memory."""

_NEW = "anew"
"""The name of the new file as a database."""

_PART = f"{_NEW}.{erased_part.name}"

_REWRITTEN = f"""
INSERT INTO {_PART} (number, month, rewritten, noted_at)
SELECT (SELECT max(number) FROM {_PART}) + row_number() OVER (ORDER BY month), month, 1, ?
FROM (
    SELECT month FROM {_PART} GROUP BY month
    HAVING max(number) FILTER (rewritten = 0)
        > coalesce(max(number) FILTER (rewritten = 1), 0)
)
"""  # noqa: S608 - our own names


def write_anew(file: Path, *, memory_limit_mb: int, now: datetime) -> None:
    """See `LogEngine.write_file_anew`."""
    # A link stays one.
    stored = file.resolve()
    new = stored.with_name(stored.name + BESIDE)
    began = time.monotonic()
    try:
        _remove(new)
        _require_room(stored)
        _copy(file, new, memory_limit_mb, now)
        if Path(f"{file}{WRITE_AHEAD}").exists() or Path(f"{new}{WRITE_AHEAD}").exists():
            # The next one to open the new file would take it for its own.
            raise described_error(Fault.OTHER, log_named(file.name))
        shutil.copymode(stored, new)
        _sync(new)
        new.replace(stored)
        _sync(stored.parent)
        # Left behind by a process that was killed.
        shutil.rmtree(f"{file}{SPILLED}", ignore_errors=True)
    except (OSError, duckdb.Error) as error:
        words = fault_in_words(str(error))
        fault = fault_of_system(error) if isinstance(error, OSError) else words
        REPORTER.report(str(file), error)
        raise described_error(fault, log_named(file.name)) from error
    finally:
        with suppress(OSError):
            _remove(new)
    LOGGER.info(
        "The log's file %s was written anew, without what was erased, in %.1f s.",
        file.name,
        time.monotonic() - began,
    )


def _copy(file: Path, new: Path, memory_limit_mb: int, now: datetime) -> None:
    """Opened by itself: the log's own connections may not attach another file."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory_limit_mb}MB",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    with closing(duckdb.connect(str(file), config=config)) as connection:
        connection.execute("SET enable_progress_bar=false")
        # What is in the write-ahead log belongs to the old file.
        connection.execute("CHECKPOINT")
        (old,) = connection.execute("SELECT current_database()").fetchall()[0]
        connection.execute(f"ATTACH {_text(str(new))} AS {_NEW}")
        connection.execute(f"COPY FROM DATABASE {_name(old)} TO {_NEW}")
        _require_whole(connection, old)
        connection.execute(_REWRITTEN, [now.astimezone(UTC).replace(tzinfo=None)])
        connection.execute(f"CHECKPOINT {_NEW}")
        connection.execute(f"DETACH {_NEW}")


def _require_whole(connection: duckdb.DuckDBPyConnection, old: str) -> None:
    """Raises `duckdb.Error` unless the new file has as many rows as the old one."""
    names = [
        name
        for (name,) in connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = ? AND NOT temporary",
            [old],
        ).fetchall()
    ]
    for name in names:
        counts = [
            connection.execute(
                f"SELECT count(*) FROM {_name(database)}.{_name(name)}"  # noqa: S608 - its own names
            ).fetchall()[0]
            for database in (old, _NEW)
        ]
        if counts[0] != counts[1]:
            raise duckdb.InternalException(f"the copy of {name} is not whole")


def _require_room(file: Path) -> None:
    size = file.stat().st_size
    free = shutil.disk_usage(file.parent).free
    if free < size:
        raise StorageFullError(
            f"The log's file {file.name} cannot be written anew: that takes {size // 2**20 + 1:,} "
            f"MB beside it, and {free // 2**20:,} MB are free.",
            "Make room, then start again, or call python -m audit_core log rewrite.",
        )


def _remove(new: Path) -> None:
    for path in (new, Path(f"{new}{WRITE_AHEAD}")):
        path.unlink(missing_ok=True)
    shutil.rmtree(f"{new}{SPILLED}", ignore_errors=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
