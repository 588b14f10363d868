"""A full verification of one tree."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256

import pyarrow.compute as pc

from audit_core.integrity.actor_keys import ActorKeys
from audit_core.integrity.checkpoint import open_checkpoint
from audit_core.integrity.merkle import EMPTY_ROOT, CompactRange, fold, node_hash, root
from audit_core.integrity.run import BatchSize, Run, read_run
from audit_core.integrity.sealing import Sealing
from audit_core.integrity.signed_note import NoteError
from audit_core.integrity.tile import TILE, parted, tile_roots
from audit_core.integrity.verification.findings import (
    MAX_FINDINGS,
    Finding,
    FindingKind,
    Result,
    by_runs,
)
from audit_core.log.store import AuditLog
from audit_core.log.writes.reading import Stretch
from audit_core.state.database import State
from audit_core.state.tree.checkpoints import (
    StoredCheckpoint,
    list_checkpoints,
    newest_checkpoint,
)
from audit_core.state.tree.hashes import gone_tiles, tile_hashes
from audit_core.state.tree.tables import LeafKind

BATCH = 256 * TILE
"""How many leaves are made at a time at most."""

LOWEST = -(2**62)

Progress = Callable[[int, int], None]
"""Is told how many of how many writes are checked; ends the verification by an exception."""


class Verification:
    """Verifies one tree, once."""

    def __init__(
        self,
        *,
        log: AuditLog,
        state: State,
        keys: ActorKeys,
        sealing: Sealing,
        organization_id: str,
        earliest: datetime | None,
        progress: Progress = lambda checked, to_check: None,
    ) -> None:
        self._log = log
        self._state = state
        self._keys = keys
        self._sealing = sealing
        self._organization_id = organization_id
        self._earliest = earliest
        """What was made before may be dropped at any moment."""
        self._progress = progress
        self._found: list[Finding] = []
        self._kept: dict[str, int] = {}
        self._above = 0
        self._rows = 0
        """How many entries leaves were made of."""
        self._stretches: list[Stretch] = []
        """Where those lay."""
        self._batch = BatchSize(BATCH)

    def run(self) -> Result:
        """Check everything. Raises `AuditError` where the log or the state does not answer, and
        what `progress` raises."""
        started = time.perf_counter()
        with self._state.read() as connection:
            newest = newest_checkpoint(connection, self._organization_id)
            checkpoints = list_checkpoints(connection, self._organization_id)[::-1]
        head = self._log.known_heads().get(self._organization_id)
        written = head.organization_revision if head else 0
        size = newest.size if newest else 0
        self._unnumbered()
        if newest is not None:
            tree = _Kept(self._checked_signatures(checkpoints))
            first = 0
            while first < size:
                self._progress(first, size)
                stop = min(first + self._batch.leaves, size)
                self._check_batch(tree, newest, first, stop)
                first = stop
            self._out_of_order(size)
            self._found += tree.contradictions()
            self._check_upper_levels(size)
            self._progress(size, size)
        return Result(
            size=size,
            unsealed=max(0, written - size),
            seconds=time.perf_counter() - started,
            checkpoints=len(checkpoints),
            kept=self._kept,
            findings=tuple(self._found[:MAX_FINDINGS]),
            more=max(0, len(self._found) - MAX_FINDINGS),
        )

    def _unnumbered(self) -> None:
        """What has no number that a write could have."""
        rows = self._log.writes.between(self._organization_id, after=LOWEST, until=0, above=LOWEST)
        numbers = rows.column("organization_revision").to_pylist()
        self._found += by_runs(FindingKind.EXTRA, numbers)

    def _out_of_order(self, size: int) -> None:
        """What was slipped in with a place in the log that does not fit its number: the leaves
        were made without it."""
        if self._log.writes.count(self._organization_id, until=size) <= self._rows:
            return
        numbers = self._log.writes.out_of_order(self._organization_id, self._stretches)
        self._found += by_runs(FindingKind.EXTRA, numbers, "Their place does not fit their number.")

    def _checked_signatures(self, checkpoints: list[StoredCheckpoint]) -> list[StoredCheckpoint]:
        """Those that say what is kept of them, and are signed by this installation."""
        good = []
        for kept in checkpoints:
            try:
                signed, _ = open_checkpoint(kept.note, [self._sealing.signer.key])
            except NoteError as error:
                self._found.append(_contradiction(kept, str(error)))
                continue
            if (signed.origin, signed.size, signed.root) != (
                self._sealing.origin(self._organization_id),
                kept.size,
                kept.root,
            ):
                self._found.append(_contradiction(kept, "Its text says something else."))
                continue
            good.append(kept)
        return good

    def _check_batch(self, tree: _Kept, newest: StoredCheckpoint, start: int, stop: int) -> None:
        run = read_run(
            self._log,
            self._state,
            self._keys,
            self._organization_id,
            first=start + 1,
            last=stop,
            above=self._above,
        )
        self._batch.learn(run)
        # After the log: what retention drops is said here first.
        with self._state.read() as connection:
            gone = gone_tiles(
                connection, self._organization_id, first=start // TILE, last=stop // TILE
            )
            roots = tile_hashes(
                connection,
                self._organization_id,
                level=1,
                first=start // TILE,
                count=(stop - start) // TILE,
            )
        self._rows += run.rows.num_rows
        self._stretches.append((start + 1, stop, self._above))
        self._above = max(self._above, run.log_revision)
        self._found += by_runs(FindingKind.EXTRA, run.doubled)
        self._check_kept(run)
        for number, sealed in enumerate(roots, start // TILE):
            self._check_tile(tree, run, number, sealed, gone=number in gone)
        if len(roots) < (stop - start) // TILE:
            detail = "The state lacks hashes of tiles: it was changed."
            self._found.append(Finding(FindingKind.CHECKPOINT, start + 1, stop, detail))
        if stop == newest.size:
            self._check_tail(tree, run, parted(newest.tail))

    def _check_kept(self, run: Run) -> None:
        """What the log has of leaves that are kept."""
        altered, extra = [], []
        for number, kind in run.kinds.items():
            if number not in run.made:
                continue
            if kind is LeafKind.ABSENT:
                extra.append(number)
            elif kind in (LeafKind.SUPERSEDED, LeafKind.PRUNED) and (
                run.made[number] != run.hashes[number - run.first]
            ):
                altered.append(number)
        self._found += by_runs(FindingKind.EXTRA, extra)
        self._found += _altered(altered, run.made)

    def _check_tile(self, tree: _Kept, run: Run, number: int, sealed: bytes, *, gone: bool) -> None:
        begin = number * TILE + 1 - run.first
        if gone:
            self._count("gone", TILE)
            self._check_gone(run, number)
            tree.add_tile(sealed, None)
            return
        leaves = run.hashes[begin : begin + TILE]
        known = [leaf for leaf in leaves if leaf is not None]
        self._count_kinds(run, number * TILE + 1, (number + 1) * TILE)
        if len(known) < TILE:
            self._missing(run, number * TILE + 1, (number + 1) * TILE)
            tree.add_tile(sealed, None)
        elif fold(known) == sealed:
            tree.add_tile(sealed, known)
        else:
            self._found.append(self._altered(run, number))
            tree.add_tile(sealed, None)

    def _altered(self, run: Run, number: int) -> Finding:
        """As narrow as the kept leaves of the tile allow: those are as they were."""
        first, last = number * TILE + 1, (number + 1) * TILE
        open_ = [one for one in range(first, last + 1) if one not in run.kinds] or [first, last]
        seen = _digest(run.hashes[first - run.first : last + 1 - run.first])
        return Finding(FindingKind.ALTERED, open_[0], open_[-1], seen=seen)

    def _missing(self, run: Run, first: int, last: int) -> None:
        numbers = [number for number in run.missing if first <= number <= last]
        others = last - first + 1 - len(numbers)
        detail = f"The {others:,} others of {first:,} to {last:,} cannot be checked without them."
        self._found += by_runs(FindingKind.MISSING, numbers, detail if others else "")

    def _check_gone(self, run: Run, number: int) -> None:
        """Entries that retention let go, and that are there all the same."""
        column = run.rows.column("organization_revision")
        inside = pc.and_(
            pc.greater(column, number * TILE), pc.less_equal(column, (number + 1) * TILE)
        )
        rows = run.rows.filter(inside)
        if self._earliest is not None:
            # What is to be dropped next may still be there.
            edge = self._earliest.astimezone(UTC).replace(tzinfo=None)
            rows = rows.filter(pc.greater_equal(rows.column("created_at"), edge))
        numbers = rows.column("organization_revision").to_pylist()
        self._found += by_runs(FindingKind.EXTRA, numbers, "They were too old to be kept.")

    def _check_tail(self, tree: _Kept, run: Run, sealed: list[bytes]) -> None:
        """The leaves behind the last full tile are kept one by one."""
        first = run.last - len(sealed) + 1
        made = run.hashes[first - run.first :] if sealed else []
        self._count_kinds(run, first, run.last)
        altered, missing = {}, []
        for number, (leaf, kept) in enumerate(zip(made, sealed, strict=True), first):
            if leaf is None:
                missing.append(number)
            elif leaf != kept:
                altered[number] = leaf
        self._found += by_runs(FindingKind.MISSING, missing)
        self._found += _altered(altered, altered)
        tree.add_tail(sealed)

    def _check_upper_levels(self, size: int) -> None:
        """The roots of larger tiles are those of the smaller ones."""
        level, count = 1, size // TILE
        while count >= TILE:
            with self._state.read() as connection:
                below = tile_hashes(
                    connection, self._organization_id, level=level, first=0, count=count
                )
                above = tile_hashes(
                    connection, self._organization_id, level=level + 1, first=0, count=count // TILE
                )
            if tile_roots(below) != above:
                detail = (
                    "Hashes of larger tiles contradict the smaller ones: the state was changed."
                )
                self._found.append(Finding(FindingKind.CHECKPOINT, 1, size, detail))
            level, count = level + 1, count // TILE

    def _count_kinds(self, run: Run, first: int, last: int) -> None:
        for number, kind in run.kinds.items():
            if first <= number <= last:
                self._count(kind.name.lower(), 1)

    def _count(self, name: str, number: int) -> None:
        self._kept[name] = self._kept.get(name, 0) + number


@dataclass
class _Kept:
    """The tree as it is kept, growing from left to right past its checkpoints, oldest first."""

    checkpoints: list[StoredCheckpoint]
    _tiles: CompactRange = field(default_factory=CompactRange)
    _next: int = 0
    _wrong: list[StoredCheckpoint] = field(default_factory=list)

    def add_tile(self, sealed: bytes, leaves: list[bytes] | None) -> None:
        """The next tile. Without its leaves, checkpoints within it cannot be checked."""
        begin = self._tiles.stop * TILE
        for kept in self._until(begin + TILE - 1):
            if leaves is not None or kept.size == begin:
                self._check(kept, (leaves or [])[: kept.size - begin])
        self._tiles.append(sealed)

    def add_tail(self, leaves: list[bytes]) -> None:
        """What lies behind the last tile."""
        begin = self._tiles.stop * TILE
        for kept in self._until(begin + len(leaves)):
            self._check(kept, leaves[: kept.size - begin])

    def contradictions(self) -> list[Finding]:
        """The first checkpoint that is not of this tree, and how many later ones are not."""
        if not self._wrong:
            return []
        later = len(self._wrong) - 1
        more = f" Nor are {later:,} later ones." if later else ""
        return [_contradiction(self._wrong[0], f"The hashes that are kept are not its tree.{more}")]

    def _until(self, size: int) -> Iterator[StoredCheckpoint]:
        while self._next < len(self.checkpoints) and self.checkpoints[self._next].size <= size:
            yield self.checkpoints[self._next]
            self._next += 1

    def _check(self, kept: StoredCheckpoint, tail: list[bytes]) -> None:
        above = root(tail) if tail else None
        for held in reversed(self._tiles.subtrees().values()):
            above = held if above is None else node_hash(held, above)
        if (above or EMPTY_ROOT) != kept.root:
            self._wrong.append(kept)


def _altered(numbers: Iterable[int], leaves: Mapping[int, bytes]) -> list[Finding]:
    """A finding for each run of altered writes, with a digest of their leaves as they are now."""
    return [
        replace(run, seen=_digest([leaves[number] for number in range(run.first, run.last + 1)]))
        for run in by_runs(FindingKind.ALTERED, numbers)
    ]


def _digest(leaves: Iterable[bytes | None]) -> str:
    return sha256(b"".join(leaf or bytes(32) for leaf in leaves)).hexdigest()


def _contradiction(kept: StoredCheckpoint, why: str) -> Finding:
    signed = f"{kept.signed_at:%Y-%m-%d at %H:%M:%S} UTC"
    return Finding(
        FindingKind.CHECKPOINT,
        kept.size,
        kept.size,
        f"The checkpoint of {signed}, of {kept.size:,} writes, does not fit. {why}",
    )
