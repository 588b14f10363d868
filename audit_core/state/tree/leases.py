"""Who does what one process does for all that share a state."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_, update
from sqlalchemy.dialects import postgresql, sqlite

from audit_core.state.tree.tables import work_lease


def hold(
    connection: Connection, name: str, *, holder: str, now: datetime, lasts: timedelta
) -> bool:
    """Take the work of a name, or go on having it: whether `holder` has it until `now + lasts`."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    values = {"holder": holder, "held_until": now + lasts}
    connection.execute(insert(work_lease).values(name=name, **values).on_conflict_do_nothing())
    column = work_lease.c
    free = or_(column.holder == holder, column.held_until < now)
    result = connection.execute(update(work_lease).where(column.name == name, free).values(values))
    return result.rowcount == 1


def let_go(connection: Connection, name: str, *, holder: str) -> None:
    """Let others have it at once."""
    connection.execute(
        delete(work_lease).where(work_lease.c.name == name, work_lease.c.holder == holder)
    )
