"""Alerts for tests: raised by rules from findings, as they come from the log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from audit_core.detect.alerts.alert import Alert
from audit_core.detect.alerts.ledger import keep_alerts
from audit_core.detect.rules.catalog import shipped_rules
from audit_core.detect.rules.rule import Rule
from audit_core.detect.watching.changes import EPOCH, HOUR, Changes, Found
from audit_core.detect.watching.ledger import keep_changes, read_findings
from audit_core.detect.watching.looking import digest_of
from audit_core.domain.alerts.alert_state import AlertState
from audit_core.domain.alerts.level import Level

NOON = datetime(2026, 2, 27, 12, tzinfo=UTC)

OPEN_ALERT = Alert(
    id="a" * 32,
    organization_id="o",
    number=7,
    revision=9,
    rule_id="r",
    rule_title="Many refusals",
    level=Level.HIGH,
    group={"actorId": "ann"},
    state=AlertState.OPEN,
    resolution=None,
    assignee_id=None,
    count=3,
    first_at=NOON,
    last_at=NOON + HOUR,
    raised_at=NOON,
    changed_at=NOON,
    closed_at=None,
    withdrawn_at=None,
)


def rule_of_level(level: Level) -> Rule:
    """A rule that is shipped, tells actors apart, and has this level."""
    return next(
        one
        for one in shipped_rules()
        if one.level is level and [group.name for group in one.groups] == ["actorId"]
    )


def find(
    connection: Connection,
    organization_id: str,
    rule: Rule,
    group: Sequence[str],
    *,
    at: datetime = NOON,
    count: int = 1,
    now: datetime | None = None,
) -> Alert:
    """Let a rule find something, in an hour in which it may have found less; its alert then."""
    key = (tuple(group), (at - EPOCH) // HOUR)
    hours = range(key[1], key[1] + 1)
    known = read_findings(connection, organization_id, rule.id, hours=hours, groups=[key[0]])
    found = {key: Found(count=count, first_at=at, last_at=at + timedelta(seconds=count))}
    changed = Changes(grown=found) if key in known else Changes(raised=found)
    keep_changes(connection, organization_id, rule.id, changed, now or at, rule=digest_of(rule))
    (change,) = keep_alerts(connection, organization_id, rule, changed, now or at)
    return change.alert


def withdraw(
    connection: Connection, one: Alert, rule: Rule, *, now: datetime = NOON + 2 * HOUR
) -> Alert:
    """Let nothing of an alert be true any more."""
    group = tuple(one.group.values())
    known = read_findings(connection, one.organization_id, rule.id, groups=[group])
    changed = Changes(withdrawn=frozenset(known))
    keep_changes(connection, one.organization_id, rule.id, changed, now, rule=digest_of(rule))
    (change,) = keep_alerts(connection, one.organization_id, rule, changed, now)
    return change.alert
