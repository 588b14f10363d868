"""A state into another one, row by row: between SQLite and PostgreSQL in either direction."""

from __future__ import annotations

from sqlalchemy import Connection, Integer, Table, delete, func, insert, select, text

from audit_core.state.tables import (
    health_check,
    log_mark,
    metadata,
    one_time_link,
    session,
    sign_in_code,
)

LEFT_OUT = (health_check, log_mark, one_time_link, session, sign_in_code)
"""What a copy begins without: whoever was signed in signs in anew, a link that was used since the
copy was made must not work again, and the marks are those of the log that goes with it."""

AT_ONCE = 1_000


def copied_tables() -> list[Table]:
    """The tables that are copied, those first that others refer to."""
    return [table for table in metadata.sorted_tables if table not in LEFT_OUT]


def is_empty(connection: Connection) -> bool:
    """Whether nothing is there that a copy would meet."""
    return not any(
        connection.execute(select(1).select_from(table).limit(1)).first()
        for table in copied_tables()
    )


def copy_state(source: Connection, target: Connection) -> dict[str, int]:
    """Copy all rows into an empty state; how many of each table.

    Both have the tables of this program. What migrations put into a new state is replaced.
    """
    for table in reversed(metadata.sorted_tables):
        target.execute(delete(table))
    copied: dict[str, int] = {}
    for table in copied_tables():
        copied[table.name] = 0
        with source.execute(select(table).execution_options(yield_per=AT_ONCE)) as rows:
            for part in rows.mappings().partitions():
                target.execute(insert(table), [dict(row) for row in part])
                copied[table.name] += len(part)
        _go_on_counting(target, table)
    return copied


def _go_on_counting(connection: Connection, table: Table) -> None:
    """PostgreSQL's counters know nothing of numbers that were given elsewhere."""
    column = table.autoincrement_column
    if (
        connection.dialect.name != "postgresql"
        or column is None
        or not isinstance(column.type, Integer)
    ):
        return
    sequence = func.pg_get_serial_sequence(table.name, column.name)
    highest = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
    if connection.execute(select(sequence)).scalar() is not None:
        connection.execute(select(func.setval(sequence, highest, text("false"))))
