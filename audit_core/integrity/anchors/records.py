"""What a pack holds of the anchors: the newest receipt of each that its checkpoint continues."""

from __future__ import annotations

from collections.abc import Iterable

from audit_core.integrity.anchors.anchor import AnchorKind
from audit_core.integrity.anchors.verify import AnchorRecord, write_record
from audit_core.integrity.merkle import SubtreeHash, consistency_proof
from audit_core.state.anchors import Receipt


def anchor_files(
    receipts: Iterable[Receipt], size: int, subtree_hash: SubtreeHash
) -> dict[str, bytes]:
    """Files by their names in a pack whose checkpoint has `size` leaves, at least as many as the
    receipts'; `subtree_hash` is that of its tree.

    A receipt that cannot be proven any more is left out: its last tile was dropped by retention.
    """
    files = {}
    for receipt in receipts:
        try:
            proof = consistency_proof(receipt.size, size, subtree_hash)
        except LookupError:
            continue
        record = AnchorRecord(
            kind=AnchorKind(receipt.kind),
            label=receipt.label,
            note=receipt.note,
            proof=receipt.proof,
            received_at=receipt.received_at,
            consistency=tuple(proof),
        )
        files[f"anchors/{receipt.kind}-{receipt.anchor_id}.json"] = write_record(record)
    return files
