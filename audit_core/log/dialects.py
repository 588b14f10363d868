"""What differs between the engines of the log: the only file that names one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from duckdb_sqlalchemy import insert_from_arrow
from sqlalchemy import BigInteger, Boolean, ColumnElement, Connection, Engine, Table
from sqlalchemy import create_engine as create_sqlalchemy_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from audit_core.errors import SettingsError
from audit_core.log.schema import Statement

LOCKED_DOWN = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
}
"""Without these, SQL could read and write any file and read Python's variables."""


class EpochMicroseconds(FunctionElement[int]):
    """Microseconds since 1970 of one time column, as an integer."""

    type = BigInteger()
    inherit_cache = True
    name = "epoch_microseconds"


class ContainsFolded(FunctionElement[bool]):
    """Whether the first text holds the second, whatever the case; wildcards mean themselves."""

    type = Boolean()
    inherit_cache = True
    name = "contains_folded"


@compiles(EpochMicroseconds, "duckdb")
def _epoch_duckdb(element: EpochMicroseconds, compiler: SQLCompiler, **options: Any) -> str:
    return f"epoch_us({compiler.process(element.clauses, **options)})"


@compiles(ContainsFolded, "duckdb")
def _contains_duckdb(element: ContainsFolded, compiler: SQLCompiler, **options: Any) -> str:
    text, part = (compiler.process(clause, **options) for clause in element.clauses)
    return f"contains(lower({text}), lower({part}))"


def epoch_microseconds(column: ColumnElement[Any]) -> ColumnElement[int]:
    """Microseconds since 1970 of a time column."""
    return EpochMicroseconds(column)


def contains_folded(text: ColumnElement[Any], part: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether `text` holds `part`, whatever the case; NULL where `text` is NULL."""
    return ContainsFolded(text, part)


def parse_url(text: str) -> URL:
    """The URL of a log.

    Raises `SettingsError` for what is no URL, names no known engine, or names no file: a log in
    memory would forget what it acknowledged.
    """
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise SettingsError(
            "SANDTRAIL_LOG_URL is not a database URL.",
            "Write it like duckdb:///data/log.duckdb.",
        ) from error
    if url.get_backend_name() != "duckdb":
        raise SettingsError(
            f"SANDTRAIL_LOG_URL names the engine {url.get_backend_name()!r}, "
            "which cannot hold the log.",
            "Write it like duckdb:///data/log.duckdb.",
        )
    if not url.database or url.database.startswith(":memory:"):
        raise SettingsError(
            "SANDTRAIL_LOG_URL names no file.", "Write it like duckdb:///data/log.duckdb."
        )
    return url


def embedded_file(url: URL) -> Path | None:
    """The file of an embedded log; `None` for an engine that runs elsewhere."""
    return Path(url.database) if url.database else None


def create_engine(url: URL, *, memory_limit_mb: int) -> Engine:
    """An engine whose connections share one locked-down database, in UTC."""
    engine = create_sqlalchemy_engine(
        url,
        connect_args={"config": {**LOCKED_DOWN, "memory_limit": f"{memory_limit_mb}MB"}},
        pool_size=8,
        max_overflow=24,
        pool_timeout=10,
    )
    with engine.connect() as connection:
        # The progress bar would write to standard output, which belongs to the command line.
        for statement in (
            "SET GLOBAL TimeZone='UTC'",
            "SET enable_progress_bar=false",
            "SET lock_configuration=true",
        ):
            connection.exec_driver_sql(statement)
        connection.commit()
    return engine


def insert(connection: Connection, table: Table, rows: pa.Table) -> None:
    """Add the rows to the table within the connection's transaction."""
    if rows.num_rows:
        insert_from_arrow(connection, table, rows)


@contextmanager
def interruptible(connection: Connection) -> Iterator[Any]:
    """A function without arguments that stops what runs on the connection, from any thread."""
    driver: Any = connection.connection.driver_connection
    yield driver.interrupt


def fetch_arrow(connection: Connection, statement: Statement) -> pa.Table:
    """All rows of the statement."""
    result = connection.execute(statement)
    table: pa.Table = result.cursor.to_arrow_table()
    return table


def interrupted(error: DBAPIError) -> bool:
    """Whether the error says that the statement was stopped by `interruptible`."""
    return isinstance(error.orig, duckdb.InterruptException)


def invalidated(error: DBAPIError) -> bool:
    """Whether the database refuses all work until it is opened anew (as after a full disk)."""
    return isinstance(error.orig, duckdb.FatalException)


def held_elsewhere(error: DBAPIError) -> bool:
    """Whether another process has the database open."""
    # Not just "lock": paths and the texts about damaged blocks hold that too.
    return "could not set lock on file" in str(error.orig).lower()
