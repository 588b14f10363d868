"""One look of a rule at what is new in the log of an organization.

What a rule finds depends on the entries alone (`findings_sql`), not on their order. So what is new
says which groups and hours have to be looked at anew, and there what is kept is brought to what is
found. That is one transaction of the state, with the watermark and the alerts, so a process that is
killed has looked or has not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit_core.detect.alerts.ledger import AlertChange, keep_alerts
from audit_core.detect.findings_sql import FoundRow, findings
from audit_core.detect.rules.correlations import LONGEST_SPAN
from audit_core.detect.rules.rule import Missing, Rule
from audit_core.detect.watching.changes import EPOCH, HOUR, Changes, Group, changes, found_by_key
from audit_core.detect.watching.glancing import Glance, Times, glance_at
from audit_core.detect.watching.ledger import (
    Watermark,
    keep_changes,
    move_watermark,
    read_findings,
    read_watermark,
)
from audit_core.domain.access import Scope
from audit_core.log.store import AuditLog
from audit_core.state.database import State

WRITES_AT_ONCE = 50_000
"""How many writes one look takes."""

GROUPS_AT_ONCE = 200
"""How many groups a statement names; more are looked at all together."""

MISSED_AFTER = timedelta(seconds=30)
"""How late it may be told that something is missing, where nothing else comes."""

MAX_ROWS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What came of it."""

    changed: Changes
    alerts: tuple[AlertChange, ...] = ()
    """What that made of alerts."""
    behind: int
    """How many writes are still to be looked at."""


@dataclass(frozen=True, slots=True)
class _Span:
    """From when to when (both included) something has to be looked at anew."""

    first: datetime
    last: datetime
    groups: frozenset[Group] | None
    """`None`: all."""


def look(
    log: AuditLog,
    state: State,
    rule: Rule,
    organization_id: str,
    *,
    now: datetime,
    seen: Glance | None = None,
    head: int | None = None,
) -> Look | None:
    """Look at what is new; `None` if the rule does not watch, or another process looks too. `seen`
    saves a look at the same writes; several rules look by `looking_together.look_at_all`. `head`
    is the write up to which all are there (`settled`), `None`: that of the log.

    Raises what a read raises, and `StoreUnavailableError`: then it has not looked.
    """
    with state.read() as connection:
        mark = read_watermark(connection, organization_id, rule.id)
    if mark is None:
        return None
    if head is None:
        head = log.head(organization_id)
    until = min(head, mark.revision + WRITES_AT_ONCE)
    digest = digest_of(rule)
    if seen is not None and seen.after == mark.revision:
        until = seen.until
    elif until > mark.revision:
        seen = glance_at(log, [rule], organization_id, after=mark.revision, until=until)
    elif mark.rule == digest and not is_due(rule, mark, now):
        return Look(changed=Changes(), behind=0)
    else:
        seen = None
    found = _united(
        _changes(log, state, rule, organization_id, span, now)
        for span in _spans(log, state, rule, organization_id, mark, seen, now)
    )
    moved = Watermark(rule=digest, revision=max(mark.revision, until), looked_at=now)
    with state.begin() as connection:
        if not move_watermark(connection, organization_id, rule.id, mark, moved):
            return None
        keep_changes(connection, organization_id, rule.id, found, now, rule=moved.rule)
        alerts = keep_alerts(connection, organization_id, rule, found, now)
    return Look(changed=found, alerts=alerts, behind=max(0, head - until))


def _united(parts: Iterable[Changes]) -> Changes:
    every = tuple(parts)
    return Changes(
        raised={key: value for one in every for key, value in one.raised.items()},
        grown={key: value for one in every for key, value in one.grown.items()},
        withdrawn=frozenset(key for one in every for key in one.withdrawn),
    )


def is_due(rule: Rule, mark: Watermark, now: datetime) -> bool:
    """Whether something may be missing by now that was not when it looked last."""
    return isinstance(rule.correlation, Missing) and now - mark.looked_at >= MISSED_AFTER


def digest_of(rule: Rule) -> str:
    """What a rule is told by from another version of itself: its text and its threshold. Its level
    says nothing of what it finds, and a mute only of what was made while it lasts."""
    return hashlib.sha256(f"{rule.threshold}\n{rule.text}".encode()).hexdigest()


def _spans(
    log: AuditLog,
    state: State,
    rule: Rule,
    organization_id: str,
    mark: Watermark,
    seen: Glance | None,
    now: datetime,
) -> list[_Span]:
    """What has to be looked at anew; `seen` is of the writes that are new, `None` if none are."""
    spans: list[_Span] = []
    if seen is not None and rule.id in seen.touched:
        spans.append(_touched_span(rule, seen.touched[rule.id]))
    if seen is not None and seen.rewritten is not None:
        spans += _withdrawable(state, rule, organization_id, *seen.rewritten)
    if isinstance(rule.correlation, Missing):
        span = rule.correlation.span
        # A version before this one may have waited longer: nothing that it waited for is left out.
        waited = span if mark.rule == digest_of(rule) else LONGEST_SPAN
        spans.append(_Span(mark.looked_at - waited, max(now, mark.looked_at) - span, None))
    return spans


def _touched_span(rule: Rule, touched: Mapping[Group, Times]) -> _Span:
    first = min(one for one, _ in touched.values())
    last = max(one for _, one in touched.values())
    groups = None if len(touched) > GROUPS_AT_ONCE else frozenset(touched)
    return _reaching(rule, first, last, groups)


def _withdrawable(
    state: State, rule: Rule, organization_id: str, first: datetime, last: datetime
) -> list[_Span]:
    """What was found where entries were replaced, and may not be true any more."""
    span = _reaching(rule, first, last, None)
    with state.read() as connection:
        known = read_findings(
            connection, organization_id, rule.id, hours=_hours(span), rule=digest_of(rule)
        )
    groups = frozenset(group for group, _ in known)
    if not groups:
        return []
    chosen = None if len(groups) > GROUPS_AT_ONCE else groups
    return [_Span(span.first, span.last, chosen)]


def _reaching(
    rule: Rule, first: datetime, last: datetime, groups: frozenset[Group] | None
) -> _Span:
    """Where entries of a time have a say: a while after them, or before where one is missed."""
    if isinstance(rule.correlation, Missing):
        return _Span(first - rule.correlation.span, last, groups)
    return _Span(first, last + rule.reach, groups)


def _hours(span: _Span) -> range:
    """The hours that a span touches."""
    return range((span.first - EPOCH) // HOUR, (span.last - EPOCH) // HOUR + 1)


def _changes(
    log: AuditLog, state: State, rule: Rule, organization_id: str, span: _Span, now: datetime
) -> Changes:
    scope = Scope(organization_id=organization_id)
    hours = _hours(span)
    statement = findings(
        rule,
        scope,
        since=EPOCH + hours.start * HOUR,
        until=EPOCH + hours.stop * HOUR,
        now=now,
        groups=None if span.groups is None else sorted(span.groups),
    )
    found = log.fetch_rows(statement, scope, FoundRow, limit=MAX_ROWS)
    by_key = found_by_key(found.items, len(rule.groups))
    with state.read() as connection:
        known = read_findings(connection, organization_id, rule.id, hours=hours, groups=span.groups)
        own = read_findings(
            connection,
            organization_id,
            rule.id,
            hours=hours,
            groups=span.groups,
            rule=digest_of(rule),
        )
    # What a version before this one found stands: it was true of that version.
    return changes({key: one for key, one in known.items() if key in own or key in by_key}, by_key)
