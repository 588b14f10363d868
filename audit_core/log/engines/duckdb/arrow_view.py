"""Rows in memory, in the place of a table of the embedded engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, TableClause, column, table

_DEPTH = "arrow_view_depth"


@contextmanager
def arrow_view(connection: Connection, rows: pa.Table) -> Iterator[TableClause]:
    """The rows as a view that the connection can read while it lasts, without a copy.

    The names are the same each time, one for each depth: SQLAlchemy keeps hundreds of compiled
    statements, and with a new name each would be new.
    """
    depth: int = connection.info.get(_DEPTH, 0)
    name = f"arrow_view_{depth}"
    driver: Any = connection.connection.driver_connection
    # A rollback brings a dropped view back, with its rows, and the driver does not replace it.
    driver.execute(f"DROP VIEW IF EXISTS temp.{name}")
    driver.register(name, rows)
    connection.info[_DEPTH] = depth + 1
    try:
        yield table(name, *(column(name) for name in rows.column_names))
    finally:
        connection.info[_DEPTH] = depth
        driver.unregister(name)
