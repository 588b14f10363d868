"""The statement of an alert's entries. Builds, never runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import and_, or_, select

from audit_core.detect.alerts.alert import Alert
from audit_core.detect.rules.condition_sql import compile_condition, value_of
from audit_core.detect.rules.rule import AboveBand, FirstSeen, Group, Missing, Rule, Single
from audit_core.detect.selected_sql import not_muted
from audit_core.domain.access import Scope
from audit_core.log.schema import Statement, entries
from audit_core.query.time.windows import TimeRange
from audit_core.query.where import within, within_scope

_EDGE = timedelta(milliseconds=1)
"""Spans are in whole milliseconds: an entry may lie this much farther away."""
_INSTANT = timedelta(microseconds=1)
"""Entries are made to the microsecond, and the end of a time range is not part of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """Where and when something was found: all that the log is asked about an alert."""

    group: tuple[tuple[str, str], ...]
    """As of `Alert.group`."""
    first_at: datetime
    last_at: datetime

    @classmethod
    def of(cls, one: Alert) -> Self:
        """What an alert tells of."""
        return cls(group=tuple(one.group.items()), first_at=one.first_at, last_at=one.last_at)

    @property
    def names(self) -> list[str]:
        """The names of the group's values."""
        return [name for name, _ in self.group]


def time_of(what: Occurrence, rule: Rule | None) -> TimeRange:
    """When the entries of an alert were made. Those of a number or a sequence begin as far before
    the first at which something was found as its time span reaches."""
    before = after = timedelta(0)
    if rule is not None and isinstance(rule.correlation, Missing):
        # That nothing followed is seen behind the entry.
        after = rule.correlation.span + _EDGE
    elif rule is not None and not isinstance(rule.correlation, Single | FirstSeen | AboveBand):
        before = rule.reach + _EDGE
    return TimeRange(since=what.first_at - before, until=what.last_at + after + _INSTANT)


def entries_of_alert(what: Occurrence, rule: Rule, scope: Scope) -> Statement:
    """Whole entries that a selection of the rule selects in the alert's group and time, newest
    first, without what is muted; the rule must `fit`."""
    time = time_of(what, rule)
    selected = [
        and_(
            compile_condition(entries, selection.condition),
            *not_muted(rule, number, time.since, time.until),
            *(
                value_of(entries, group.fields[number]) == value
                for group, value in _of_groups(what, rule)
            ),
        )
        for number, selection in enumerate(rule.selections)
    ]
    return (
        select(entries)
        .where(within_scope(entries, scope), within(entries, time), or_(*selected))
        .order_by(entries.c.created_at.desc(), entries.c.seq.desc())
    )


def fits(what: Occurrence, rule: Rule) -> bool:
    """Whether the rule still tells entries apart by what the alert was raised for."""
    return [group.name for group in rule.groups] == what.names


def _of_groups(what: Occurrence, rule: Rule) -> list[tuple[Group, str]]:
    values = dict(what.group)
    return [(group, values[group.name]) for group in rule.groups]
