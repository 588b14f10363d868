"""Which alert a finding joins, and what becomes of an alert whose findings have changed: pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit_core.detect.alerts.alert import Alert, AlertEventKind
from audit_core.detect.watching.changes import Found

JOINED_WITHIN = timedelta(hours=24)
"""A finding joins an alert of its group that is open and as close as this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the findings of an alert that stand come to."""

    count: int
    first_at: datetime
    last_at: datetime


def alert_to_join(alerts: Iterable[Alert], found: Found) -> Alert | None:
    """Of the alerts of a rule and group, the open one that lies closest to what was found, if one
    lies within `JOINED_WITHIN`; the older of two."""
    near = [
        (_between(alert, found), alert.number, alert)
        for alert in alerts
        if alert.is_open and _between(alert, found) <= JOINED_WITHIN
    ]
    return min(near, key=lambda one: one[:2])[2] if near else None


def _between(alert: Alert, found: Found) -> timedelta:
    """How much time lies between an alert and what was found."""
    gaps = (found.first_at - alert.last_at, alert.first_at - found.last_at, timedelta(0))
    return max(gaps)


def what_happened(alert: Alert, figures: Figures | None) -> AlertEventKind | None:
    """What has happened to an alert whose findings come to `figures` (`None`: none stands);
    `None`: nothing."""
    if figures is None:
        return None if alert.withdrawn_at is not None else AlertEventKind.WITHDRAWN
    if alert.withdrawn_at is not None:
        return AlertEventKind.RAISED_AGAIN
    if figures == Figures(count=alert.count, first_at=alert.first_at, last_at=alert.last_at):
        return None
    # What somebody closed is not over if it goes on. What only comes late is part of what was seen.
    if not alert.is_open and figures.last_at > alert.last_at:
        return AlertEventKind.RAISED_AGAIN
    return AlertEventKind.GROWN
