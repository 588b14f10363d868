"""Showing the secrets of one entry to somebody who may see them, for a reason that is on record."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from audit_core.domain.access import Denied, Permission, decide
from audit_core.domain.entries import AuditEntry
from audit_core.domain.entry_values import Particular, hidden_particulars
from audit_core.identity.sessions import Viewer
from audit_core.state.access_log.record import record
from audit_core.state.operator_text import plain_text

LONGEST_REASON = 500
"""In characters."""


def reveal(
    connection: Connection,
    viewer: Viewer,
    entry: AuditEntry,
    *,
    reason: str,
    address: str | None,
    now: datetime,
) -> tuple[Particular, ...] | Denied:
    """What is redacted of an entry that the viewer has read, unredacted; on record with the reason
    and the names of the fields, in the transaction.

    Denied to those without `reveal:secrets` in the organization they look at, and for an entry of
    another one. Raises `AccountError` for an empty or too long reason.
    """
    decision = decide(viewer.membership, Permission.REVEAL)
    if isinstance(decision, Denied):
        return decision
    if viewer.organization_id is None or entry.organization_id != viewer.organization_id:
        return Denied(
            permission=Permission.REVEAL, reason="The entry belongs to another organization."
        )
    plain = plain_text("reason", reason, longest=LONGEST_REASON)
    hidden = hidden_particulars(entry)
    record(
        connection,
        at=now,
        verb="secrets.revealed",
        actor=viewer.email,
        organization_id=viewer.organization_id,
        address=address,
        detail={
            "entry": entry.id,
            "reason": plain,
            "fields": [item.name for item in hidden],
        },
    )
    return hidden
