"""Reading one organization's tree: its size, its hashes, its leaves, and the keys to open them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from audit_core.integrity.actor_keys import ActorKeys
from audit_core.integrity.merkle import tree_root
from audit_core.integrity.run import Run, read_run
from audit_core.integrity.subtrees import Subtrees
from audit_core.integrity.tile import TILE
from audit_core.log.store import AuditLog
from audit_core.state.database import State
from audit_core.state.tree.checkpoints import StoredCheckpoint

REMEMBERED_TILES = 64
"""Of how many tiles the leaves are kept in memory."""


class TreeReader:
    """The tree of one organization as of one checkpoint, with its tail: what was sealed since is
    not in it. Not for several threads at once."""

    def __init__(
        self, *, log: AuditLog, state: State, keys: ActorKeys, checkpoint: StoredCheckpoint
    ) -> None:
        self._log = log
        self._state = state
        self._keys = keys
        self.checkpoint = checkpoint
        self._tiles: dict[int, Sequence[bytes]] = {}

    @property
    def organization_id(self) -> str:
        """Whose tree it is; '' for none."""
        return self.checkpoint.organization_id

    def size(self) -> int:
        """How many leaves it has."""
        return self.checkpoint.size

    def subtree_hash(self, level: int, index: int) -> bytes:
        """The hash of a full subtree; see `integrity.merkle`.

        Raises `LookupError` where it is not full, or lies within a tile whose entries are gone or
        not as they were sealed.
        """
        with self._state.read() as connection:
            subtrees = Subtrees(connection, self.checkpoint, tile_leaves=self._tile_leaves)
            return subtrees(level, index)

    def root(self, size: int) -> bytes:
        """The root of its first `size` leaves. Raises as `subtree_hash`."""
        with self._state.read() as connection:
            subtrees = Subtrees(connection, self.checkpoint, tile_leaves=self._tile_leaves)
            return tree_root(size, subtrees)

    def run(self, start: int, stop: int, *, above: int = 0) -> Run:
        """The leaves from index `start` up to and without `stop`, with the entries that the log
        holds of them; `above` as in `AuditLog.writes`. Read it in parts: all of it is in memory.
        Raises `AuditError`."""
        return read_run(
            self._log,
            self._state,
            self._keys,
            self.organization_id,
            first=start + 1,
            last=stop,
            above=above,
        )

    def leaf_hashes(self, start: int, stop: int) -> list[bytes]:
        """The hashes of the leaves from index `start` up to and without `stop`.

        Raises `LookupError` where neither the log nor what is kept has one.
        """
        found: list[bytes] = []
        for number, hash_ in enumerate(self.run(start, stop).hashes, start):
            if hash_ is None:
                raise LookupError(f"leaf {number} is not there")
            found.append(hash_)
        return found

    def keys_of(self, actors: Iterable[str]) -> dict[str, bytes]:
        """The keys of actors: with one, everything that the actor ever did can be opened, so it
        never leaves the house. What opens a single leaf are its salts."""
        return self._keys.of(self.organization_id, actors)

    def _tile_leaves(self, number: int) -> Sequence[bytes]:
        if number not in self._tiles:
            while len(self._tiles) >= REMEMBERED_TILES:
                self._tiles.pop(next(iter(self._tiles)))
            self._tiles[number] = self.leaf_hashes(number * TILE, (number + 1) * TILE)
        return self._tiles[number]
