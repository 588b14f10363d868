"""Whether the log is what was sealed, as the operator should know it: for `doctor`, and for
probes."""

from __future__ import annotations

from collections.abc import Iterator

from audit_core.domain.errors import AuditError
from audit_core.installation import readiness
from audit_core.installation.doctor import Finding, Health
from audit_core.installation.opened import Installation
from audit_core.integrity.verification.standing import all_alarms

PART = "integrity"


def examine_integrity(installation: Installation) -> Iterator[Finding]:
    """One finding for each thing that is not as it was sealed, with its organization."""
    try:
        found = all_alarms(installation.state)
    except AuditError as error:
        yield Finding(part=PART, health=Health.FAILED, message=error.message, hint=error.hint)
        return
    for organization_id, alarms in found:
        for alarm in alarms:
            yield Finding(
                part=PART,
                health=Health.FAILED,
                message=f"{organization_id or '(no organization)'}: {alarm}",
                hint="Keep the database as it is for whoever has to explain it; see Evidence → "
                "Integrity, or run: python -m audit_core log verify",
            )
    if not found:
        yield Finding(part=PART, health=Health.OK, message="Nothing is known to be altered.")


def integrity_warnings(installation: Installation) -> tuple[readiness.Finding, ...]:
    """Of how many logs something is not as it was sealed: what anybody may know. Raises
    `StoreUnavailableError`."""
    number = len(all_alarms(installation.state))
    if not number:
        return ()
    reason = (
        f"{number:,} {'log is' if number == 1 else 'logs are'} not as sealed. Which, and what to "
        "do: sandtrail doctor."
    )
    return (readiness.Finding(part=PART, reason=reason),)
