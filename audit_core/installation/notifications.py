"""Channels that do not deliver, for an opened installation: what the operator should know."""

from __future__ import annotations

from collections.abc import Iterator

from audit_core.domain.errors import AuditError
from audit_core.installation import readiness
from audit_core.installation.doctor import Finding, Health
from audit_core.installation.opened import Installation
from audit_core.notify.channels import Channel, channels_of
from audit_core.notify.delivery.telling import is_failing_long

PART = "channels"


def examine_channels(installation: Installation) -> Iterator[Finding]:
    """One finding for each channel that has delivered nothing for long, and for a mail server that
    lacks something."""
    try:
        found = _channels(installation)
        _ = installation.notifications
    except AuditError as error:
        yield Finding(part=PART, health=Health.FAILED, message=error.message, hint=error.hint)
        return
    failing = [one for one in found if _fails(installation, one)]
    for one in failing:
        yield Finding(
            part=PART,
            health=Health.WARNING,
            message=f"{one.organization_id}: alerts do not reach the channel “{one.name}”: "
            f"{one.problem or 'its receiver wants no messages.'}",
            hint="Its admins see it on Admin → Notifications: mend, pause or remove it.",
        )
    if not failing:
        number = f"{len(found):,} channels deliver" if found else "There is none"
        yield Finding(part=PART, health=Health.OK, message=f"{number}, as far as is known.")


def channel_warnings(installation: Installation) -> tuple[readiness.Finding, ...]:
    """How many channels have delivered nothing for long: what anybody may know. Raises
    `AuditError`."""
    number = sum(_fails(installation, one) for one in _channels(installation))
    if not number:
        return ()
    noun = "channel delivers" if number == 1 else "channels deliver"
    reason = f"{number:,} {noun} no alerts. Which, and what to do: sandtrail doctor."
    return (readiness.Finding(part=PART, reason=reason),)


def _channels(installation: Installation) -> list[Channel]:
    with installation.state.read() as connection:
        return channels_of(connection, None)


def _fails(installation: Installation, channel: Channel) -> bool:
    return is_failing_long(channel, installation.clock())
