"""Whether erasures go on, as the operator should know it: for `doctor`, and for probes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from audit_core.domain.errors import AuditError
from audit_core.evidence.erasures import store
from audit_core.evidence.erasures.erasure import TO_ERASE, Erasure, Stage
from audit_core.evidence.erasures.words import what_is_left
from audit_core.installation import readiness
from audit_core.installation.doctor import Finding, Health
from audit_core.installation.opened import Installation

PART = "erasures"

ERASED_WITHIN = timedelta(hours=1)
"""How long after it was confirmed an erasure may take before somebody should look."""
REWRITTEN_WITHIN = timedelta(days=7)
"""How long old bytes may be in files after that."""

EXAMINED = 10_000


def examine_erasures(installation: Installation) -> Iterator[Finding]:
    """One finding for each erasure that does not go on."""
    try:
        found = stuck(installation)
    except AuditError as error:
        yield Finding(part=PART, health=Health.FAILED, message=error.message, hint=error.hint)
        return
    for one in found:
        left = what_is_left(one, embedded=not installation.log.shared)
        yield Finding(
            part=PART,
            health=Health.WARNING,
            message=f"{one.organization_id}: the erasure {one.id} of "
            f"{one.confirmed_at:%Y-%m-%d} is not done. {left}",
            hint="See: python -m audit_core erasure list"
            if one.stage in TO_ERASE
            else "Start the server anew.",
        )
    if not found:
        yield Finding(part=PART, health=Health.OK, message="None waits for longer than it should.")


def erasure_warnings(installation: Installation) -> tuple[readiness.Finding, ...]:
    """How many erasures do not go on: what anybody may know. Raises `StoreUnavailableError`."""
    number = len(stuck(installation))
    if not number:
        return ()
    reason = (
        f"{number:,} {'erasure does' if number == 1 else 'erasures do'} not go on. Which, and what "
        "to do: sandtrail doctor."
    )
    return (readiness.Finding(part=PART, reason=reason),)


def stuck(installation: Installation) -> list[Erasure]:
    """Confirmed erasures that take longer than they should. Raises `StoreUnavailableError`."""
    now = installation.clock()
    stages = (*TO_ERASE, Stage.REWRITING)
    with installation.state.read() as connection:
        found = store.in_stages(connection, stages, limit=EXAMINED)
    return [one for one in found if _is_late(one, now)]


def _is_late(one: Erasure, now: datetime) -> bool:
    if one.stage is Stage.REWRITING:
        return one.erased_at is not None and now - one.erased_at > REWRITTEN_WITHIN
    return one.confirmed_at is not None and now - one.confirmed_at > ERASED_WITHIN
