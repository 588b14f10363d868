"""What is told of an alert: pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlencode

from audit_core.detect.alerts.alert import Alert, AlertEventKind, sentence_of
from audit_core.detect.rules.condition import AllOf, AnyOf, Condition, Fits
from audit_core.detect.rules.rule import Rule
from audit_core.domain.alerts.alert_state import AlertState
from audit_core.notify.notice import Notice, NoticeKind
from audit_core.query.language.ast import Pattern, Wildcard

TARGET_TYPE = "targetType"

HISTORY = timedelta(days=7)
"""What is found so long after it happened was brought in from the past: it stands on the page, and
wakes nobody. Entries that are late, or come after an outage of their source, are not as old."""

_TOLD = {
    AlertEventKind.RAISED: NoticeKind.RAISED,
    AlertEventKind.RAISED_AGAIN: NoticeKind.RAISED_AGAIN,
    AlertEventKind.WITHDRAWN: NoticeKind.WITHDRAWN,
}
"""What the rule did. Growth is told by the page: as a message it would be a storm."""

_TOLD_STATES = {
    AlertState.ACKNOWLEDGED: NoticeKind.ACKNOWLEDGED,
    AlertState.CLOSED: NoticeKind.CLOSED,
}


def notice_of(
    alert: Alert,
    kind: AlertEventKind,
    *,
    target_types: tuple[str, ...],
    at: datetime,
    reason: str | None = None,
) -> Notice | None:
    """What is told of an alert to which this has happened; `None`: nothing, as of one that was
    history when it was raised.

    `target_types`: of its rule, see `target_types_of`. `reason`: why it was withdrawn or closed.
    """
    told = _TOLD_STATES.get(alert.state) if kind is AlertEventKind.STATE else _TOLD.get(kind)
    if told is None or is_history(alert):
        return None
    of_group = alert.group.get(TARGET_TYPE)
    return Notice(
        alert_id=alert.id,
        number=alert.number,
        kind=told,
        rule_id=alert.rule_id,
        rule_title=alert.rule_title,
        level=alert.level,
        target_types=(of_group,) if of_group else target_types,
        sentence=sentence_of(alert),
        group=alert.group,
        count=alert.count,
        first_at=alert.first_at,
        last_at=alert.last_at,
        at=at,
        reason=reason,
        path=alert_path(alert),
    )


def is_history(alert: Alert) -> bool:
    """Whether what an alert is about was over long before it was raised."""
    return alert.raised_at - alert.last_at > HISTORY


def told_as(before: Alert, kind: AlertEventKind, after: Alert) -> AlertEventKind:
    """As what a change is told. What was history, and now goes on, is news."""
    arose = kind is AlertEventKind.GROWN and is_history(before)
    goes_on = arose and not is_history(after)
    return AlertEventKind.RAISED if goes_on else kind


def alert_path(alert: Alert) -> str:
    """The app's page of an alert, without the host."""
    return f"/alerts?{urlencode({'alert': alert.id})}"


def target_types_of(rule: Rule) -> tuple[str, ...]:
    """The types of targets that entries which a rule selects may have, by name; empty where one of
    its selections takes any, or more than can be listed."""
    found = [_types_of(selection.condition) for selection in rule.selections]
    if any(types is None for types in found):
        return ()
    return tuple(sorted({name for types in found if types for name in types}))


def _types_of(condition: Condition) -> frozenset[str] | None:
    """The types that an entry which fulfils the condition may have; `None`: any."""
    if isinstance(condition, Fits) and condition.field.name == TARGET_TYPE:
        text = _plain(condition.pattern)
        return None if text is None else frozenset({text})
    if isinstance(condition, AllOf):
        known = [types for part in condition.parts if (types := _types_of(part)) is not None]
        return frozenset.intersection(*known) if known else None
    if isinstance(condition, AnyOf):
        parts = [_types_of(part) for part in condition.parts]
        if any(types is None for types in parts):
            return None
        return frozenset().union(*(types for types in parts if types is not None))
    return None


def _plain(pattern: Pattern) -> str | None:
    """The one text that fits a pattern; `None` if others do."""
    return None if any(isinstance(one, Wildcard) for one in pattern) else "".join(map(str, pattern))
