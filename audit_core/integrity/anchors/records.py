"""What a pack holds of the anchors: the newest receipt of each that its checkpoint continues."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from audit_core.integrity.anchors.anchor import AnchorKind
from audit_core.integrity.anchors.verify import AnchorRecord, write_record
from audit_core.state.anchors import newest_receipts


def anchor_files(
    connection: Connection,
    organization_id: str,
    *,
    size: int,
    consistency: Callable[[int, int], Sequence[bytes]],
) -> dict[str, bytes]:
    """Files by their names in a pack whose checkpoint has `size` writes of an organization ('' for
    none).

    `consistency` gives the proof from an older size, more than 0, to a newer one; raises what it
    raises.
    """
    receipts = newest_receipts(connection, organization_id, max_size=size)
    return {
        f"anchors/{receipt.kind}-{receipt.anchor_id}.json": write_record(
            AnchorRecord(
                kind=AnchorKind(receipt.kind),
                label=receipt.label,
                note=receipt.note,
                proof=receipt.proof,
                received_at=receipt.received_at,
                consistency=tuple(consistency(receipt.size, size))
                if 0 < receipt.size < size
                else (),
            )
        )
        for receipt in receipts
    }
