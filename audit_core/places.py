"""Where in time the matches of a filter lie, found cheaply where the log keeps counts.

What is found here is as of now, and read before the entries themselves. It covers all that the
log held then, so that narrower bounds leave out nothing but what arrived in between.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from audit_core.access import Scope
from audit_core.log.store import AuditLog
from audit_core.query import statements, targets
from audit_core.query.buckets import Buckets
from audit_core.query.counting import EACH, Countable, hourly, texts_of
from audit_core.query.cursors import Cursor
from audit_core.query.filters import NONE, EntryFilter
from audit_core.query.windows import EPOCH, Bounds

MOST_TARGETS = 100
"""For a text that stands in more targets than this, all entries are read."""

MOST_HOURS = 2_100_000
"""More hours than lie between the first and the last instant that an entry may carry."""

_ENDS = 2
"""The first and the last hour may lie in the bounds only in part."""

NOWHERE = Bounds(since=EPOCH, until=EPOCH)
_HOUR = timedelta(hours=1)
_Hours = dict[datetime, int]
"""By the beginning of an hour, how many matches are certain to lie in it; 0 for perhaps some."""


@dataclass(frozen=True, slots=True)
class Places:
    """Chooses what to read for a filter; without counts, always everything."""

    log: AuditLog

    def countable(
        self, wanted: EntryFilter, scope: Scope, bounds: Bounds, buckets: Buckets | None = None
    ) -> tuple[Countable, Bounds]:
        """What to count the matches from, and the bounds that hold all of them."""
        if not self.log.keeps_counts:
            return EACH, bounds
        if wanted.targets:
            return EACH, _around(self._hours_on(wanted, scope, wanted.targets), bounds)
        counts = hourly(wanted, bounds, buckets)
        if counts is None:
            return EACH, bounds
        held = self._held(texts_of(wanted), scope)
        if held == ():
            return counts, bounds
        if held is None or wanted.query or self._hours(wanted, scope, bounds, counts, 1):
            return EACH, bounds
        # Nothing but targets holds the text.
        return EACH, _around(self._hours_on(wanted, scope, held), bounds)

    def page(
        self, wanted: EntryFilter, scope: Scope, bounds: Bounds, cursor: Cursor | None, rows: int
    ) -> Bounds:
        """Bounds that hold the page at the cursor, and what tells whether there is more."""
        rare = wanted.targets or wanted.text or wanted.query
        if not self.log.keeps_counts or not (rare or wanted.actors or wanted.ip_addresses):
            return bounds
        ahead = _ahead(bounds, cursor)
        if wanted.targets:
            hours = self._hours_on(wanted, scope, wanted.targets)
        else:
            newer = cursor is not None and cursor.newer
            hours = self._matching_hours(wanted, scope, ahead, rows + 1 + _ENDS, newer=newer)
        if hours is None:
            return bounds
        return _enough(hours, bounds, ahead, cursor, rows + 1)

    def _matching_hours(
        self, wanted: EntryFilter, scope: Scope, bounds: Bounds, most: int, *, newer: bool
    ) -> _Hours | None:
        counts = hourly(wanted, bounds)
        if counts is None:
            return None
        held = self._held(texts_of(wanted), scope)
        if held is None or (held and wanted.query):
            return None
        hours = self._hours(wanted, scope, bounds, counts, most, newer=newer)
        for hour in self._hours_on(wanted, scope, held) or () if held else ():
            hours.setdefault(hour, 0)
        return hours

    def _held(self, texts: tuple[str, ...], scope: Scope) -> tuple[str, ...] | None:
        """The targets that hold any of the texts; `None` for too many."""
        if not texts:
            return ()
        fetched = self.log.fetch(targets.holding(texts, scope), scope, max_rows=MOST_TARGETS)
        return None if fetched.truncated else tuple(fetched.table.column(0).to_pylist())

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
        statement = statements.hours(wanted, scope, bounds, counts, newest_first=not newer)
        found = self.log.fetch(statement, scope, max_rows=most).table.to_pylist()
        return {EPOCH + row["hour"] * _HOUR: row["count"] for row in found}

    def _hours_on(self, wanted: EntryFilter, scope: Scope, found: tuple[str, ...]) -> _Hours | None:
        if NONE in found:
            return None
        statement = targets.hours_of(found, scope)
        alone = scope.actor_id is None and wanted.narrowed_by == ("Target",)
        return {
            row["hour"].replace(tzinfo=UTC): row["count"] if alone else 0
            for row in self.log.fetch(statement, scope, max_rows=MOST_HOURS).table.to_pylist()
        }


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
