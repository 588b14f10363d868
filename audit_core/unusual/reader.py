"""Reads of what is unusual: runs the statements and lets the pure functions decide."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit_core.domain.access import Scope
from audit_core.domain.addresses import address_key
from audit_core.domain.ip_addresses import address_text
from audit_core.domain.listing import Listing
from audit_core.explore.reader import MAX_GROUPS, Reader
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.planner.plan import Plan
from audit_core.query.query import Query
from audit_core.query.time.buckets import HOUR_US, Buckets, spans_of
from audit_core.query.time.hours import hour_start
from audit_core.query.time.windows import TimeRange, clamped
from audit_core.unusual import (
    first_seen,
    first_seen_sql,
    new_errors_sql,
    off_hours,
    off_hours_sql,
    spike,
    spikes_sql,
    wording,
)
from audit_core.unusual.findings import Finding, Findings, bounded, ranked
from audit_core.unusual.first_seen import FirstSeen, History, Novelty
from audit_core.unusual.first_seen_sql import ActorHistory, FirstSeenRow
from audit_core.unusual.new_errors_sql import NewErrorRow, TemplateRow
from audit_core.unusual.off_hours import Hours, Stretch
from audit_core.unusual.off_hours_sql import ActiveHourRow, UsualHourRow
from audit_core.unusual.peaks import Key, Peak, distinct, key_of, largest_peak
from audit_core.unusual.spikes_sql import PeakRow, UsualRow
from audit_core.unusual.wording import Newcomer, Setting

WEEK = timedelta(days=7)

MAX_FIRST_SEEN = 2_000
MAX_TEMPLATES = 200
MAX_PEAKS = 5_000
"""How many rows of each the findings of a week are made of; of more that is said."""


@dataclass(frozen=True, slots=True)
class UnusualReader:
    """The reads."""

    reader: Reader

    def first_seen(
        self, query: Query, limit: int, kinds: Sequence[Novelty] = tuple(Novelty)
    ) -> Listing[FirstSeen]:
        """What the scope's actors had in the time range and not in the `LOOK_BACK` before it,
        latest first. Raises `ValueError` for a time range without a beginning."""
        return self._first_seen(*self._plans(query, first_seen.LOOK_BACK), limit, kinds)

    def history(self, query: Query) -> History:
        """What is known of the whole scope from the `LOOK_BACK` before the time range."""
        _, before = self._plans(query, first_seen.LOOK_BACK)
        return _whole(self._histories(before).items)

    def findings(self, scope: Scope, end: datetime, zone: str, limit: int) -> Findings:
        """What is unusual in the week that ends at `end` (aware), at most `limit` findings.

        Its beginning is moved to the beginning of its hour. Raises what a read of the log raises.
        """
        since = clamped((end - WEEK).replace(minute=0, second=0, microsecond=0))
        if since >= end:
            return Findings(since=end, until=end, items=(), left_out={}, unjudged=0, known=False)
        week = TimeRange(since=since, until=end)
        query = Query(EntryFilter(), scope, week)
        now, before = self._plans(query, first_seen.LOOK_BACK)
        earlier = self._histories(before)
        present = self._histories(now)
        histories = {row.actor_id: _history(row) for row in earlier.items}
        names = {row.actor_id: row.actor_email or row.actor_id for row in present.items}
        if not _whole(earlier.items).tells(since):
            return Findings(
                since=since, until=end, items=(), left_out={}, unjudged=len(names), known=False
            )
        known = {actor for actor in names if histories.get(actor, History()).tells(since)}
        setting = Setting(week=week, zone=zone, names=names)
        new = _newcomers(present.items, earlier.items)
        kinds = (Novelty.ADDRESS, Novelty.KEY)
        things = self._first_seen(now, before, MAX_FIRST_SEEN, kinds)
        of_known = [thing for thing in things.items if thing.actor_id in known]
        errors = self._new_errors(now, before)
        peaks = self._peaks(query, known)
        stretches, more_stretches = self._off_hours(query, zone)
        found: list[Finding] = [
            *wording.of_people(setting, new),
            *wording.of_first_seen(setting, of_known),
            *wording.of_errors(setting, errors.items),
            *wording.of_peaks(setting, peaks.items),
            *wording.of_stretches(setting, stretches),
        ]
        items, left_out = bounded(ranked(found), limit)
        return Findings(
            since=since,
            until=end,
            items=items,
            left_out=left_out,
            unjudged=len(names) - len(known) - len(new),
            known=True,
            truncated=more_stretches
            or any(read.truncated for read in (earlier, present, things, errors, peaks)),
        )

    def _plans(
        self, query: Query, look_back: timedelta, buckets: Buckets | None = None
    ) -> tuple[Plan, Plan]:
        """Of the time range, and of the time before it."""
        since = query.time_range.since
        if since is None:
            raise ValueError("nothing lies before a time range without a beginning")
        earlier = TimeRange(since=since - look_back, until=since)
        plan = self.reader.planner.plan
        return plan(query, buckets), plan(query.within(earlier), buckets)

    def _first_seen(
        self, now: Plan, before: Plan, limit: int, kinds: Sequence[Novelty]
    ) -> Listing[FirstSeen]:
        statement = first_seen_sql.first_seen(now, before, kinds)
        listed = self.reader.log.fetch_rows(statement, now.query.scope, FirstSeenRow, limit=limit)
        return Listing(tuple(_first_seen(row, kinds) for row in listed.items), listed.truncated)

    def _histories(self, plan: Plan) -> Listing[ActorHistory]:
        statement = first_seen_sql.histories(plan)
        scope = plan.query.scope
        return self.reader.log.fetch_rows(statement, scope, ActorHistory, limit=MAX_GROUPS)

    def _new_errors(self, now: Plan, before: Plan) -> Listing[NewErrorRow]:
        scope, log = now.query.scope, self.reader.log
        listed = log.fetch_rows(
            new_errors_sql.new_messages(now, before), scope, NewErrorRow, limit=MAX_TEMPLATES
        )
        if not listed.items:
            return listed
        templates = [row.template for row in listed.items]
        statement = new_errors_sql.templates_among(before, templates, scope)
        old = log.fetch_rows(statement, scope, TemplateRow, limit=len(templates)).items
        there_was = {row.template for row in old}
        fresh = tuple(row for row in listed.items if row.template not in there_was)
        return Listing(fresh, listed.truncated)

    def _peaks(self, query: Query, known: set[str]) -> Listing[Peak]:
        now, before = self._plans(query, spike.LOOK_BACK)
        log, scope, at_least = self.reader.log, query.scope, spike.MIN_COUNT
        high = log.fetch_rows(
            spikes_sql.peaks(now, at_least=at_least), scope, PeakRow, limit=MAX_PEAKS
        )
        if not high.items:
            return Listing((), False)
        earlier = log.fetch_rows(
            spikes_sql.usual(now, before, at_least=at_least), scope, UsualRow, limit=MAX_GROUPS
        )
        usual: dict[Key, dict[int, int]] = defaultdict(dict)
        for row in earlier.items:
            usual[key_of(row)][row.count] = row.hours
        counts: dict[Key, dict[int, int]] = defaultdict(dict)
        for peak in high.items:
            if not peak.actor_id or peak.actor_id in known:
                counts[key_of(peak)][peak.hour] = peak.count
        found = (largest_peak(key, hours, usual.get(key, {})) for key, hours in counts.items())
        return Listing(
            distinct(peak for peak in found if peak is not None),
            high.truncated or earlier.truncated,
        )

    def _off_hours(self, query: Query, zone: str) -> tuple[Mapping[str, Sequence[Stretch]], bool]:
        """The stretches of each actor, and whether a read gave its first rows only."""
        time_range = query.time_range
        assert time_range.since is not None and time_range.until is not None  # noqa: S101
        buckets = Buckets(
            width_us=HOUR_US,
            spans=spans_of(time_range.since - off_hours.LOOK_BACK, time_range.until, zone),
            zone=zone,
        )
        now, before = self._plans(query, off_hours.LOOK_BACK, buckets)
        log, scope = self.reader.log, query.scope
        active: dict[str, dict[datetime, int]] = defaultdict(lambda: defaultdict(int))
        statement = off_hours_sql.unusual_hours(now, before, buckets, at_most=off_hours.AT_MOST)
        present = log.fetch_rows(statement, scope, ActiveHourRow, limit=MAX_GROUPS)
        for row in present.items:
            active[row.actor_id][buckets.start(row.number, row.offset_us)] += row.count
        if not active:
            return {}, False
        weekly: dict[str, dict[int, int]] = defaultdict(dict)
        days: dict[str, int] = {}
        earlier = log.fetch_rows(
            off_hours_sql.usual_hours(before, buckets), scope, UsualHourRow, limit=MAX_GROUPS
        )
        for usual in earlier.items:
            weekly[usual.actor_id][usual.hour] = usual.days
            days[usual.actor_id] = usual.all_days
        judged = {
            actor: off_hours.stretches(
                counts, Hours(of_week=weekly.get(actor, {}), days=days.get(actor, 0))
            )
            for actor, counts in active.items()
        }
        found = {actor: own for actor, own in judged.items() if own}
        return found, present.truncated or earlier.truncated


def _first_seen(row: FirstSeenRow, kinds: Sequence[Novelty]) -> FirstSeen:
    kind = first_seen_sql.kind_of(row.group_bits, kinds)
    address = None if row.ip_address is None else address_text(row.ip_address)
    parts = {
        Novelty.ADDRESS: (address,),
        Novelty.KEY: (row.actor_api_key_prefix, row.actor_api_key_suffix),
        Novelty.CLIENT: (row.source, row.user_agent),
        Novelty.ACTION: (row.action,),
    }
    return FirstSeen(
        actor_id=row.actor_id,
        kind=kind,
        parts=parts[kind],
        hour=hour_start(row.hour),
        count=row.count,
        sensitive=row.sensitive,
    )


def _newcomers(present: Sequence[ActorHistory], earlier: Sequence[ActorHistory]) -> list[Newcomer]:
    """Who is there now and was not before, neither by the id nor by the e-mail address."""
    ids = {row.actor_id for row in earlier}
    addresses = {address_key(row.actor_email) for row in earlier} - {""}
    return [
        Newcomer(
            actor_id=row.actor_id,
            count=row.count,
            sensitive=row.sensitive,
            first=hour_start(row.hour),
        )
        for row in present
        if row.actor_id not in ids and address_key(row.actor_email) not in addresses
    ]


def _history(row: ActorHistory) -> History:
    return History(entries=row.count, since=hour_start(row.hour))


def _whole(rows: Sequence[ActorHistory]) -> History:
    if not rows:
        return History()
    return History(
        entries=sum(row.count for row in rows), since=hour_start(min(row.hour for row in rows))
    )
