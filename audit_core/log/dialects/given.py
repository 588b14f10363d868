"""Rows in memory, in the place of a table of the embedded engine."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, TableClause, column, table


@contextmanager
def given(connection: Connection, rows: pa.Table) -> Iterator[TableClause]:
    """The rows as a view that the connection can read while it lasts, without a copy."""
    # A name of its own: a transaction that is rolled back may bring a dropped view back.
    name = f"given_{uuid.uuid4().hex}"
    driver: Any = connection.connection.driver_connection
    driver.register(name, rows)
    try:
        yield table(name, *(column(each) for each in rows.column_names))
    finally:
        driver.unregister(name)
