"""Sealing: what the log has written becomes leaves and tiles, and the tree's head is signed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pyarrow.compute as pc
from sqlalchemy import Connection

from audit_core.domain.errors import AuditError
from audit_core.integrity.actor_keys import ActorKeys
from audit_core.integrity.checkpoint import (
    Checkpoint,
    fingerprint,
    open_checkpoint,
    origin,
    sign_checkpoint,
)
from audit_core.integrity.leaf import absent_leaf
from audit_core.integrity.merkle import EMPTY_ROOT
from audit_core.integrity.run import BatchSize, Run, read_run
from audit_core.integrity.runs import runs_of
from audit_core.integrity.signed_note import NoteError, Signer
from audit_core.integrity.subtrees import root_of
from audit_core.integrity.tile import TILE, joined, parted, tile_roots
from audit_core.log.store import AuditLog
from audit_core.log.writes.settling import Settling
from audit_core.state.database import State, take_turns
from audit_core.state.tree.checkpoints import (
    StoredCheckpoint,
    add_checkpoint,
    drop_checkpoints,
    newest_checkpoint,
)
from audit_core.state.tree.hashes import add_tiles, note_absent, tile_hashes

BATCH = 256 * TILE
"""How many leaves are sealed at a time at most."""


class TreeProblem(AuditError):
    """What is kept of a tree contradicts what was signed of it, or the log is shorter: nothing is
    signed any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """How far a tree has come."""

    checkpoint: StoredCheckpoint
    behind: int
    """How many writes of the log are not sealed yet."""


class Sealing:
    """Seals the trees of one log. Several processes may do so at once: what the other has sealed
    meanwhile stays, and is gone on from."""

    def __init__(
        self,
        *,
        log: AuditLog,
        state: State,
        keys: ActorKeys,
        signer: Signer,
        clock: Callable[[], datetime],
    ) -> None:
        self._log = log
        self._state = state
        self._keys = keys
        self._signer = signer
        self._clock = clock
        self._sizes: dict[str, BatchSize] = {}
        self._settling = Settling(clock)

    @property
    def signer(self) -> Signer:
        """Who signs."""
        return self._signer

    def origin(self, organization_id: str) -> str:
        """The name of an organization's tree."""
        return origin(fingerprint(self._signer.key.public_key), organization_id)

    def seal(self, organization_id: str, *, not_older_than: timedelta | None = None) -> Sealed:
        """Seal the next writes of an organization ('' for none), at most `BATCH`.

        Signs a checkpoint if there were any, or if the newest is older than `not_older_than`
        (`None`: however old it is). Raises `TreeProblem` instead of signing what is not consistent
        with the last one signed, else `AuditError`.
        """
        with self._state.read() as connection:
            newest = newest_checkpoint(connection, organization_id)
        # The log after that: what it holds is at least as new.
        head = self._log.known_heads().get(organization_id)
        written = head.organization_revision if head else 0
        kept = newest or _nothing(organization_id)
        if written < kept.size:
            raise TreeProblem(
                f"The log holds {written:,} writes, fewer than the {kept.size:,} that were sealed.",
                "Restore the log from a backup; python -m audit_core doctor says what is missing.",
            )
        size = self._sizes.setdefault(organization_id, BatchSize(BATCH))
        until = min(written, kept.size + size.leaves)
        run = self._next_run(kept, until) if until > kept.size else None
        if run is None and newest is not None and not self._is_due(newest, not_older_than):
            return Sealed(checkpoint=newest, behind=written - newest.size)
        with self._state.begin() as connection:
            take_turns(connection, of="tree")
            now_newest = newest_checkpoint(connection, organization_id)
            if run is not None and not self._is_current(connection, run, organization_id):
                # Somebody is being erased: these leaves could never be made again.
                sealed = now_newest or kept
            elif (now_newest and now_newest.id) == (newest and newest.id):
                sealed = self._extend(connection, kept, run, first=newest is None)
            else:
                # Another process was faster; what it has sealed is the same.
                sealed = now_newest or kept
        return Sealed(checkpoint=sealed, behind=max(0, written - sealed.size))

    def _is_current(self, connection: Connection, run: Run, organization_id: str) -> bool:
        """Whether its leaves were made with the keys of now."""
        return self._keys.existing(connection, organization_id, run.keys) == run.keys

    def seal_all(self, organization_id: str) -> StoredCheckpoint:
        """Seal all that an organization has written by now, and sign a checkpoint of this moment.

        Raises as `seal`, or `TreeProblem` if the log does not hold all yet.
        """
        head = self._log.known_heads().get(organization_id)
        written = head.organization_revision if head else 0
        sealed = self.seal(organization_id, not_older_than=timedelta())
        while sealed.checkpoint.size < written:
            before = sealed.checkpoint.size
            sealed = self.seal(organization_id)
            if sealed.checkpoint.size == before:
                time.sleep(0.2)
        return sealed.checkpoint

    def _is_due(self, newest: StoredCheckpoint, not_older_than: timedelta | None) -> bool:
        return not_older_than is not None and self._clock() - newest.signed_at >= not_older_than

    def _next_run(self, kept: StoredCheckpoint, until: int) -> Run | None:
        """The next leaves; `None` if none is settled yet."""
        organization_id = kept.organization_id
        run = read_run(
            self._log,
            self._state,
            self._keys,
            organization_id,
            first=kept.size + 1,
            last=until,
            above=kept.log_revision,
            as_they_come=True,
        )
        self._sizes[organization_id].learn(run)
        missing = run.missing
        if not missing or not self._log.shared:
            return run
        unsettled = self._settling.first_unsettled(organization_id, missing, run.rows)
        if unsettled is None:
            return run
        if unsettled == run.first:
            return None
        return replace(
            run,
            last=unsettled - 1,
            hashes=run.hashes[: unsettled - run.first],
            rows=run.rows.filter(pc.less(run.rows.column("organization_revision"), unsettled)),
        )

    def _extend(
        self, connection: Connection, kept: StoredCheckpoint, run: Run | None, *, first: bool
    ) -> StoredCheckpoint:
        if not first:
            self._require_as_signed(connection, kept)
        organization_id = kept.organization_id
        leaves = parted(kept.tail)
        size, log_revision = kept.size, kept.log_revision
        if run is not None:
            absent = run.missing
            note_absent(connection, organization_id, runs_of(absent, within=TILE))
            leaves += [
                hash_ or absent_leaf(organization_id, number)
                for number, hash_ in enumerate(run.hashes, run.first)
            ]
            size = run.last
            log_revision = max(log_revision, run.log_revision)
        roots = tile_roots(leaves)
        _grow(connection, organization_id, 1, kept.size // TILE, roots)
        now = self._clock()
        grown = replace(
            kept,
            size=size,
            tail=joined(leaves[len(roots) * TILE :]),
            signed_at=now,
            log_revision=log_revision,
        )
        root = root_of(connection, grown)
        checkpoint = Checkpoint(self.origin(organization_id), size, root, now)
        add_checkpoint(
            connection,
            organization_id,
            size=size,
            root=root,
            signed_at=now,
            note=sign_checkpoint(checkpoint, self._signer),
            log_revision=log_revision,
            tail=grown.tail,
        )
        added = newest_checkpoint(connection, organization_id)
        assert added is not None  # noqa: S101 - it was just added
        return added

    def _require_as_signed(self, connection: Connection, kept: StoredCheckpoint) -> None:
        """Raises `TreeProblem` unless what is kept is what was signed last."""
        try:
            signed, _ = open_checkpoint(kept.note, [self._signer.key])
        except NoteError as error:
            raise TreeProblem(
                "The newest checkpoint that is kept was not signed with the key of this "
                f"installation. {error}",
                "Start with the key file that the state was written with, or restore the state.",
            ) from error
        try:
            root = root_of(connection, kept)
        except LookupError as error:
            raise _not_as_signed(kept) from error
        if (signed.origin, signed.size, signed.root) != (
            self.origin(kept.organization_id),
            kept.size,
            root,
        ):
            raise _not_as_signed(kept)


def _not_as_signed(kept: StoredCheckpoint) -> TreeProblem:
    return TreeProblem(
        f"The tree of {kept.size:,} writes that is kept is not the one that was signed on "
        f"{kept.signed_at:%Y-%m-%d at %H:%M:%S} UTC: the state was changed.",
        "Restore the state from a backup, and keep this one for whoever has to explain it.",
    )


def _nothing(organization_id: str) -> StoredCheckpoint:
    """A tree before anything was sealed."""
    return StoredCheckpoint(
        id=0,
        organization_id=organization_id,
        size=0,
        root=EMPTY_ROOT,
        signed_at=datetime.fromtimestamp(0, UTC),
        note="",
        log_revision=0,
    )


def _grow(
    connection: Connection, organization_id: str, level: int, first: int, hashes: list[bytes]
) -> None:
    """Add full tiles, and those of the levels above that they complete."""
    if not hashes:
        return
    add_tiles(connection, organization_id, level=level, first=first, hashes=hashes)
    above = first // TILE
    complete = (first + len(hashes)) // TILE
    if complete > above:
        count = (complete - above) * TILE
        below = tile_hashes(
            connection, organization_id, level=level, first=above * TILE, count=count
        )
        _grow(connection, organization_id, level + 1, above, tile_roots(below))


def thin_out(connection: Connection, times: list[tuple[int, datetime]], now: datetime) -> int:
    """Drop checkpoints that others stand for by now, how many; `times` are the ids and times of
    those that are kept of one tree, oldest first."""
    ids = superfluous(times, now)
    drop_checkpoints(connection, ids)
    return len(ids)


def superfluous(times: list[tuple[int, datetime]], now: datetime) -> list[int]:
    """The ids of checkpoints that need not be kept: all are kept for an hour, then the last one of
    every five minutes, after two days of every hour, after two weeks of every day. The
    newest is always kept."""
    ids: list[int] = []
    for (id_, at), (_, following) in pairwise(times):
        age = now - at
        span = next((span for least, span in _SPANS if age >= least), None)
        if span is not None and at.timestamp() // span == following.timestamp() // span:
            ids.append(id_)
    return ids


_SPANS = (
    (timedelta(days=14), 24 * 60 * 60),
    (timedelta(days=2), 60 * 60),
    (timedelta(hours=1), 5 * 60),
)
"""From which age on one checkpoint is kept for so many seconds."""
