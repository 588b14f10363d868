"""How far the import of another system's database has come, so that the next one goes on there."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Connection, Table, Text, delete, insert, select, update

from audit_core.runtime.utc_time import UtcTime
from audit_core.state.columns import Digest, metadata

# By a digest of what is read; the checkpoint is the reader's own text.
database_import = Table(
    "database_import",
    metadata,
    Column("id", Digest, primary_key=True),
    Column("checkpoint", Text, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
)


def read_import(connection: Connection, import_id: str) -> str | None:
    """What was kept last; `None` for an import that has not begun."""
    kept: str | None = connection.execute(
        select(database_import.c.checkpoint).where(database_import.c.id == import_id)
    ).scalar()
    return kept


def save_import(connection: Connection, import_id: str, checkpoint: str, now: datetime) -> None:
    """Keep how far it has come."""
    values = {"checkpoint": checkpoint, "changed_at": now}
    changed = connection.execute(
        update(database_import).where(database_import.c.id == import_id).values(values)
    )
    if not changed.rowcount:
        connection.execute(insert(database_import).values(id=import_id, **values))


def forget_import(connection: Connection, import_id: str) -> None:
    """Have the next import begin anew."""
    connection.execute(delete(database_import).where(database_import.c.id == import_id))


def forget_imports(connection: Connection) -> None:
    """Have the next import of each database begin anew."""
    connection.execute(delete(database_import))
