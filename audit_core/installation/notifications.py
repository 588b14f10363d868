"""Messages about alerts, for an opened installation: channels that do not deliver, which the
operator should know of, and what a digest says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection

from audit_core.detect.alerts.alert import sentence_of
from audit_core.detect.alerts.alert_filter import OPEN_STATES, AlertFilter
from audit_core.detect.alerts.notices import alert_path
from audit_core.detect.alerts.reading import list_alerts, open_by_level, raised_and_closed
from audit_core.domain.errors import AuditError
from audit_core.identity.memberships import organization_name
from audit_core.installation import readiness
from audit_core.installation.doctor import Finding, Health
from audit_core.installation.opened import Installation
from audit_core.notify.channels import Channel, channels_of
from audit_core.notify.delivery.telling import is_failing_long
from audit_core.notify.digests.content import Digest, DigestAlert

PART = "channels"
DIGEST_SHOWN = 20
"""How many open alerts a digest tells one by one."""


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


def digest_of_alerts(
    connection: Connection, organization_id: str, since: datetime, until: datetime
) -> Digest:
    """See `DigestOf`."""
    asked = AlertFilter(states=OPEN_STATES)
    found = list_alerts(connection, organization_id, asked, limit=DIGEST_SHOWN)
    raised, closed = raised_and_closed(connection, organization_id, since, until)
    return Digest(
        organization=organization_name(connection, organization_id) or organization_id,
        open_by_level=open_by_level(connection, organization_id),
        raised=raised,
        closed=closed,
        alerts=tuple(
            DigestAlert(
                number=one.number,
                level=one.level,
                sentence=sentence_of(one),
                path=alert_path(one),
            )
            for one in found.items
        ),
    )
