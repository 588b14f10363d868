"""How findings become alerts: those of one group that follow each other closely are one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from audit_core.detect.alerts.joining import JOINED_WITHIN
from audit_core.detect.findings_sql import FoundRow, group_of


@dataclass(frozen=True, slots=True, kw_only=True)
class WouldBeAlert:
    """What a person would be told once."""

    group: tuple[str, ...]
    """The values by which the rule tells entries apart."""
    first: datetime
    last: datetime
    """When the first and the last entry were made at which something was found (aware, UTC)."""
    count: int
    """How many such entries there were."""


def joined(rows: Iterable[FoundRow], groups: int) -> tuple[WouldBeAlert, ...]:
    """The alerts that some findings of one rule make if nobody closes one, oldest first. `groups`:
    by how many fields the rule tells entries apart."""
    alerts: list[WouldBeAlert] = []
    ordered = sorted(rows, key=lambda row: (group_of(row, groups), row.hour))
    for group, own in groupby(ordered, lambda row: group_of(row, groups)):
        alerts += _joined_of_group(group, list(own))
    return tuple(sorted(alerts, key=lambda alert: (alert.first, alert.group)))


def _joined_of_group(group: tuple[str, ...], rows: Sequence[FoundRow]) -> list[WouldBeAlert]:
    alerts: list[WouldBeAlert] = []
    for row in rows:
        first, last = row.first.replace(tzinfo=UTC), row.last.replace(tzinfo=UTC)
        if alerts and first - alerts[-1].last <= JOINED_WITHIN:
            before = alerts.pop()
            first, count = before.first, before.count + row.count
            last = max(last, before.last)
        else:
            count = row.count
        alerts.append(WouldBeAlert(group=group, first=first, last=last, count=count))
    return alerts
