"""A log's tree in memory that grows, signs checkpoints, and may be rewritten or put back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit_core.integrity.anchors.anchor import Submission
from audit_core.integrity.anchors.anchoring import SealedCheckpoint
from audit_core.integrity.checkpoint import Checkpoint, fingerprint, origin, sign_checkpoint
from audit_core.integrity.merkle import consistency_proof, leaf_hash, root
from audit_core.integrity.signed_note import Signer, VerifierKey

BEGIN = datetime(2026, 11, 29, 12, tzinfo=UTC)


def signer_of(seed: int = 1) -> Signer:
    """A log's key, by a number."""
    private_key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
    return Signer(
        f"sandtrail/{fingerprint(private_key.public_key().public_bytes_raw())}", private_key
    )


class GrowingLog:
    """One organization's log. `signed_at` of its checkpoints is `BEGIN` and a minute for each."""

    def __init__(self, organization_id: str = "org-a", *, seed: int = 1) -> None:
        self.organization_id = organization_id
        self.signer = signer_of(seed)
        self.leaves: list[bytes] = []
        self.signed = 0

    @property
    def key(self) -> VerifierKey:
        return self.signer.key

    @property
    def origin(self) -> str:
        return origin(self.signer.name.removeprefix("sandtrail/"), self.organization_id)

    def grow(self, count: int, text: str = "entry") -> None:
        self.leaves += [
            leaf_hash(f"{text} {len(self.leaves) + number}".encode()) for number in range(count)
        ]

    def checkpoint(self, size: int | None = None) -> SealedCheckpoint:
        size = len(self.leaves) if size is None else size
        signed_at = BEGIN + timedelta(minutes=self.signed)
        self.signed += 1
        signed = Checkpoint(self.origin, size, root(self.leaves[:size]), signed_at)
        return SealedCheckpoint(
            organization_id=self.organization_id,
            origin=self.origin,
            size=size,
            root=signed.root,
            signed_at=signed_at,
            note=sign_checkpoint(signed, self.signer),
            key=self.key,
        )

    def consistency(self, old: int, new: int) -> Sequence[bytes]:
        return consistency_proof(old, new, self.subtree_hash)

    def subtree_hash(self, level: int, index: int) -> bytes:
        width = 1 << level
        return root(self.leaves[index * width : (index + 1) * width])

    def submission(self, *, known_size: int = 0) -> Submission:
        sealed = self.checkpoint()

        def consistency(old: int) -> Sequence[bytes]:
            return self.consistency(old, sealed.size)

        return Submission(
            origin=sealed.origin,
            size=sealed.size,
            root=sealed.root,
            note=sealed.note,
            key=sealed.key,
            known_size=known_size,
            consistency=consistency,
        )


class GrowingLogs:
    """See `Checkpoints`: several logs, whose checkpoints are made by `sign`."""

    def __init__(self, *logs: GrowingLog) -> None:
        self.logs = {log.organization_id: log for log in logs}
        self.sealed: dict[str, SealedCheckpoint] = {}

    def sign(self) -> None:
        self.sealed = {name: log.checkpoint() for name, log in self.logs.items()}

    def signed_at(self) -> Mapping[str, datetime]:
        return {name: sealed.signed_at for name, sealed in self.sealed.items()}

    def newest(self, organization_id: str) -> SealedCheckpoint | None:
        return self.sealed.get(organization_id)

    def consistency(self, organization_id: str, old_size: int, size: int) -> Sequence[bytes]:
        return self.logs[organization_id].consistency(old_size, size)
