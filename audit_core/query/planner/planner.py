"""Where in time the matches of a filter lie, found cheaply where the log keeps counts.

What is found here is as of now, and read before the entries themselves. It covers all that the
log held then, so that narrower bounds leave out nothing but what arrived in between.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from audit_core.domain.access import Scope
from audit_core.log.store import AuditLog
from audit_core.query.entry_filter import NONE, EntryFilter
from audit_core.query.keyset import Cursor
from audit_core.query.language.ast import Expression, Leaf, all_of, negation
from audit_core.query.planner import rollups, value_lookup
from audit_core.query.planner.rewrite import (
    NOTHING,
    at_least,
    at_most,
    elsewhere,
    lookups,
    settled,
    sought,
    targets_of,
)
from audit_core.query.planner.rollups import EACH, Countable, hourly, pays
from audit_core.query.time.buckets import Buckets
from audit_core.query.time.windows import EPOCH, Bounds

MOST_HOLDING = 1_000
"""A condition that more values of a field fulfil than this is asked of each entry."""

MOST_HOURS = 2_100_000
"""More hours than lie between the first and the last instant that an entry may carry."""

MOST_REMEMBERED = 200
"""How many answers are kept."""

_ENDS = 2
"""The first and the last hour may lie in the bounds only in part."""

NOWHERE = Bounds(since=EPOCH, until=EPOCH)
_HOUR = timedelta(hours=1)
_Key = tuple[Hashable, Scope, int]
_Found = TypeVar("_Found")
_Hours = dict[datetime, int]
"""By the beginning of an hour, how many matches are certain to lie in it; 0 for perhaps some."""


@dataclass(frozen=True, slots=True)
class Places:
    """Chooses what to read for a filter; without counts, always everything."""

    log: AuditLog
    _found: dict[_Key, Any] = field(default_factory=dict, compare=False, repr=False)
    """What was found lately, by what was asked of which head: the charts of a page ask alike."""

    def countable(
        self, wanted: EntryFilter, scope: Scope, bounds: Bounds, buckets: Buckets | None = None
    ) -> tuple[Countable, Bounds]:
        """What to count the matches from, and the bounds that hold all of them."""
        if not self.log.keeps_counts:
            return EACH, bounds
        if wanted.targets:
            return EACH, _around(self._hours_on(wanted, scope, wanted.targets), bounds)
        if not pays(wanted, bounds):
            return EACH, bounds
        asked = self._settled(wanted, scope)
        each = replace(EACH, asked=asked)
        counts = hourly(asked, bounds, buckets)
        if counts is None:
            return each, bounds
        certain, targets = at_least(asked), targets_of(asked)
        perhaps = all_of([at_most(asked), negation(certain)])
        if targets == () or not self._any(wanted, scope, bounds, replace(counts, asked=perhaps)):
            return replace(counts, asked=certain), bounds
        other = replace(counts, asked=elsewhere(asked))
        if targets is None or self._any(wanted, scope, bounds, other):
            return each, bounds
        return each, _around(self._hours_on(wanted, scope, targets), bounds)

    def page(
        self, wanted: EntryFilter, scope: Scope, bounds: Bounds, cursor: Cursor | None, rows: int
    ) -> tuple[Bounds, Expression | None]:
        """Bounds that hold the page at the cursor and what tells whether there is more, and what
        is asked; see `conditions.matching`."""
        rare = wanted.targets or wanted.text or wanted.query
        if not self.log.keeps_counts or not (rare or wanted.actors or wanted.ip_addresses):
            return bounds, None
        ahead = _ahead(bounds, cursor)
        if wanted.targets:
            asked, hours = None, self._hours_on(wanted, scope, wanted.targets)
        elif not pays(wanted, ahead):
            return bounds, None
        else:
            newer = cursor is not None and cursor.newer
            asked = self._settled(wanted, scope)
            hours = self._matching_hours(wanted, scope, ahead, asked, rows + 1 + _ENDS, newer=newer)
        if hours is not None:
            bounds = _enough(hours, bounds, ahead, cursor, rows + 1)
        return bounds, asked

    def remembered(self, asked: Hashable, scope: Scope, look: Callable[[], _Found]) -> _Found:
        """What `look` finds, or found lately for the same question while nothing has come."""
        key = (asked, scope, self.log.head(scope.organization_id))
        if key in self._found:
            found: _Found = self._found[key]
            return found
        found = look()
        for asked_before in list(self._found):
            _, of, head = asked_before
            if of.organization_id == scope.organization_id and head < key[2]:
                # The log has moved since: nobody asks for this again.
                self._found.pop(asked_before, None)
        # Threads may meet here: each of these steps is one for the interpreter.
        while len(self._found) >= MOST_REMEMBERED:
            self._found.pop(next(iter(list(self._found))), None)
        self._found[key] = found
        return found

    def _matching_hours(
        self,
        wanted: EntryFilter,
        scope: Scope,
        bounds: Bounds,
        asked: Expression,
        most: int,
        *,
        newer: bool,
    ) -> _Hours | None:
        """At least the `most` nearest hours of matches; `None` if counts do not tell."""
        counts = hourly(asked, bounds)
        if counts is None:
            return None
        certain, targets = replace(counts, asked=at_least(asked)), targets_of(asked)
        if targets == ():
            return self._hours(wanted, scope, bounds, certain, most, newer=newer)
        sure = self._hours(wanted, scope, bounds, certain, MOST_HOURS)
        if targets is None:
            other, on_targets = replace(counts, asked=at_most(asked)), None
        else:
            other = replace(counts, asked=elsewhere(asked))
            on_targets = self._hours_on(wanted, scope, targets)
        others = sure if other == certain else self._hours(wanted, scope, bounds, other, MOST_HOURS)
        return dict.fromkeys([*others, *(on_targets or ())], 0) | sure

    def _settled(self, wanted: EntryFilter, scope: Scope) -> Expression:
        """What the filter seeks, with what few values fulfil told by these."""
        asked = sought(wanted)
        if not (conditions := lookups(asked)):
            return asked

        def look() -> Mapping[Leaf, tuple[str, ...]]:
            statement = value_lookup.values_fulfilling(conditions, scope, MOST_HOLDING)
            most = len(conditions) * (MOST_HOLDING + 1)
            found: dict[int, list[str]] = {number: [] for number in range(len(conditions))}
            for row in self.log.fetch(statement, scope, max_rows=most).table.to_pylist():
                found[row["number"]].append(row["value"])
            return {
                conditions[number]: tuple(values)
                for number, values in found.items()
                if len(values) <= MOST_HOLDING
            }

        return settled(asked, self.remembered(("values", conditions), scope, look))

    def _any(self, wanted: EntryFilter, scope: Scope, bounds: Bounds, counts: Countable) -> bool:
        """Whether anything is counted."""
        if counts.asked == NOTHING:
            return False
        statement = rollups.some(wanted, scope, bounds, counts)
        return self.remembered(
            ("any", wanted, bounds, counts.asked),
            scope,
            lambda: bool(self.log.fetch(statement, scope, max_rows=1).table.num_rows),
        )

    def _hours(
        self,
        wanted: EntryFilter,
        scope: Scope,
        bounds: Bounds,
        counts: Countable,
        most: int,
        *,
        newer: bool = False,
    ) -> _Hours:
        """The hours of matches by other columns than the target: the `most` nearest ones."""
        if counts.asked == NOTHING:
            return {}
        statement = rollups.hours(wanted, scope, bounds, counts, newest_first=not newer)
        found = self.log.fetch(statement, scope, max_rows=most).table.to_pylist()
        return {EPOCH + row["hour"] * _HOUR: row["count"] for row in found}

    def _hours_on(self, wanted: EntryFilter, scope: Scope, found: tuple[str, ...]) -> _Hours | None:
        if NONE in found:
            return None

        def look() -> _Hours:
            statement = value_lookup.hours_of(found, scope)
            rows = self.log.fetch(statement, scope, max_rows=MOST_HOURS).table.to_pylist()
            return {row["hour"].replace(tzinfo=UTC): row["count"] for row in rows}

        hours = self.remembered(("hours", found), scope, look)
        alone = scope.actor_id is None and wanted.narrowed_by == ("Target",)
        return hours if alone else dict.fromkeys(hours, 0)


def _around(hours: _Hours | None, bounds: Bounds) -> Bounds:
    """The bounds, narrowed to these hours."""
    return bounds if hours is None else _cut(bounds, hours)


def _cut(bounds: Bounds, hours: Iterable[datetime]) -> Bounds:
    hours = sorted(hours)
    if not hours:
        return NOWHERE
    since, until = hours[0], hours[-1] + _HOUR
    since = since if bounds.since is None else max(since, bounds.since)
    until = until if bounds.until is None else min(until, bounds.until)
    return Bounds(since=since, until=until) if since < until else NOWHERE


def _ahead(bounds: Bounds, cursor: Cursor | None) -> Bounds:
    """The whole hours of the bounds beyond the one in which the cursor lies."""
    if cursor is None:
        return bounds
    hour = cursor.created_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if cursor.newer:
        since = hour + _HOUR
        since = since if bounds.since is None else max(since, bounds.since)
        return Bounds(since=since, until=bounds.until)
    return Bounds(
        since=bounds.since, until=hour if bounds.until is None else min(hour, bounds.until)
    )


def _enough(
    hours: _Hours, bounds: Bounds, ahead: Bounds, cursor: Cursor | None, wanted: int
) -> Bounds:
    """The bounds cut behind as many hours as are certain to hold as many matches as wanted."""
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
        if total >= wanted:
            break
    if cursor is not None:
        taken.append(cursor.created_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0))
    return _cut(bounds, taken)
