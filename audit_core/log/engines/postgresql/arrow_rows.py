"""What a driver gives past SQLAlchemy: rows as an Arrow table, and errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pyarrow as pa
from pyarrow import csv
from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError

BOOLEAN, INT8, INT2, INT4, TEXT, FLOAT8, VARCHAR, TIMESTAMP, NUMERIC = (
    16, 20, 21, 23, 25, 701, 1043, 1114, 1700,
)  # fmt: skip
"""PostgreSQL's numbers of the types."""

_ARROW = {
    BOOLEAN: pa.bool_(),
    INT8: pa.int64(),
    INT2: pa.int32(),
    INT4: pa.int32(),
    TEXT: pa.string(),
    FLOAT8: pa.float64(),
    VARCHAR: pa.string(),
    TIMESTAMP: pa.timestamp("us"),
}


@contextmanager
def driver_errors(connection: Connection, *, invalidates: bool = False) -> Iterator[None]:
    """What the driver raises itself, as while rows are taken from its cursor, is raised as
    SQLAlchemy would, so that it is translated like any other. `invalidates`: the connection cannot
    be used any more after that."""
    driver: Any = connection.dialect.dbapi
    try:
        yield
    except driver.Error as error:
        if invalidates:
            connection.invalidate()
        raise DBAPIError.instance(
            None, None, error, driver.Error, hide_parameters=True, dialect=connection.dialect
        ) from error


def as_arrow(cursor: Any) -> pa.Table:
    """All rows; the types are those of the columns, also where no row tells them.

    A column of exact numbers, such as a sum, is of integers where all of them are whole.
    """
    columns = list(zip(*cursor.fetchall(), strict=True)) or [()] * len(cursor.description)
    return pa.Table.from_arrays(
        [
            _array(values, description.type_code)
            for values, description in zip(columns, cursor.description, strict=True)
        ],
        names=[description.name for description in cursor.description],
    )


def _array(values: tuple[Any, ...], type_code: int) -> pa.Array:
    if type_code == NUMERIC:
        return _exact_numbers(values)
    return pa.array(values, _ARROW.get(type_code))


def _exact_numbers(values: tuple[Decimal | None, ...]) -> pa.Array:
    if all(value is None or value == value.to_integral_value() for value in values):
        return pa.array([None if value is None else int(value) for value in values], pa.int64())
    return pa.array([None if value is None else float(value) for value in values], pa.float64())


def copy_rows(connection: Connection, table: Table, rows: pa.Table) -> None:
    """Add rows to a table by COPY."""
    names = ", ".join(f'"{name}"' for name in rows.column_names)
    sink = pa.BufferOutputStream()
    # All quoted but NULL: so that it differs from an empty text.
    csv.write_csv(rows, sink, csv.WriteOptions(include_header=False, quoting_style="all_valid"))
    driver: Any = connection.connection.driver_connection
    with (
        driver_errors(connection),
        driver.cursor() as cursor,
        cursor.copy(f"COPY {table.name} ({names}) FROM STDIN (FORMAT csv)") as copy,
    ):
        copy.write(memoryview(sink.getvalue()))
