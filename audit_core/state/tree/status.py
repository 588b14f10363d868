"""What is known of each tree beside its hashes: what keeps it from being sealed, and its full
verifications."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from audit_core.state.database import insert_into
from audit_core.state.tree.tables import tree_status


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeStatus:
    """One tree's."""

    organization_id: str
    problem: str | None = None
    """Why nothing is sealed; `None`: nothing keeps it."""
    problem_at: datetime | None = None
    requested_at: datetime | None = None
    """When somebody asked for a verification that has not begun."""
    requested_by: str | None = None
    running_since: datetime | None = None
    checked: int | None = None
    """How many writes the one that runs has checked, of `to_check`."""
    to_check: int | None = None
    cancelled: bool = False
    """Whether the one that runs, or is asked for, shall end."""
    verified_at: datetime | None = None
    """When the last whole one ended."""
    result: Mapping[str, Any] | None = None
    """What it found."""

    @property
    def is_open(self) -> bool:
        """Whether a verification is asked for or under way."""
        return self.requested_at is not None or self.running_since is not None


def read_status(connection: Connection, organization_id: str) -> TreeStatus:
    """That of one tree."""
    statement = select(tree_status).where(tree_status.c.organization_id == organization_id)
    row = connection.execute(statement).first()
    return TreeStatus(organization_id=organization_id) if row is None else _status(row)


def read_statuses(connection: Connection) -> list[TreeStatus]:
    """Those of all trees of which anything is known, by organization."""
    statement = select(tree_status).order_by(tree_status.c.organization_id)
    return [_status(row) for row in connection.execute(statement)]


def next_requested(connection: Connection) -> str | None:
    """The tree whose verification was asked for first, of those that have not begun; `None`: none
    is."""
    column = tree_status.c
    statement = (
        select(column.organization_id)
        .where(column.requested_at.is_not(None))
        .order_by(column.requested_at, column.organization_id)
        .limit(1)
    )
    return connection.execute(statement).scalar()


def last_verified(connection: Connection) -> dict[str, datetime]:
    """When the last whole verification of each tree ended that had one."""
    column = tree_status.c
    statement = select(column.organization_id, column.verified_at).where(
        column.verified_at.is_not(None)
    )
    return {row.organization_id: row.verified_at for row in connection.execute(statement)}


def set_status(connection: Connection, organization_id: str, **values: object) -> None:
    """Set fields of `TreeStatus`; the others stay as they are."""
    connection.execute(
        insert_into(connection, tree_status)
        .values(organization_id=organization_id, cancelled=False)
        .on_conflict_do_nothing()
    )
    connection.execute(
        update(tree_status).where(tree_status.c.organization_id == organization_id).values(**values)
    )


def clear_running(connection: Connection) -> None:
    """Nobody verifies any more: whoever did has ended without a word."""
    connection.execute(
        update(tree_status).values(running_since=None, checked=None, to_check=None, cancelled=False)
    )


def _status(row: Any) -> TreeStatus:
    return TreeStatus(**row._mapping)
