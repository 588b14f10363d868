"""Reads of the log for the pages: builds a statement, runs it, gives a frozen answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from audit_core.domain.access import Scope
from audit_core.domain.entries import AuditEntry, Outcome, outcome_of
from audit_core.explore import facets, message_patterns, overview, statements
from audit_core.explore.autocomplete.suggestions import Listed
from audit_core.explore.facets import Facet, FacetValue
from audit_core.explore.message_patterns import SPANS, Patterns
from audit_core.explore.related import Kinship, kin
from audit_core.explore.results import (
    Neighbours,
    OutcomeHistogram,
    Page,
    Row,
    Share,
    Shares,
    Summary,
)
from audit_core.log.schema import from_arrow
from audit_core.log.store import AuditLog, Fetched
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.keyset import Cursor, numbers_of
from audit_core.query.planner.planner import MOST_HOURS, Places
from audit_core.query.planner.rollups import EACH, Countable
from audit_core.query.time.buckets import buckets_for
from audit_core.query.time.spans import Spans
from audit_core.query.time.windows import EPOCH, Bounds

MOST_GROUPS = 100_000
"""How many groups a chart's statement may give; far above what any chart can show."""

EXPORT_STEP = 50_000
"""How many entries a download reads at once, each step in a short transaction of its own."""


@dataclass(frozen=True, slots=True)
class Reader:
    """The reads. Each takes the filter, the scope and what the window means now."""

    log: AuditLog
    places: Places = field(init=False, compare=False, repr=False)
    """Remembers where matches lie; whatever else reads the log for a page asks it as well."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", Places(self.log))

    def page(
        self, wanted: EntryFilter, scope: Scope, bounds: Bounds, cursor: Cursor | None, rows: int
    ) -> Page:
        """The page at the cursor; the newest one for `None`."""
        place, asked = self.places.page(wanted, scope, bounds, cursor, rows)
        statement = statements.page(wanted, scope, place, cursor=cursor, rows=rows, asked=asked)
        fetched = self.log.fetch(statement, scope, max_rows=rows)
        found = _rows(fetched, scope)
        back = cursor is not None and cursor.newer
        if back:
            found.reverse()
        more_older = fetched.truncated if not back else True
        more_newer = fetched.truncated if back else cursor is not None
        return Page(
            rows=tuple(found),
            older=found[-1].cursor(newer=False) if found and more_older else None,
            newer=found[0].cursor(newer=True) if found and more_newer else None,
            elapsed_s=fetched.elapsed_s,
        )

    def outcomes_over_time(
        self, wanted: EntryFilter, scope: Scope, bounds: Bounds, now: datetime
    ) -> OutcomeHistogram:
        """Entries by bucket of time and outcome; an open window is cut to what it holds."""
        since, until = self.span(wanted, scope, bounds, now)
        buckets = buckets_for(since, until, wanted.window.zone)
        source, place = self.places.countable(wanted, scope, bounds, buckets)
        table = self.log.fetch(
            statements.histogram(wanted, scope, place, buckets, source),
            scope,
            max_rows=MOST_GROUPS,
        ).table
        counts: dict[tuple[datetime, Outcome], int] = defaultdict(int)
        for group in table.to_pylist():
            start = buckets.start(group["number"], group["offset_us"])
            counts[start.astimezone(UTC), outcome_of(group["status_code"])] += group["count"]
        zone = wanted.window.zone_info
        return OutcomeHistogram(
            buckets=buckets,
            counts=tuple(
                (start.astimezone(zone), outcome, count)
                for (start, outcome), count in sorted(counts.items())
            ),
            since=since,
            until=until,
        )

    def span(
        self, wanted: EntryFilter, scope: Scope, bounds: Bounds, now: datetime
    ) -> tuple[datetime, datetime]:
        """The window's two ends, an open one replaced by the first match or by `now`."""
        until = bounds.until or now
        if bounds.since is not None:
            return bounds.since, max(until, bounds.since)
        earliest = self.places.remembered(
            ("earliest", wanted, bounds),
            scope,
            lambda: self._earliest(wanted, scope, bounds),
        )
        return (until if earliest is None else min(earliest, until)), until

    def _earliest(self, wanted: EntryFilter, scope: Scope, bounds: Bounds) -> datetime | None:
        source, place = self.places.countable(wanted, scope, bounds)
        earliest = self._first(wanted, scope, place, source)
        if earliest is None or source.number is None:
            return earliest
        each = replace(EACH, asked=source.asked)
        hour = Bounds(since=earliest, until=earliest + timedelta(hours=1))
        return self._first(wanted, scope, hour, each)

    def _first(
        self, wanted: EntryFilter, scope: Scope, bounds: Bounds, source: Countable
    ) -> datetime | None:
        statement = statements.time_range(wanted, scope, bounds, source)
        table = self.log.fetch(statement, scope, max_rows=1).table
        earliest: datetime | None = table.column("earliest")[0].as_py()
        return None if earliest is None else earliest.replace(tzinfo=UTC)

    def row(self, entry_id: str, scope: Scope, created_at: datetime | None = None) -> Row | None:
        """The entry with this id and its place; `None` if the scope does not hold it.

        `created_at` is where to look first: with it the answer comes at once on every engine.
        """
        for time in dict.fromkeys((created_at, None)):
            statement = statements.entry_with_id(entry_id, scope, created_at=time)
            if found := _rows(self.log.fetch(statement, scope, max_rows=1), scope):
                return found[0]
        return None

    def entry(
        self, entry_id: str, scope: Scope, created_at: datetime | None = None
    ) -> AuditEntry | None:
        """The entry with this id; see `row`."""
        found = self.row(entry_id, scope, created_at)
        return None if found is None else found.entry

    def neighbours(self, row: Row, kinship: Kinship, scope: Scope, most: int) -> Neighbours:
        """The at most `most` entries before and after one that have this in common with it."""
        wanted = kin(row.entry, kinship)
        if wanted is None:
            return Neighbours(newer=(), older=(), more_newer=False, more_older=False)
        always = Bounds(since=None, until=None)
        newer, older = (
            self.page(wanted, scope, always, row.cursor(newer=newer), most)
            for newer in (True, False)
        )
        return Neighbours(
            newer=newer.rows,
            older=older.rows,
            more_newer=newer.newer is not None,
            more_older=older.older is not None,
        )

    def values(
        self, param: str, wanted: EntryFilter, scope: Scope, bounds: Bounds, most: int
    ) -> tuple[str, ...]:
        """The most frequent values of a field, absent ones left out."""
        listed = self.listed(param, wanted, scope, bounds, most)
        return tuple(each.value for each in listed.values)

    def listed(
        self, param: str, wanted: EntryFilter, scope: Scope, bounds: Bounds, most: int
    ) -> Listed:
        """The most frequent values of a field with their counts, absent ones left out."""
        source, place = self.places.countable(wanted, scope, bounds)
        statement = statements.values(param, wanted, scope, place, source)
        fetched = self.log.fetch(statement, scope, max_rows=most)
        return Listed(
            values=tuple(
                FacetValue(value=str(row["value"]), count=row["count"])
                for row in fetched.table.to_pylist()
            ),
            complete=not fetched.truncated,
        )

    def summary(self, wanted: EntryFilter, scope: Scope, bounds: Bounds) -> Summary:
        """The figures at the top of Overview."""
        source, place = self.places.countable(wanted, scope, bounds)
        statement = overview.summary(wanted, scope, place, source)
        return Summary(**self.log.fetch(statement, scope, max_rows=1).table.to_pylist()[0])

    def actions(self, wanted: EntryFilter, scope: Scope, bounds: Bounds, most: int) -> Shares:
        """The most frequent actions."""
        source, place = self.places.countable(wanted, scope, bounds)
        statement = overview.actions(wanted, scope, place, source)
        fetched = self.log.fetch(statement, scope, max_rows=most)
        return Shares(
            largest=tuple(
                Share(name=group["action"], count=group["count"], failed=group["failed"])
                for group in fetched.table.to_pylist()
            ),
            truncated=fetched.truncated,
        )

    def actors(self, wanted: EntryFilter, scope: Scope, bounds: Bounds, most: int) -> Shares:
        """The most active actors."""
        source, place = self.places.countable(wanted, scope, bounds)
        statement = overview.actors(wanted, scope, place, source)
        fetched = self.log.fetch(statement, scope, max_rows=most)
        return Shares(
            largest=tuple(
                Share(name=group["actor"], count=group["count"], failed=group["failed"])
                for group in fetched.table.to_pylist()
            ),
            truncated=fetched.truncated,
        )

    def errors(
        self, wanted: EntryFilter, scope: Scope, bounds: Bounds, most: int
    ) -> tuple[tuple[tuple[str, int, int], ...], bool]:
        """(Action, status code, entries) of the commonest errors; whether there are more."""
        source, place = self.places.countable(wanted, scope, bounds)
        statement = overview.errors(wanted, scope, place, source)
        fetched = self.log.fetch(statement, scope, max_rows=most)
        return (
            tuple(
                (group["action"], group["status_code"], group["count"])
                for group in fetched.table.to_pylist()
            ),
            fetched.truncated,
        )

    def hours_of_week(
        self, wanted: EntryFilter, scope: Scope, bounds: Bounds, now: datetime
    ) -> tuple[tuple[int, int, int], ...]:
        """(Hour of the week from Monday midnight in the zone, entries, failed); no zeros."""
        since, until = self.span(wanted, scope, bounds, now)
        buckets = buckets_for(since, until, wanted.window.zone)
        source, place = self.places.countable(wanted, scope, bounds, buckets)
        statement = overview.hours_of_week(wanted, scope, place, buckets, source)
        table = self.log.fetch(statement, scope, max_rows=7 * 24).table
        return tuple((row["hour"], row["count"], row["failed"]) for row in table.to_pylist())

    def facets(
        self, wanted: EntryFilter, scope: Scope, bounds: Bounds, most: int
    ) -> tuple[Facet, ...]:
        """How often each value of each field occurs: the `most` frequent ones, in one scan."""
        source, place = self.places.countable(wanted, scope, bounds)
        statement = facets.facets(wanted, scope, place, source)
        return facets.add_up(
            self.log.fetch(statement, scope, max_rows=MOST_GROUPS).table.to_pylist(), most=most
        )

    def patterns(
        self, wanted: EntryFilter, scope: Scope, bounds: Bounds, now: datetime, most: int
    ) -> Patterns:
        """The `most` commonest patterns of error messages; `now` stands for an open end."""
        since, until = self.span(wanted, scope, bounds, now)
        spans = Spans(since=since, until=until, number=SPANS)
        statement = message_patterns.patterns(wanted, scope, bounds, spans, most=most)
        rows = self.log.fetch(statement, scope, max_rows=(most + 1) * SPANS).table
        return message_patterns.add_up(rows.to_pylist(), scope, most=most)

    def export(
        self, wanted: EntryFilter, scope: Scope, bounds: Bounds
    ) -> Iterator[list[AuditEntry]]:
        """Every match that was stored when this began, oldest first, in lists of some thousands.

        Memory does not grow with the number of matches.
        """
        last_seq = self.log.last_seq()
        statement = statements.export_hours(wanted, scope, bounds, last_seq=last_seq)
        hours = self.log.fetch(statement, scope, max_rows=MOST_HOURS).table.to_pylist()
        for stretch in stretches(
            [(row["hour"], row["count"]) for row in hours], bounds, most=EXPORT_STEP
        ):
            yield from self._export_stretch(wanted, scope, stretch, last_seq)

    def _export_stretch(
        self, wanted: EntryFilter, scope: Scope, stretch: Bounds, last_seq: int
    ) -> Iterator[list[AuditEntry]]:
        after: Cursor | None = None
        while True:
            fetched = self.log.fetch(
                statements.export_page(wanted, scope, stretch, after=after, last_seq=last_seq),
                scope,
                max_rows=EXPORT_STEP,
            )
            if not fetched.table.num_rows:
                return
            found = from_arrow(fetched.table)
            yield found
            if not fetched.truncated:
                return
            after = Cursor(
                created_at=found[-1].created_at,
                seq=numbers_of(fetched.table, scope)[-1],
                newer=True,
            )


def _rows(fetched: Fetched, scope: Scope) -> list[Row]:
    seqs = numbers_of(fetched.table, scope)
    times = fetched.table.column("received_at").to_pylist()
    return [
        Row(seq=seq, entry=entry, received_at=received.replace(tzinfo=UTC))
        for seq, received, entry in zip(seqs, times, from_arrow(fetched.table), strict=True)
    ]


def stretches(hours: Sequence[tuple[int, int]], bounds: Bounds, *, most: int) -> Iterator[Bounds]:
    """The bounds cut at whole hours, so that each part holds at most `most` entries, if it is
    longer than an hour.

    `hours` holds (hours since 1970, entries) in order of time. Together the parts cover the bounds.
    """
    since, held = bounds.since, 0
    for hour, count in hours:
        if held and held + count > most:
            until = EPOCH + timedelta(hours=hour)
            yield Bounds(since=since, until=until)
            since, held = until, 0
        held += count
    if held:
        yield Bounds(since=since, until=bounds.until)
