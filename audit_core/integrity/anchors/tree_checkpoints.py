"""The trees of an installation, as anchors need them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from audit_core.domain.errors import StoreUnavailableError
from audit_core.integrity.anchors.anchoring import SealedCheckpoint
from audit_core.integrity.merkle import consistency_proof
from audit_core.integrity.tree import Trees
from audit_core.state.database import State
from audit_core.state.tree.checkpoints import newest_signed


class TreeCheckpoints:
    """See `Checkpoints`. Safe to use from many threads."""

    def __init__(self, state: State, trees: Trees) -> None:
        self._state = state
        self._trees = trees

    def signed_at(self) -> Mapping[str, datetime]:
        """See `Checkpoints`."""
        with self._state.read() as connection:
            return newest_signed(connection)

    def newest(self, organization_id: str) -> SealedCheckpoint | None:
        """See `Checkpoints`."""
        kept = self._trees.newest(organization_id)
        if kept is None:
            return None
        return SealedCheckpoint(
            organization_id=organization_id,
            origin=self._trees.sealing.origin(organization_id),
            size=kept.size,
            root=kept.root,
            signed_at=kept.signed_at,
            note=kept.note,
            key=self._trees.sealing.signer.key,
        )

    def consistency(self, organization_id: str, old_size: int, size: int) -> Sequence[bytes]:
        """See `Checkpoints`."""
        kept = self._trees.newest(organization_id)
        try:
            if kept is None:
                raise LookupError(organization_id)
            # What was sealed since `size` only adds to the tree.
            return consistency_proof(old_size, size, self._trees.reader(kept).subtree_hash)
        except LookupError as error:
            raise StoreUnavailableError(
                f"The tree cannot prove how it grew from {old_size:,} writes to {size:,}: what it "
                "would be proven with is not as it was sealed, or is gone by now.",
                "See Evidence → Integrity for what the last verification found.",
            ) from error
