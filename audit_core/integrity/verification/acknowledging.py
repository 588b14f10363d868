"""Acknowledging what a verification found, such as what is known to be lost: on record, with a
reason, so that it hides nothing that is found later."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from audit_core.domain.errors import AccountError
from audit_core.integrity.verification.findings import Acknowledged
from audit_core.integrity.verification.standing import verified_of
from audit_core.state.access_log.record import record
from audit_core.state.database import take_turns
from audit_core.state.operator_text import plain_text
from audit_core.state.tree.status import read_status, set_status

MAX_REASON = 2_000
"""Characters of a reason."""


def acknowledge_findings(
    connection: Connection,
    organization_id: str,
    *,
    verified_at: datetime,
    actor: str,
    now: datetime,
    address: str | None = None,
    reason: str,
) -> int:
    """Say of all listed findings of the verification that ended at `verified_at` that they are
    known, and why; how many there are.

    They stay findings and are no alarm any more, as long as they are found again just so. Raises
    `AccountError` without a reason, where there is nothing to acknowledge, and where another
    verification has ended meanwhile.
    """
    said = plain_text("reason", " ".join(reason.split()), longest=MAX_REASON)
    take_turns(connection)
    verified = verified_of(read_status(connection, organization_id))
    if verified is None or verified.at != verified_at:
        raise AccountError("Another verification has ended meanwhile.", "See what it found.")
    alarming = verified.result.alarming
    if not alarming:
        raise AccountError("There is nothing to acknowledge.", "Reload the page.")
    added = tuple(Acknowledged(finding, actor, now, said) for finding in alarming)
    result = replace(verified.result, acknowledged=verified.result.acknowledged + added)
    set_status(connection, organization_id, result=result.as_json())
    record(
        connection,
        at=now,
        verb="finding.acknowledged",
        actor=actor,
        organization_id=organization_id or None,
        address=address,
        detail={
            "findings": [finding.sentence for finding in alarming[:20]],
            "count": len(alarming),
            "reason": said,
        },
    )
    return len(alarming)
