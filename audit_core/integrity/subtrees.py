"""The hashes of full subtrees, from tiles as they are kept, the last tile's leaves, and, where
somebody asks for what lies within an older tile, the log."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from audit_core.integrity.merkle import fold, tree_root
from audit_core.integrity.tile import LEVEL_BITS, TILE, parted
from audit_core.state.tree.checkpoints import StoredCheckpoint
from audit_core.state.tree.hashes import tile_hashes

TileLeaves = Callable[[int], Sequence[bytes]]
"""Gives the hashes of the 256 leaves of a tile of level 1, by its number."""


def no_leaves(number: int) -> Sequence[bytes]:
    """For whoever needs nothing within full tiles."""
    raise LookupError(f"tile {number} is kept by its root alone")


class Subtrees:
    """`subtree_hash` of one tree, as of one checkpoint with its tail; see `integrity.merkle`."""

    def __init__(
        self,
        connection: Connection,
        checkpoint: StoredCheckpoint,
        *,
        tile_leaves: TileLeaves = no_leaves,
    ) -> None:
        self._connection = connection
        self._organization_id = checkpoint.organization_id
        self._sealed = checkpoint.size // TILE
        self._tail = parted(checkpoint.tail)
        self._tile_leaves = tile_leaves

    def __call__(self, level: int, index: int) -> bytes:
        """Raises `LookupError` for a subtree that is not full, or whose hashes are not there."""
        tile_level = level // LEVEL_BITS
        count = 1 << level - tile_level * LEVEL_BITS
        first = index * count
        if tile_level:
            hashes = self._tiles(tile_level, first, count)
        elif first // TILE < self._sealed:
            hashes = self._tile_leaves(first // TILE)[first % TILE : first % TILE + count]
        else:
            start = first - self._sealed * TILE
            hashes = self._tail[start : start + count]
        if len(hashes) != count:
            raise LookupError(f"the subtree {index} of level {level} is not there")
        return fold(hashes)

    def _tiles(self, level: int, first: int, count: int) -> Sequence[bytes]:
        return tile_hashes(
            self._connection, self._organization_id, level=level, first=first, count=count
        )


def root_of(connection: Connection, checkpoint: StoredCheckpoint) -> bytes:
    """The root of the tree of a checkpoint with its tail, from what is kept alone. Raises
    `LookupError` where something of it is not there."""
    return tree_root(checkpoint.size, Subtrees(connection, checkpoint))
