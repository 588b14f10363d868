"""What comparisons of exports found to have vanished, as the operator should know it: for `doctor`,
and for probes."""

from __future__ import annotations

from collections.abc import Iterator

from audit_core.domain.errors import AuditError
from audit_core.evidence.jobs.vanished import list_vanished
from audit_core.installation import readiness
from audit_core.installation.doctor import Finding, Health
from audit_core.installation.opened import Installation

PART = "exports"


def examine_vanished(installation: Installation) -> Iterator[Finding]:
    """One finding for each comparison that nobody has acknowledged."""
    try:
        with installation.state.read() as connection:
            found = list_vanished(connection)
    except AuditError as error:
        yield Finding(part=PART, health=Health.FAILED, message=error.message, hint=error.hint)
        return
    for one in found:
        yield Finding(
            part=PART,
            health=Health.FAILED,
            message=f"{one.organization_id}: {one.sentence}",
            hint="Compare both files, then acknowledge it on Evidence → Exports, or by: "
            "python -m audit_core log acknowledge",
        )
    if not found:
        yield Finding(part=PART, health=Health.OK, message="No comparison lacks entries.")


def vanished_warnings(installation: Installation) -> tuple[readiness.Finding, ...]:
    """How many comparisons found that entries have vanished: what anybody may know. Raises
    `StoreUnavailableError`."""
    with installation.state.read() as connection:
        number = len(list_vanished(connection))
    if not number:
        return ()
    found = "1 comparison of exports found" if number == 1 else f"{number:,} comparisons found"
    reason = f"{found} that entries have vanished. Which, and what to do: sandtrail doctor."
    return (readiness.Finding(part=PART, reason=reason),)
