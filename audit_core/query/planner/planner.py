"""Query planner: picks rollup or scan and narrows the time range.

A plan is made before the entries are read and covers everything the log held at that moment: a
narrower time range can miss only what arrives in between.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, TypeVar

from audit_core.domain.access import Scope
from audit_core.log.schema import Statement
from audit_core.log.store import AuditLog
from audit_core.query.keyset import Cursor
from audit_core.query.language.ast import Leaf, all_of, negation
from audit_core.query.planner import rollups, value_lookup
from audit_core.query.planner.narrowing import Hours, ahead_of, cut, enough
from audit_core.query.planner.plan import Plan, Reason
from audit_core.query.planner.rewrite import (
    NOTHING,
    Known,
    address_lookups,
    dictionary_lookups,
    lower_bound,
    off_target,
    required_targets,
    resolve,
    targets_of,
    upper_bound,
)
from audit_core.query.planner.rollups import HourCount, hourly, worth_rollup
from audit_core.query.planner.value_lookup import Ends, HourOnTargets, MatchingValue
from audit_core.query.query import Query
from audit_core.query.time.buckets import Buckets
from audit_core.query.time.hours import hour_start
from audit_core.query.value_filter import NONE

MAX_MATCHING_VALUES = 1_000
"""A condition that more values of a field match is evaluated on every entry instead."""

MAX_HOURS = 2_100_000
"""More hours than there are between the first and the last timestamp an entry may have."""

MAX_MEMOIZED = 200
"""How many results are memoized."""

_ENDS = 2
"""The first and the last hour of a time range may lie in it only in part."""

_Key = tuple[Hashable, Scope, tuple[int, int]]
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Planner:
    """Chooses what to read for a filter; for a log without rollups always a scan of the entries."""

    log: AuditLog
    _found: dict[_Key, Any] = field(default_factory=dict, compare=False, repr=False)
    """Results by question and head of the log: the charts of one page need the same ones."""

    def plan(self, query: Query, buckets: Buckets | None = None) -> Plan:
        """How to aggregate over the matches, by buckets of time if there are any: see `Reason`."""
        if not self.log.keeps_counts:
            return Plan(self._spelled(query), reason=Reason.NO_ROLLUPS)
        if not worth_rollup(query.entry_filter.window, query.time_range):
            return Plan(query, reason=Reason.SHORT)
        if targets := required_targets(query.predicate):
            return Plan(self._around(query, targets), reason=Reason.TARGETS)
        query = self._resolved(query)
        rollup = hourly(query, buckets)
        if rollup is None:
            return Plan(query, reason=Reason.FINER)
        # The rollup does not know targets: what it cannot tell lies between these two.
        predicate = query.predicate
        certain, possible = lower_bound(predicate), upper_bound(predicate)
        targets_asked, elsewhere = targets_of(predicate), off_target(predicate)
        if targets_asked and elsewhere == NOTHING:
            return Plan(self._around(query, targets_asked), reason=Reason.FOUND_TARGETS)
        doubtful = query.asking(all_of([possible, negation(certain)]))
        if targets_asked == () or not self._any(Plan(doubtful, rollup)):
            return Plan(query.asking(certain), rollup, Reason.ROLLUP)
        if targets_asked is None or self._any(Plan(query.asking(elsewhere), rollup)):
            return Plan(query, reason=Reason.MIXED)
        return Plan(self._around(query, targets_asked), reason=Reason.FOUND_TARGETS)

    def page(self, query: Query, cursor: Cursor | None, rows: int) -> Query:
        """The query of a time range that holds the page at the cursor and the row after it."""
        entry_filter, time_range = query.entry_filter, query.time_range
        rare = (
            entry_filter.targets
            or entry_filter.text
            or entry_filter.query
            or query.rewritten is not None
        )
        if not self.log.keeps_counts:
            return self._resolved(query)
        if not (rare or entry_filter.actors or entry_filter.ip_addresses):
            return query
        ahead = ahead_of(time_range, cursor)
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
        return query.within(enough(hours, time_range, ahead, cursor, rows + 1))

    def memoized(self, question: Hashable, scope: Scope, compute: Callable[[], _Found]) -> _Found:
        """Return `compute()`, memoized until the log's head moves, or somebody is erased."""
        version = (self.log.head(scope.organization_id), self.log.erasing.count)
        key = (question, scope, version)
        if key in self._found:
            found: _Found = self._found[key]
            return found
        found = compute()
        for outdated in list(self._found):
            _, of, known = outdated
            if of.organization_id == scope.organization_id and known < version:
                # The log has moved on: this key is never looked up again.
                self._found.pop(outdated, None)
        # Several threads may be here at once; each of these steps is atomic in the interpreter.
        while len(self._found) >= MAX_MEMOIZED:
            self._found.pop(next(iter(list(self._found))), None)
        self._found[key] = found
        return found

    def _matching_hours(self, query: Query, limit: int, *, newer: bool) -> Hours | None:
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
        """The query with conditions that few values meet replaced by these values: texts, where the
        log keeps rollups."""
        if not self.log.keeps_counts:
            return self._spelled(query)
        predicate, scope = query.predicate, query.scope
        if not (conditions := dictionary_lookups(predicate)):
            return query
        statement = value_lookup.matching_values(conditions, scope, MAX_MATCHING_VALUES)
        known = self.memoized(
            ("values", conditions), scope, lambda: self._known(conditions, statement, scope)
        )
        return query.asking(resolve(predicate, known))

    def _spelled(self, query: Query) -> Query:
        """The query with addresses replaced by their spellings, where the log keeps these.

        Engines know how often a value occurs, and nothing of one that they have yet to look up.
        Each time anew: another process may have stored another spelling, and heads lag behind.
        """
        predicate, scope = query.predicate, query.scope
        if not self.log.keeps_addresses or not (conditions := address_lookups(predicate)):
            return query
        statement = value_lookup.spellings(conditions, scope)
        return query.asking(resolve(predicate, self._known(conditions, statement, scope)))

    def _known(self, conditions: Sequence[Leaf], statement: Statement, scope: Scope) -> Known:
        """The values that meet each condition, by a statement that gives rows of `MatchingValue`;
        without those conditions that too many meet."""
        limit = len(conditions) * (MAX_MATCHING_VALUES + 1)
        found: dict[int, list[str]] = {number: [] for number in range(len(conditions))}
        for row in self.log.fetch_rows(statement, scope, MatchingValue, limit=limit).items:
            found[row.number].append(row.value)
        return {
            conditions[number]: tuple(values)
            for number, values in found.items()
            if len(values) <= MAX_MATCHING_VALUES
        }

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

    def _hours(self, plan: Plan, limit: int, *, newer: bool = False) -> Hours:
        """The `limit` nearest hours with matches, targets left out of account."""
        if plan.query.predicate == NOTHING:
            return {}
        statement = rollups.hours(plan, newest_first=not newer)
        found = self.log.fetch_rows(statement, plan.query.scope, HourCount, limit=limit).items
        return {hour_start(row.hour): row.count for row in found}

    def _hours_on(self, query: Query, targets: tuple[str, ...]) -> Hours | None:
        """The hours with entries on any of the targets; `None` if their absence is one."""
        if NONE in targets:
            return None
        scope = query.scope

        def compute() -> Hours:
            statement = value_lookup.hours_of(targets, scope)
            rows = self.log.fetch_rows(statement, scope, HourOnTargets, limit=MAX_HOURS).items
            return {row.hour.replace(tzinfo=UTC): row.count for row in rows}

        hours = self.memoized(("hours", targets), scope, compute)
        alone = scope.actor_id is None and query.entry_filter.narrowed_by == ("Target",)
        return hours if alone else dict.fromkeys(hours, 0)

    def _around(self, query: Query, targets: tuple[str, ...]) -> Query:
        """The query from the first to the last hour with entries on any of the targets."""
        scope, time_range = query.scope, query.time_range
        statement = value_lookup.ends_of(targets, scope, time_range)
        (ends,) = self.memoized(
            ("ends", targets, time_range),
            scope,
            lambda: self.log.fetch_rows(statement, scope, Ends, limit=1).items,
        )
        hours = [hour.replace(tzinfo=UTC) for hour in (ends.first, ends.last) if hour is not None]
        return query.within(cut(time_range, hours))
