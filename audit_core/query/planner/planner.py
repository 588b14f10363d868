"""Query planner: picks rollup or scan and narrows the time range.

A plan is made before the entries are read and covers everything the log held at that moment: a
narrower time range can miss only what arrives in between.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from audit_core.domain.access import Scope
from audit_core.log.store import AuditLog
from audit_core.query.keyset import Cursor
from audit_core.query.language.ast import Leaf, all_of, negation
from audit_core.query.planner import rollups, value_lookup
from audit_core.query.planner.plan import Plan
from audit_core.query.planner.rewrite import (
    NOTHING,
    dictionary_lookups,
    lower_bound,
    off_target,
    resolve,
    targets_of,
    upper_bound,
)
from audit_core.query.planner.rollups import HourCount, hourly, worth_rollup
from audit_core.query.planner.value_lookup import HourOnTargets, MatchingValue
from audit_core.query.query import Query
from audit_core.query.time.buckets import Buckets
from audit_core.query.time.windows import EPOCH, TimeRange
from audit_core.query.value_filter import NONE

MAX_MATCHING_VALUES = 1_000
"""A condition that more values of a field match is evaluated on every entry instead."""

MAX_HOURS = 2_100_000
"""More hours than there are between the first and the last timestamp an entry may have."""

MAX_MEMOIZED = 200
"""How many results are memoized."""

_ENDS = 2
"""The first and the last hour of a time range may lie in it only in part."""

NOWHERE = TimeRange(since=EPOCH, until=EPOCH)
_HOUR = timedelta(hours=1)
_Key = tuple[Hashable, Scope, int]
_Found = TypeVar("_Found")
_Hours = dict[datetime, int]
"""Start of an hour to the number of matches certain to be in it; 0 means there may be some."""


@dataclass(frozen=True, slots=True)
class Planner:
    """Chooses what to read for a filter; for a log without rollups always a scan of the entries."""

    log: AuditLog
    _found: dict[_Key, Any] = field(default_factory=dict, compare=False, repr=False)
    """Results by question and head of the log: the charts of one page need the same ones."""

    def plan(self, query: Query, buckets: Buckets | None = None) -> Plan:
        """How to aggregate over the matches, by buckets of time if there are any."""
        if not self.log.keeps_counts:
            return Plan(query)
        if query.entry_filter.targets:
            return Plan(self._around(query, query.entry_filter.targets))
        if not worth_rollup(query.entry_filter.window, query.time_range):
            return Plan(query)
        query = self._resolved(query)
        rollup = hourly(query, buckets)
        if rollup is None:
            return Plan(query)
        predicate = query.predicate
        certain, targets = lower_bound(predicate), targets_of(predicate)
        perhaps = all_of([upper_bound(predicate), negation(certain)])
        if targets == () or not self._any(Plan(query.asking(perhaps), rollup)):
            return Plan(query.asking(certain), rollup)
        if targets is None or self._any(Plan(query.asking(off_target(predicate)), rollup)):
            return Plan(query)
        return Plan(self._around(query, targets))

    def page(self, query: Query, cursor: Cursor | None, rows: int) -> Query:
        """The query of a time range that holds the page at the cursor and the row after it."""
        entry_filter, time_range = query.entry_filter, query.time_range
        rare = entry_filter.targets or entry_filter.text or entry_filter.query
        if not self.log.keeps_counts or not (
            rare or entry_filter.actors or entry_filter.ip_addresses
        ):
            return query
        ahead = _ahead(time_range, cursor)
        if entry_filter.targets:
            hours = self._hours_on(query, entry_filter.targets)
        elif not worth_rollup(entry_filter.window, ahead):
            return query
        else:
            newer = cursor is not None and cursor.newer
            query = self._resolved(query)
            hours = self._matching_hours(query.within(ahead), rows + 1 + _ENDS, newer=newer)
        if hours is None:
            return query
        return query.within(_enough(hours, time_range, ahead, cursor, rows + 1))

    def memoized(self, question: Hashable, scope: Scope, compute: Callable[[], _Found]) -> _Found:
        """Return `compute()`, memoized until the log's head moves."""
        key = (question, scope, self.log.head(scope.organization_id))
        if key in self._found:
            found: _Found = self._found[key]
            return found
        found = compute()
        for outdated in list(self._found):
            _, of, head = outdated
            if of.organization_id == scope.organization_id and head < key[2]:
                # The head has moved on: this key is never looked up again.
                self._found.pop(outdated, None)
        # Several threads may be here at once; each of these steps is atomic in the interpreter.
        while len(self._found) >= MAX_MEMOIZED:
            self._found.pop(next(iter(list(self._found))), None)
        self._found[key] = found
        return found

    def _matching_hours(self, query: Query, limit: int, *, newer: bool) -> _Hours | None:
        """At least the `limit` nearest hours with matches; `None` if the rollup cannot tell."""
        rollup = hourly(query)
        if rollup is None:
            return None
        predicate = query.predicate
        certain, targets = lower_bound(predicate), targets_of(predicate)
        if targets == ():
            return self._hours(Plan(query.asking(certain), rollup), limit, newer=newer)
        sure = self._hours(Plan(query.asking(certain), rollup), MAX_HOURS)
        if targets is None:
            possible, on_targets = upper_bound(predicate), None
        else:
            possible, on_targets = off_target(predicate), self._hours_on(query, targets)
        others = (
            sure
            if possible == certain
            else self._hours(Plan(query.asking(possible), rollup), MAX_HOURS)
        )
        return dict.fromkeys([*others, *(on_targets or ())], 0) | sure

    def _resolved(self, query: Query) -> Query:
        """The query with text conditions that few values match replaced by the values."""
        predicate, scope = query.predicate, query.scope
        if not (conditions := dictionary_lookups(predicate)):
            return query

        def compute() -> Mapping[Leaf, tuple[str, ...]]:
            statement = value_lookup.matching_values(conditions, scope, MAX_MATCHING_VALUES)
            limit = len(conditions) * (MAX_MATCHING_VALUES + 1)
            found: dict[int, list[str]] = {number: [] for number in range(len(conditions))}
            for row in self.log.fetch_rows(statement, scope, MatchingValue, limit=limit).items:
                found[row.number].append(row.value)
            return {
                conditions[number]: tuple(values)
                for number, values in found.items()
                if len(values) <= MAX_MATCHING_VALUES
            }

        known = self.memoized(("values", conditions), scope, compute)
        return query.asking(resolve(predicate, known))

    def _any(self, plan: Plan) -> bool:
        """Whether any row of the source matches."""
        if plan.query.predicate == NOTHING:
            return False
        scope, statement = plan.query.scope, rollups.any_match(plan)
        return self.memoized(
            ("any", plan.query),
            scope,
            lambda: bool(self.log.fetch(statement, scope, max_rows=1).table.num_rows),
        )

    def _hours(self, plan: Plan, limit: int, *, newer: bool = False) -> _Hours:
        """The `limit` nearest hours with matches, targets left out of account."""
        if plan.query.predicate == NOTHING:
            return {}
        statement = rollups.hours(plan, newest_first=not newer)
        found = self.log.fetch_rows(statement, plan.query.scope, HourCount, limit=limit).items
        return {EPOCH + row.hour * _HOUR: row.count for row in found}

    def _hours_on(self, query: Query, targets: tuple[str, ...]) -> _Hours | None:
        """The hours with entries on any of the targets; `None` if their absence is one."""
        if NONE in targets:
            return None
        scope = query.scope

        def compute() -> _Hours:
            statement = value_lookup.hours_of(targets, scope)
            rows = self.log.fetch_rows(statement, scope, HourOnTargets, limit=MAX_HOURS).items
            return {row.hour.replace(tzinfo=UTC): row.count for row in rows}

        hours = self.memoized(("hours", targets), scope, compute)
        alone = scope.actor_id is None and query.entry_filter.narrowed_by == ("Target",)
        return hours if alone else dict.fromkeys(hours, 0)

    def _around(self, query: Query, targets: tuple[str, ...]) -> Query:
        """The query within the hours with entries on any of the targets."""
        hours = self._hours_on(query, targets)
        return query if hours is None else query.within(_cut(query.time_range, hours))


def _cut(time_range: TimeRange, hours: Iterable[datetime]) -> TimeRange:
    hours = sorted(hours)
    if not hours:
        return NOWHERE
    since, until = hours[0], hours[-1] + _HOUR
    since = since if time_range.since is None else max(since, time_range.since)
    until = until if time_range.until is None else min(until, time_range.until)
    return TimeRange(since=since, until=until) if since < until else NOWHERE


def _ahead(time_range: TimeRange, cursor: Cursor | None) -> TimeRange:
    """The part of the time range beyond the hour that the cursor is in."""
    if cursor is None:
        return time_range
    hour = cursor.created_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if cursor.newer:
        since = hour + _HOUR
        since = since if time_range.since is None else max(since, time_range.since)
        return TimeRange(since=since, until=time_range.until)
    return TimeRange(
        since=time_range.since,
        until=hour if time_range.until is None else min(hour, time_range.until),
    )


def _enough(
    hours: _Hours, time_range: TimeRange, ahead: TimeRange, cursor: Cursor | None, limit: int
) -> TimeRange:
    """The time range, cut after as many hours as are certain to hold `limit` matches."""
    newer = cursor is not None and cursor.newer
    taken, total = [], 0
    for hour in sorted(hours, reverse=not newer):
        if (ahead.since is not None and hour + _HOUR <= ahead.since) or (
            ahead.until is not None and hour >= ahead.until
        ):
            continue
        taken.append(hour)
        inside = (ahead.since is None or hour >= ahead.since) and (
            ahead.until is None or hour + _HOUR <= ahead.until
        )
        total += hours[hour] if inside else 0
        if total >= limit:
            break
    if cursor is not None:
        taken.append(cursor.created_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0))
    return _cut(time_range, taken)
