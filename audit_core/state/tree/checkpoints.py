"""Signed heads of trees."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, delete, func, select, update

from audit_core.state.tree.tables import tree_checkpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCheckpoint:
    """A checkpoint as it is kept."""

    id: int
    organization_id: str
    size: int
    """How many leaves the tree had."""
    root: bytes
    signed_at: datetime
    note: str
    """The signed note, with all that it says."""
    log_revision: int
    """The number that the log has for its last leaf, as far as it was known; 0 if it has none."""
    tail: bytes = b""
    """The hashes of the leaves behind the last full tile, one after the other; of the newest
    checkpoint only."""


def newest_checkpoint(connection: Connection, organization_id: str) -> StoredCheckpoint | None:
    """The last one that was signed of a tree."""
    statement = _of(organization_id).order_by(tree_checkpoint.c.id.desc()).limit(1)
    row = connection.execute(statement).first()
    return None if row is None else _stored(row)


def newest_checkpoints(connection: Connection) -> list[StoredCheckpoint]:
    """The last one of every tree, by organization."""
    column = tree_checkpoint.c
    newest = select(func.max(column.id)).group_by(column.organization_id)
    statement = (
        select(tree_checkpoint).where(column.id.in_(newest)).order_by(column.organization_id)
    )
    return [_stored(row) for row in connection.execute(statement)]


def newest_signed(
    connection: Connection, organization_id: str | None = None
) -> dict[str, datetime]:
    """When the last one of every tree was signed, by organization; `organization_id`: of its own
    tree alone."""
    column = tree_checkpoint.c
    newest = select(func.max(column.id)).group_by(column.organization_id)
    if organization_id is not None:
        newest = newest.where(column.organization_id == organization_id)
    statement = select(column.organization_id, column.signed_at).where(column.id.in_(newest))
    return {row.organization_id: row.signed_at for row in connection.execute(statement)}


def list_checkpoints(
    connection: Connection, organization_id: str, *, limit: int = 10_000
) -> list[StoredCheckpoint]:
    """Those of a tree that are kept, newest first."""
    statement = _of(organization_id).order_by(tree_checkpoint.c.id.desc()).limit(limit)
    return [_stored(row) for row in connection.execute(statement)]


def checkpoint_times(connection: Connection, organization_id: str) -> list[tuple[int, datetime]]:
    """The ids and times of those that are kept, oldest first."""
    column = tree_checkpoint.c
    statement = (
        select(column.id, column.signed_at)
        .where(column.organization_id == organization_id)
        .order_by(column.id)
    )
    return [(row.id, row.signed_at) for row in connection.execute(statement)]


def add_checkpoint(
    connection: Connection,
    organization_id: str,
    *,
    size: int,
    root: bytes,
    signed_at: datetime,
    note: str,
    log_revision: int,
    tail: bytes,
) -> None:
    """Keep a new one; the tails of those before are dropped."""
    column = tree_checkpoint.c
    connection.execute(
        update(tree_checkpoint)
        .where(column.organization_id == organization_id, column.tail.is_not(None))
        .values(tail=None)
    )
    values = {"size": size, "root": root, "signed_at": signed_at, "note": note}
    values |= {"log_revision": log_revision, "tail": tail}
    connection.execute(tree_checkpoint.insert().values(organization_id=organization_id, **values))


def drop_checkpoints(connection: Connection, ids: Collection[int]) -> None:
    """Drop those with these ids."""
    for id_ in ids:
        connection.execute(delete(tree_checkpoint).where(tree_checkpoint.c.id == id_))


def _of(organization_id: str) -> Select[tuple[object, ...]]:
    return select(tree_checkpoint).where(tree_checkpoint.c.organization_id == organization_id)


def _stored(row: object) -> StoredCheckpoint:
    values = dict(row._mapping)  # type: ignore[attr-defined]
    tail = bytes(values.pop("tail") or b"")
    return StoredCheckpoint(**{**values, "root": bytes(values["root"]), "tail": tail})
