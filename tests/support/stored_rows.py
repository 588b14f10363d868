"""Whole rows of a log, made without one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import pyarrow as pa

from audit_core.domain.entries import AuditEntry
from audit_core.log.schema import ARROW, columns_of


def to_arrow(rows: Iterable[tuple[int, int, AuditEntry]], *, received_at: datetime) -> pa.Table:
    """Rows of (seq, revision, entry) as a table of the shape `ARROW`; their organization counts
    them alike."""
    rows = list(rows)
    seqs, revisions = [seq for seq, _, _ in rows], [revision for _, revision, _ in rows]
    columns: dict[str, list[object]] = {
        "seq": seqs,
        "revision": revisions,
        "organization_seq": seqs,
        "organization_revision": revisions,
        "received_at": [received_at.astimezone(UTC).replace(tzinfo=None)] * len(rows),
        **columns_of([entry for _, _, entry in rows]),
    }
    return pa.table([pa.array(columns[field.name], field.type) for field in ARROW], schema=ARROW)
