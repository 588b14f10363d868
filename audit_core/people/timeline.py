"""What one actor did over time: lanes, and marks on them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from audit_core.domain.entries import Category, Outcome, outcome_of
from audit_core.explore.reader import MAX_GROUPS, Reader
from audit_core.people import timeline_sql
from audit_core.people.results import instant
from audit_core.people.timeline_sql import LaneKind, LanePlace, LaneRow, MarkRow
from audit_core.query.query import Query
from audit_core.query.time.spans import width_us as width_of

STRETCHES = 600
"""How many stretches of time a timeline has at most, about a pixel or two wide."""

MAX_MARKS = 4_000
"""How many marks a timeline has at most, so that a browser draws them smoothly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One target, or one category, that an actor worked on."""

    place: LanePlace
    count: int
    failed: int
    first: datetime
    last: datetime
    """Of the actor's matching entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Entries of one outcome on one lane that lie so close that they are drawn as one."""

    lane: int
    """Its place in `Timeline.lanes`."""
    outcome: Outcome
    count: int
    first: datetime
    last: datetime
    action: str | None
    """`None` if there are several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What an actor did over time."""

    lanes: tuple[Lane, ...]
    """Busiest first."""
    all_lanes: int
    """How many there would be."""
    marks: tuple[Mark, ...]
    """In order of lane, time and outcome."""
    width_us: int
    """How long, in microseconds, the stretch is whose entries are drawn as one mark."""
    since: datetime
    until: datetime

    @property
    def entries(self) -> int:
        """How many entries the marks stand for."""
        return sum(mark.count for mark in self.marks)

    @property
    def merged(self) -> int:
        """How many of them share a mark with others."""
        return sum(mark.count for mark in self.marks if mark.count > 1)


@dataclass(frozen=True, slots=True)
class TimelineReader:
    """The read. It takes the scope of one actor."""

    reader: Reader

    def timeline(
        self,
        query: Query,
        now: datetime,
        kind: LaneKind,
        most_lanes: int,
    ) -> Timeline:
        """What the scope's actor did over time, on the busiest lanes; marks that would lie on
        each other are merged, in stretches wide enough that there are at most `MAX_MARKS`."""
        since, until = self.reader.span(query, now)
        statement = timeline_sql.lanes(query, kind)
        found = self.reader.log.fetch_rows(statement, query.scope, LaneRow, limit=most_lanes).items
        lanes = tuple(map(_lane, found))
        width_us = width_of(since, until, STRETCHES)
        marks: tuple[Mark, ...] = ()
        if lanes:
            statement = timeline_sql.marks(
                query,
                places=[lane.place for lane in lanes],
                since=since,
                width_us=width_us,
            )
            found_marks = self.reader.log.fetch_rows(
                statement, query.scope, MarkRow, limit=MAX_GROUPS
            )
            factor, marks = _merged(found_marks.items)
            width_us *= factor
        return Timeline(
            lanes=lanes,
            all_lanes=found[0].lanes if found else 0,
            marks=marks,
            width_us=width_us,
            since=since,
            until=until,
        )


def _lane(row: LaneRow) -> Lane:
    return Lane(
        place=LanePlace(
            target_type=row.target_type,
            target_id=row.target_id,
            category=None if row.category is None else Category(row.category),
        ),
        count=row.count,
        failed=row.failed,
        first=instant(row.first),
        last=instant(row.last),
    )


def _merged(rows: Sequence[MarkRow]) -> tuple[int, tuple[Mark, ...]]:
    """The marks, of stretches joined by twos until there are few enough; and how many joined."""
    factor = 1
    while True:
        groups: dict[tuple[int, int, Outcome], list[MarkRow]] = defaultdict(list)
        for row in rows:
            outcome = outcome_of(row.hundred * 100 if row.hundred else row.hundred)
            groups[row.lane, row.number // factor, outcome].append(row)
        if len(groups) <= MAX_MARKS:
            return factor, tuple(
                _mark(lane, outcome, groups[lane, number, outcome])
                for lane, number, outcome in sorted(groups)
            )
        factor *= 2


def _mark(lane: int, outcome: Outcome, rows: list[MarkRow]) -> Mark:
    actions = {action for row in rows for action in (row.first_action, row.last_action)}
    return Mark(
        lane=lane,
        outcome=outcome,
        count=sum(row.count for row in rows),
        first=instant(min(row.first for row in rows)),
        last=instant(max(row.last for row in rows)),
        action=actions.pop() if len(actions) == 1 else None,
    )
