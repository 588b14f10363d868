"""What the operator should know of the senders of entries: for `doctor`, and for probes."""

from __future__ import annotations

from collections.abc import Iterator

from audit_core.domain.errors import AuditError
from audit_core.installation import readiness
from audit_core.installation.doctor import Finding, Health
from audit_core.installation.opened import Installation
from audit_core.sources.stale import StaleSender, stale_senders

PART = "sources"


def examine_senders(installation: Installation) -> Iterator[Finding]:
    """One finding for each that is stopped or silent, with its name and organization."""
    try:
        found = _stale(installation)
    except AuditError as error:
        yield Finding(part=PART, health=Health.FAILED, message=error.message, hint=error.hint)
        return
    for one in found:
        whose = one.organization_id or "the whole deployment"
        yield Finding(
            part=PART,
            health=Health.WARNING,
            message=f"{one.name} of {whose}: {one.reason}",
            hint=one.hint,
        )
    if not found:
        yield Finding(
            part=PART, health=Health.OK, message="None is stopped, or silent for unusually long."
        )


def sender_warnings(installation: Installation) -> tuple[readiness.Finding, ...]:
    """How many are stopped, and how many silent: what anybody may know. Raises
    `StoreUnavailableError`."""
    found = _stale(installation)
    stopped = sum(one.stopped for one in found)
    numbers = {"stopped": stopped, "silent for longer than usual": len(found) - stopped}
    return tuple(
        readiness.Finding(
            part=PART,
            reason=f"{number:,} {'source is' if number == 1 else 'sources are'} {how}. Which, and "
            "what to do: sandtrail doctor.",
        )
        for how, number in numbers.items()
        if number
    )


def _stale(installation: Installation) -> list[StaleSender]:
    with installation.state.read() as connection:
        return stale_senders(connection, None, installation.clock())
