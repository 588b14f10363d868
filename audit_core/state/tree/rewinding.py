"""Bringing trees back to an earlier moment: that of the copy of a log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict

from sqlalchemy import Connection, delete, select

from audit_core.state.tree.checkpoints import StoredCheckpoint
from audit_core.state.tree.hashes import TILE
from audit_core.state.tree.tables import tree_checkpoint, tree_leaf, tree_tile


def rewind(
    connection: Connection, checkpoints: Iterable[StoredCheckpoint], written: Mapping[str, int]
) -> None:
    """Let every tree be as at its checkpoint here, which has its tail, and forget trees that have
    none here.

    `written` is how many writes of each organization the copy of the log holds: leaves that were
    kept of later ones would be taken for those of writes that come to have their numbers.
    """
    then = {one.organization_id: one for one in checkpoints}
    statement = select(tree_checkpoint.c.organization_id).distinct()
    for organization_id in {*connection.execute(statement).scalars(), *then}:
        kept = then.get(organization_id)
        _forget_tiles(connection, organization_id, kept.size if kept else 0)
        own = tree_leaf.c.organization_id == organization_id
        later = tree_leaf.c.last > written.get(organization_id, 0)
        connection.execute(delete(tree_leaf).where(own, later))
        own = tree_checkpoint.c.organization_id == organization_id
        later = tree_checkpoint.c.id >= (kept.id if kept else 0)
        connection.execute(delete(tree_checkpoint).where(own, later))
        if kept is not None:
            connection.execute(tree_checkpoint.insert().values(asdict(kept)))


def _forget_tiles(connection: Connection, organization_id: str, size: int) -> None:
    """Those that were not full yet."""
    column = tree_tile.c
    statement = select(column.level).where(column.organization_id == organization_id).distinct()
    for level in connection.execute(statement).scalars().all():
        connection.execute(
            delete(tree_tile).where(
                column.organization_id == organization_id,
                column.level == level,
                column.number >= size // TILE**level,
            )
        )
