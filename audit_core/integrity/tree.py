"""The trees of an installation: one for each organization, and one for entries of none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from audit_core.integrity.actor_keys import ActorKeys
from audit_core.integrity.installation_signer import installation_signer
from audit_core.integrity.sealing import Sealing
from audit_core.integrity.tree_reader import TreeReader
from audit_core.log.store import AuditLog
from audit_core.state.database import State
from audit_core.state.tree.checkpoints import StoredCheckpoint, newest_checkpoint


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

    def sealed_now(self, organization_id: str) -> TreeReader:
        """The tree of all that an organization has written by now, with a checkpoint of this
        moment. Raises `TreeProblem`, else `AuditError`."""
        return self.reader(self.sealing.seal_all(organization_id))

    def reader(self, checkpoint: StoredCheckpoint) -> TreeReader:
        """The tree as of a checkpoint that has its tail: the newest one."""
        return TreeReader(log=self._log, state=self._state, keys=self._keys, checkpoint=checkpoint)
