"""A run of leaves, made from the log and from what is kept of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc

from audit_core.integrity.actor_keys import ActorKeys
from audit_core.integrity.leaf import absent_leaf, leaf_hashes
from audit_core.integrity.tile import TILE
from audit_core.log.store import AuditLog
from audit_core.state.database import State
from audit_core.state.tree.hashes import KeptLeaf, kept_leaves
from audit_core.state.tree.tables import LeafKind

ROWS_AT_ONCE = 8192
"""For how many rows leaves are made at a time."""


MAX_BYTES = 96 * 2**20
"""How large the entries of one run should be: they are in memory, with their leaves beside them."""

FIRST_SIZE, SMALLEST_SIZE, GROWTH = 4 * TILE, TILE, 4


class BatchSize:
    """How many leaves to read at a time, learnt from the runs before: most entries are small, but
    each may hold a megabyte. Whole tiles, and at most `largest`."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._size = FIRST_SIZE

    @property
    def leaves(self) -> int:
        """Of the next run."""
        return min(self._size, self._largest)

    def learn(self, run: Run) -> None:
        """Reckon with entries as large as those of this run."""
        if run.rows.nbytes > MAX_BYTES:
            self._size = max(self._size // GROWTH, SMALLEST_SIZE)
        elif run.rows.nbytes * GROWTH <= MAX_BYTES and len(run.hashes) >= self.leaves:
            self._size = min(self._size * GROWTH, self._largest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The leaves of the writes `first` to `last` of an organization, by `organization_revision`,
    both inclusive."""

    first: int
    last: int
    rows: pa.Table
    """What the log holds of them, in order, of the shape `log.schema.ARROW`."""
    hashes: list[bytes | None]
    """Of all of them, in order; `None` where neither the log nor what is kept has one."""
    kinds: Mapping[int, LeafKind] = field(default_factory=dict)
    """Why a leaf is kept, of those that are."""
    made: Mapping[int, bytes] = field(default_factory=dict)
    """What the log makes of those that are kept, where it has an entry for them."""
    doubled: tuple[int, ...] = ()
    """Numbers that several entries have: the first of them counts."""
    keys: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """The keys of the actors of `rows`, as they were when the leaves were made."""

    @property
    def missing(self) -> list[int]:
        """The numbers without a leaf."""
        return [number for number, hash_ in enumerate(self.hashes, self.first) if hash_ is None]

    @property
    def log_revision(self) -> int:
        """The highest number that the log has for one of them; 0 if it has none."""
        return pc.max(self.rows.column("revision")).as_py() or 0


def read_run(
    log: AuditLog,
    state: State,
    keys: ActorKeys,
    organization_id: str,
    *,
    first: int,
    last: int,
    above: int = 0,
    as_they_come: bool = False,
) -> Run:
    """Make the leaves of a run; `above` as in `Writes.between`, `as_they_come`: by `Writes.next`.
    Raises `AuditError`."""
    read = log.writes.next if as_they_come else log.writes.between
    # First the log: what is replaced between the two is kept before it leaves the log.
    rows = read(organization_id, after=first - 1, until=last, above=above)
    made, used = made_leaves(keys, organization_id, rows)
    # Also after the keys: what only a key can make is kept before that is destroyed.
    with state.read() as connection:
        kept = list(kept_leaves(connection, organization_id, first=first, last=last))
    return replace(run_of(rows, kept, made, organization_id, first, last), keys=used)


def made_leaves(
    keys: ActorKeys, organization_id: str, rows: pa.Table
) -> tuple[list[bytes], dict[str, bytes]]:
    """The hashes of the leaves of rows of one organization, and the keys that they were made with.
    Raises `AuditError`."""
    hashes: list[bytes] = []
    used: dict[str, bytes] = {}
    for start in range(0, rows.num_rows, ROWS_AT_ONCE):
        part = rows.slice(start, ROWS_AT_ONCE)
        actors = pc.unique(part.column("actor_id")).to_pylist()
        found = keys.of(organization_id, actors)
        hashes += leaf_hashes(part, found)
        for actor, key in found.items():
            if used.setdefault(actor, key) != key:
                # Destroyed in between: neither key made all of them.
                used[actor] = b""
    return hashes, used


def run_of(
    rows: pa.Table,
    kept: Iterable[KeptLeaf],
    row_hashes: list[bytes],
    organization_id: str,
    first: int,
    last: int,
) -> Run:
    """The run that these make. What is kept counts, where the log holds an entry as well."""
    numbers: list[int] = rows.column("organization_revision").to_pylist()
    kept = list(kept)
    if not kept and len(numbers) == last - first + 1 and _ascends(numbers):
        return Run(first=first, last=last, rows=rows, hashes=list(row_hashes))
    hashes: list[bytes | None] = [None] * (last - first + 1)
    doubled = []
    for number, hash_ in zip(numbers, row_hashes, strict=True):
        if hashes[number - first] is not None:
            doubled.append(number)
        else:
            hashes[number - first] = hash_
    kinds: dict[int, LeafKind] = {}
    made: dict[int, bytes] = {}
    for leaf in kept:
        for number in range(max(leaf.first, first), min(leaf.last, last) + 1):
            if (from_log := hashes[number - first]) is not None:
                made[number] = from_log
            kinds[number] = leaf.kind
            hashes[number - first] = leaf.hash or absent_leaf(organization_id, number)
    return Run(
        first=first,
        last=last,
        rows=rows,
        hashes=hashes,
        kinds=kinds,
        made=made,
        doubled=tuple(doubled),
    )


def _ascends(numbers: list[int]) -> bool:
    """Whether as many numbers as there are in all are all different: they come in order."""
    return all(left < right for left, right in pairwise(numbers))
