"""An alert, and what may happen to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from audit_core.domain.alerts.alert_state import AlertState, Resolution
from audit_core.domain.alerts.level import Level

GROUP_SHOWN = 200
"""Characters of a value of the group that a sentence says."""


class AlertEventKind(StrEnum):
    """What happened to an alert."""

    RAISED = "raised"
    GROWN = "grown"
    """More was found, or less: its figures are others."""
    WITHDRAWN = "withdrawn"
    """Nothing of what was found is true any more."""
    RAISED_AGAIN = "raised_again"
    """It was withdrawn, or closed, and more was found."""
    STATE = "state"
    """A person acknowledged, began, closed or opened it."""
    ASSIGNED = "assigned"
    COMMENTED = "commented"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert of an organization."""

    id: str
    """32 hexadecimal digits; the same in every message about it."""
    organization_id: str
    number: int
    """The organization's own count of alerts, from 1."""
    revision: int
    """The organization's own count of changes to alerts, as of the last change of this one."""
    rule_id: str
    rule_title: str
    """As it was when the alert was raised."""
    level: Level
    group: Mapping[str, str]
    """By what the rule tells entries apart: names and values, in the rule's order. Log text."""
    state: AlertState
    resolution: Resolution | None
    """What came of it; `None` until a person closes it."""
    assignee_id: str | None
    """The account of whom it is assigned to; `None`: of nobody."""
    count: int
    """At how many entries something was found; 0 where it was withdrawn."""
    first_at: datetime
    last_at: datetime
    """When the first and the last of them was made (aware, UTC)."""
    raised_at: datetime
    changed_at: datetime
    closed_at: datetime | None
    withdrawn_at: datetime | None
    """When nothing of it was true any more; it is closed then. `None`: it stands."""

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to work it off."""
        return self.state is not AlertState.CLOSED


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEvent:
    """A line of an alert's own record."""

    at: datetime
    kind: AlertEventKind
    actor: str | None
    """Who did it, as the access record names them; `None`: the rule."""
    detail: Mapping[str, str | int | None]
    """What a kind needs: `count`, `from` and `to`, `resolution`, `comment`, `reason`. Log text and
    text of persons."""


def sentence_of(alert: Alert) -> str:
    """What happened, as one sentence. Holds log text: never to be read as markup."""
    who = ", ".join(f"{name} {_shown(value)}" for name, value in alert.group.items())
    entries = "1 entry" if alert.count == 1 else f"{alert.count:,} entries"
    if alert.withdrawn_at is not None:
        entries = "no entry any more"
    return f"{alert.rule_title}: {f'{who}, ' if who else ''}{entries}."


def _shown(value: str) -> str:
    text = value if len(value) <= GROUP_SHOWN else f"{value[:GROUP_SHOWN]}…"
    return text or "(empty)"
