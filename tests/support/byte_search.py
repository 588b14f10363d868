"""Looks for texts in the bytes of files: what erasing must leave none of."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

from audit_core.log.engines.duckdb import engine as duckdb_engine

UNCOMPRESSED = "SET force_compression='uncompressed'"


def holding(folder: Path, texts: Iterable[str]) -> dict[str, set[str]]:
    """The names of the files below a folder that hold each of those texts that any holds."""
    needles = {text: text.encode() for text in texts}
    found: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            for text, needle in needles.items():
                if needle in data:
                    found.setdefault(text, set()).add(path.name)
    return found


def write_uncompressed(patch: pytest.MonkeyPatch) -> None:
    """From now on DuckDB's files hold texts as they are: packed, no search would find them. Also
    those that are written anew."""
    patch.setattr(duckdb_engine, "SETTINGS", (UNCOMPRESSED, *duckdb_engine.SETTINGS))
    connect = duckdb.connect

    def connected(*args, **kwargs):
        connection = connect(*args, **kwargs)
        # Where the configuration is locked, it was set before.
        with suppress(duckdb.Error):
            connection.execute(UNCOMPRESSED)
        return connection

    patch.setattr(duckdb, "connect", connected)
