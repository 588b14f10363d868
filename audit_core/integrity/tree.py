"""The trees of an installation: one for each organization, and one for entries of none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from audit_core.integrity.actor_keys import ActorKeys
from audit_core.integrity.installation_signer import installation_signer
from audit_core.integrity.merkle import consistency_proof
from audit_core.integrity.sealing import Sealing
from audit_core.integrity.tree_reader import TreeReader
from audit_core.integrity.verification.findings import Result
from audit_core.integrity.verification.verifying import Progress, Verification
from audit_core.log.store import AuditLog
from audit_core.state.anchors import Receipt, newest_receipts
from audit_core.state.database import State
from audit_core.state.tree.checkpoints import (
    StoredCheckpoint,
    newest_checkpoint,
    newest_checkpoints,
    newest_signed,
)


class Trees:
    """Reads and seals the trees of one log. Safe to use from many threads."""

    def __init__(
        self,
        *,
        log: AuditLog,
        state: State,
        keys: ActorKeys,
        installation_key: bytes,
        clock: Callable[[], datetime],
    ) -> None:
        self._log = log
        self._state = state
        self._keys = keys
        self.sealing = Sealing(
            log=log,
            state=state,
            keys=keys,
            signer=installation_signer(installation_key),
            clock=clock,
        )

    def newest(self, organization_id: str) -> StoredCheckpoint | None:
        """The newest checkpoint of an organization ('' for none); `None` before the first."""
        with self._state.read() as connection:
            return newest_checkpoint(connection, organization_id)

    def newest_note(self, organization_id: str | None) -> str:
        """The signed note of the newest checkpoint; empty before the first, and for `None`, which
        means several organizations."""
        newest = None if organization_id is None else self.newest(organization_id)
        return "" if newest is None else newest.note

    def newest_of_all(self) -> list[StoredCheckpoint]:
        """The newest checkpoint of every organization. Raises `AuditError`."""
        with self._state.read() as connection:
            return newest_checkpoints(connection)

    def receipts(self, organization_id: str, *, max_size: int) -> list[Receipt]:
        """The newest receipt of each place outside for a checkpoint of at most `max_size` leaves.
        Raises `AuditError`."""
        with self._state.read() as connection:
            return newest_receipts(connection, organization_id, max_size=max_size)

    def consistency(self, organization_id: str, old_size: int, size: int) -> list[bytes]:
        """The proof that the tree of `old_size` leaves is the beginning of that of `size`, which
        are sealed; 0 < old <= new.

        Raises `LookupError` where a tile that is needed is gone, or not as it was sealed.
        """
        newest = self.newest(organization_id)
        if newest is None or newest.size < size:
            raise LookupError(f"{size} leaves are not sealed yet")
        return consistency_proof(old_size, size, self.reader(newest).subtree_hash)

    def sealed(self) -> list[str]:
        """The organizations that have a tree. Raises `AuditError`."""
        with self._state.read() as connection:
            return list(newest_signed(connection))

    def verify(
        self, organization_id: str, *, earliest: datetime | None, progress: Progress
    ) -> Result:
        """Hold the log against what was sealed of it; what was made before `earliest` may be
        dropped meanwhile. Raises `AuditError`, and what `progress` raises."""
        verification = Verification(
            log=self._log,
            state=self._state,
            keys=self._keys,
            sealing=self.sealing,
            organization_id=organization_id,
            earliest=earliest,
            progress=progress,
        )
        return verification.run()

    def sealed_now(self, organization_id: str) -> TreeReader:
        """The tree of all that an organization has written by now, with a checkpoint of this
        moment. Raises `TreeProblem`, else `AuditError`."""
        return self.reader(self.sealing.seal_all(organization_id))

    def reader(self, checkpoint: StoredCheckpoint) -> TreeReader:
        """The tree as of a checkpoint that has its tail: the newest one."""
        return TreeReader(log=self._log, state=self._state, keys=self._keys, checkpoint=checkpoint)
