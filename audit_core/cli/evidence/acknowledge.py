"""`log acknowledge`: says of what alarms that it is known, and why."""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy import Connection

from audit_core.cli.parts.opened_state import ACTOR, writing
from audit_core.cli.parts.terminal import say
from audit_core.domain.terminal_text import printable
from audit_core.evidence.jobs.vanished import Vanished, acknowledge_vanished, list_vanished
from audit_core.integrity.verification.acknowledging import acknowledge_findings
from audit_core.integrity.verification.findings import Finding
from audit_core.integrity.verification.standing import verified_of
from audit_core.log.store import utc_now
from audit_core.state.tree.status import read_status


def acknowledge(
    reason: Annotated[str, typer.Option(help="Why it is known; it goes on record.")],
    organization: Annotated[
        str, typer.Option(help="The id of the organization; empty for entries of none.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Acknowledge what a verification found, and what exports found to have vanished.

    Such as what a log has lost whose loss was accepted. It stays a finding and on record, and is
    no alarm any more; whatever is found beyond it is one.
    """
    with writing() as connection:
        findings, vanished = _alarming(connection, organization)
        sentences = [*(one.sentence for one in findings), *(one.sentence for one in vanished)]
        for sentence in sentences:
            say(printable(sentence))
        if not sentences:
            say("There is nothing to acknowledge.")
            return
        if not yes:
            typer.confirm("Acknowledge all of it?", abort=True)
        verified = verified_of(read_status(connection, organization))
        if findings and verified is not None:
            acknowledge_findings(
                connection,
                organization,
                verified_at=verified.at,
                actor=ACTOR,
                now=utc_now(),
                reason=reason,
            )
        for one in vanished:
            acknowledge_vanished(
                connection,
                one.export_id,
                organization,
                actor=ACTOR,
                now=utc_now(),
                reason=reason,
            )
    say("Acknowledged, on record.")


def _alarming(
    connection: Connection, organization_id: str
) -> tuple[tuple[Finding, ...], list[Vanished]]:
    verified = verified_of(read_status(connection, organization_id))
    findings = () if verified is None else verified.result.alarming
    return findings, list_vanished(connection, organization_id)
