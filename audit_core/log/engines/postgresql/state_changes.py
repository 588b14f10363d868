"""State changes in PostgreSQL: the table's keys, and when the newest of each organization came.

Not parted by months as entries are: there are few of them, and retention deletes row by row.
"""

from __future__ import annotations

from datetime import UTC

import pyarrow as pa
from sqlalchemy import Connection, Index, PrimaryKeyConstraint, Table, func
from sqlalchemy.dialects.postgresql import insert as upsert

from audit_core.log.schema import state_change, state_change_head
from audit_core.log.state_changes import newest_of


def add_keys(table: Table) -> None:
    """The keys of `state_change`, laid out."""
    column = table.c
    table.append_constraint(PrimaryKeyConstraint(column.organization_id, column.id))
    Index(
        "ix_state_change_target",
        *(column.organization_id, column.target_type, column.target_id, column.changed_at),
    )
    Index("ix_state_change_time", column.organization_id, column.changed_at)
    Index("ix_state_change_changed_at", column.changed_at)


def insert_changes(connection: Connection, rows: pa.Table) -> None:
    """What another process has added meanwhile is left. The transaction must see every
    organization."""
    statement = upsert(state_change).on_conflict_do_nothing()
    connection.execute(
        statement,
        [
            row | {name: row[name].replace(tzinfo=UTC) for name in ("changed_at", "received_at")}
            for row in rows.to_pylist()
        ],
    )
    head = upsert(state_change_head).values(
        [{"organization_id": name, "newest": at} for name, at in newest_of(rows).items()]
    )
    newest = func.greatest(state_change_head.c.newest, head.excluded.newest)
    key = state_change_head.c.organization_id
    connection.execute(head.on_conflict_do_update(index_elements=[key], set_={"newest": newest}))
