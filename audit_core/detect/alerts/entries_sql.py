"""The statement of an alert's entries. Builds, never runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import and_, or_, select

from audit_core.detect.alerts.alert import Alert
from audit_core.detect.rules.condition_sql import compile_condition, value_of
from audit_core.detect.rules.rule import AboveBand, FirstSeen, Group, Missing, Rule, Single
from audit_core.domain.access import Scope
from audit_core.log.schema import Statement, entries
from audit_core.query.time.windows import TimeRange
from audit_core.query.where import within, within_scope

_EDGE = timedelta(milliseconds=1)
"""Spans are in whole milliseconds: an entry may lie this much farther away."""
_INSTANT = timedelta(microseconds=1)
"""Entries are made to the microsecond, and the end of a time range is not part of it."""


def time_of(alert: Alert, rule: Rule | None) -> TimeRange:
    """When the entries of an alert were made. Those of a number or a sequence begin as far before
    the first at which something was found as its time span reaches."""
    before = after = timedelta(0)
    if rule is not None and isinstance(rule.correlation, Missing):
        # That nothing followed is seen behind the entry.
        after = rule.correlation.span + _EDGE
    elif rule is not None and not isinstance(rule.correlation, Single | FirstSeen | AboveBand):
        before = rule.reach + _EDGE
    return TimeRange(since=alert.first_at - before, until=alert.last_at + after + _INSTANT)


def entries_of_alert(alert: Alert, rule: Rule, scope: Scope) -> Statement:
    """Whole entries that a selection of the rule selects in the alert's group and time, newest
    first; the rule must `fit`."""
    selected = [
        and_(
            compile_condition(entries, selection.condition),
            *(
                value_of(entries, group.fields[number]) == value
                for group, value in _of_groups(alert.group, rule)
            ),
        )
        for number, selection in enumerate(rule.selections)
    ]
    return (
        select(entries)
        .where(within_scope(entries, scope), within(entries, time_of(alert, rule)), or_(*selected))
        .order_by(entries.c.created_at.desc(), entries.c.seq.desc())
    )


def fits(alert: Alert, rule: Rule) -> bool:
    """Whether the rule still tells entries apart by what the alert was raised for."""
    return [group.name for group in rule.groups] == list(alert.group)


def _of_groups(values: Mapping[str, str], rule: Rule) -> list[tuple[Group, str]]:
    return [(group, values[group.name]) for group in rule.groups]
