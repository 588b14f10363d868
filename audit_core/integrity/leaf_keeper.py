"""Keeps the leaves of what the log is about to forget."""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import groupby
from operator import attrgetter

import pyarrow as pa
import pyarrow.compute as pc

from audit_core.integrity.actor_keys import ActorKeys
from audit_core.integrity.leaf import leaf_hashes
from audit_core.integrity.run import made_leaves
from audit_core.integrity.runs import runs_of
from audit_core.integrity.tile import TILE
from audit_core.log.reads.fetched import Fetched
from audit_core.log.retention import Expiry
from audit_core.log.schema import ARROW, Statement
from audit_core.log.writes.writes_sql import (
    ExpiringRun,
    expiring_runs_sql,
    expiring_writes_sql,
)
from audit_core.state.database import State, take_turns
from audit_core.state.tree.checkpoints import newest_checkpoints
from audit_core.state.tree.hashes import keep_leaves, let_tiles_go
from audit_core.state.tree.tables import LeafKind

TILES_AT_ONCE = 256
"""Of how many tiles entries are read at a time."""


class LeafKeeper:
    """See `audit_core.log.writes.forgetting.WriteKeeper`."""

    def __init__(self, state: State, keys: ActorKeys) -> None:
        self._state = state
        self._keys = keys

    def replacing(self, rows: pa.Table) -> None:
        """Keeps the leaf of each."""
        for organization_id in pc.unique(rows.column("organization_id")).to_pylist():
            own = rows.filter(pc.equal(rows.column("organization_id"), organization_id))
            self._keep(organization_id, LeafKind.SUPERSEDED, own)

    def erasing(self, rows: pa.Table) -> None:
        """Keeps the leaf of each. Of one that was kept before, for nothing as it turned out, its
        entry is not held against it any more."""
        for organization_id in pc.unique(rows.column("organization_id")).to_pylist():
            own = rows.filter(pc.equal(rows.column("organization_id"), organization_id))
            self._keep(organization_id, LeafKind.ERASED, own)

    def destroy_keys(
        self,
        organization_id: str,
        actor_ids: Collection[str],
        newest: Callable[[], pa.Table],
    ) -> None:
        """In one transaction, in which nobody seals: who has made leaves with the keys makes them
        anew after it, and the entries that he may have sealed meanwhile are among `newest`."""
        with self._state.begin() as connection:
            take_turns(connection, of="tree")
            rows = newest()
            keys = self._keys.existing(connection, organization_id, actor_ids)
            known = rows.filter(pc.is_in(rows.column("actor_id"), pa.array([*keys], pa.string())))
            if known.num_rows:
                numbers = known.column("organization_revision").to_pylist()
                made = dict(zip(numbers, leaf_hashes(known, keys), strict=True))
                keep_leaves(connection, organization_id, LeafKind.ERASED, made)
            self._keys.destroy(connection, organization_id, actor_ids)

    def dropping(self, expiry: Expiry, fetch: Callable[[Statement], pa.Table]) -> None:
        """Keeps the leaves of entries whose tile stays, and lets the other tiles go. Only as far
        as there is a checkpoint: nobody was promised more."""
        with self._state.read() as connection:
            sizes = {one.organization_id: one.size for one in newest_checkpoints(connection)}
        table = fetch(expiring_runs_sql(expiry, TILE))
        found = Fetched(table=table, truncated=False, elapsed_s=0).rows(ExpiringRun)
        for organization_id, runs in groupby(found, attrgetter("organization_id")):
            size = sizes.get(organization_id, 0)
            gone: list[int] = []
            mixed: list[int] = []
            for run in runs:
                whole = run.staying == 0 and (run.run + 1) * TILE <= size
                (gone if whole else mixed).append(run.run)
            for first, last in _pieces(mixed):
                statement = expiring_writes_sql(
                    organization_id,
                    expiry,
                    first=first * TILE + 1,
                    last=min((last + 1) * TILE, size),
                )
                if first * TILE < size:
                    rows = fetch(statement).select(ARROW.names).cast(ARROW)
                    self._keep(organization_id, LeafKind.PRUNED, rows)
            with self._state.begin() as connection:
                let_tiles_go(connection, organization_id, runs_of(gone))

    def _keep(self, organization_id: str, kind: LeafKind, rows: pa.Table) -> None:
        if not rows.num_rows:
            return
        hashes, _ = made_leaves(self._keys, organization_id, rows)
        numbers = rows.column("organization_revision").to_pylist()
        with self._state.begin() as connection:
            keep_leaves(connection, organization_id, kind, dict(zip(numbers, hashes, strict=True)))


def _pieces(tiles: list[int]) -> list[tuple[int, int]]:
    """Runs of tiles, none longer than `TILES_AT_ONCE`."""
    return [
        (start, min(start + TILES_AT_ONCE - 1, last))
        for first, last in runs_of(tiles)
        for start in range(first, last + 1, TILES_AT_ONCE)
    ]
