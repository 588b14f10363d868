"""The statement of values that a group never had before. Builds, never runs.

History may be all that an organization does, so it is not gone through entry by entry: of each
value and each while only the first and the last entry are kept, its *points*. As long as a while is
no longer than the history that is looked at, something lies in that if and only if a point does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Subquery,
    and_,
    case,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy import union_all as all_of

from audit_core.detect.rules.rule import FirstSeen
from audit_core.detect.selected_sql import (
    Search,
    groups_of,
    milliseconds,
    selected,
    selected_by,
)
from audit_core.log.sql.functions import ONCE, floor_div

_LONGEST_WHILE = 86_400_000
"""In milliseconds."""


def first_seen(search: Search, correlation: FirstSeen) -> Subquery:
    """The entries of the first selection all of whose values are new: their groups, `at` in
    milliseconds, `created_at` and `seq`."""
    history = selected(search, before=correlation.before, fields=correlation.fields)
    reach = _Reach(correlation)
    own = [column.name for column in groups_of(history, search.rule)]
    found = selected_by(search, 0, fields=correlation.fields)
    for place in range(1, len(correlation.fields) + 1):
        points = _points(history, own, f"value_{place}", reach)
        if place == 1:
            found = _near_news(found, points, own, reach)
        found = _new(found, points, own, place, reach)
    return select(*(found.c[name] for name in (*own, "at", "created_at", "seq"))).subquery()


class _Reach:
    """In milliseconds, where before an entry history lies, and how long a while is."""

    def __init__(self, correlation: FirstSeen) -> None:
        self.farthest = milliseconds(correlation.before)
        self.nearest = max(1, milliseconds(correlation.within))
        self.known = max(self.nearest, milliseconds(correlation.known))
        self.longest_while = max(1, min(_LONGEST_WHILE, self.farthest - self.known))

    def holds_none(self, latest: ColumnElement[Any], at: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether the latest of it is too far, or there is none."""
        return or_(latest.is_(None), latest < at - literal(self.farthest, BigInteger))

    def number(self, at: ColumnElement[Any]) -> ColumnElement[int]:
        """In which while a time lies."""
        return floor_div(at, literal(self.longest_while, BigInteger))


def _up_to(
    nearest: int, partition: Sequence[ColumnElement[Any]], at: ColumnElement[Any]
) -> dict[str, Any]:
    """The window of all that was so many milliseconds before, or earlier."""
    return {"partition_by": list(partition) or None, "order_by": at, "range_": (None, -nearest)}


def _points(history: Subquery, own: list[str], value: str, reach: _Reach) -> CTE:
    """Of each group, value and while the first entry (`is_first` 1) and the last one, each with the
    `last` of its while."""
    grouped = [*(history.c[name] for name in own), history.c[value].label("value")]
    number = reach.number(history.c.at)
    whiles = (
        select(
            *grouped,
            number.label("number"),
            func.min(history.c.at).label("first"),
            func.max(history.c.at).label("last"),
            func.min(history.c.created_at).label("created_at"),
        )
        .group_by(*(history.c[name] for name in own), history.c[value], number)
        .cte(f"whiles_of_{value}")
        .prefix_with(ONCE)
    )
    kept = [whiles.c[name] for name in (*own, "value", "number", "last", "created_at")]
    ends = (("first", 1), ("last", 0))
    points = all_of(
        *(
            select(
                *kept,
                whiles.c[end].label("at"),
                literal(is_first, BigInteger).label("is_first"),
            )
            for end, is_first in ends
        )
    )
    return points.cte(f"points_of_{value}").prefix_with(ONCE)


def _near_news(found: Subquery, points: CTE, own: list[str], reach: _Reach) -> Subquery:
    """Without entries of whiles in which each has history for certain, or its group is not known:
    nearly all."""
    grouped = [points.c[name] for name in (*own, "value")]
    latest = func.max(points.c.at).over(**_up_to(reach.nearest, grouped, points.c.at))
    # Of the last entry of the while it may be known what is not known of the first.
    soonest = reach.known - reach.longest_while
    group = [points.c[name] for name in own]
    known = func.max(points.c.at).over(**_up_to(soonest, group, points.c.at))
    told = select(points, latest.label("latest"), known.label("known")).subquery()
    news = (
        select(*(told.c[name] for name in (*own, "value", "number")))
        .where(
            told.c.is_first == 1,
            reach.holds_none(told.c.latest, told.c.last),
            told.c.known >= told.c.at - literal(reach.farthest, BigInteger),
        )
        .subquery()
    )
    same = and_(
        *(found.c[name] == news.c[name] for name in own),
        found.c.value_1 == news.c.value,
        reach.number(found.c.at) == news.c.number,
    )
    return select(found).join_from(found, news, same).subquery()


def _new(found: Subquery, points: CTE, own: list[str], place: int, reach: _Reach) -> Subquery:
    """Those whose value at a place (from 1) is new. At the first one also: whose group is not."""
    names = [*own, *(column.name for column in found.c if column.name.startswith("value_"))]
    kept = (*names, "at", "created_at", "seq")
    stand_ins = [
        points.c.value if name == f"value_{place}" else literal("").label(name)
        for name in names
        if name not in own
    ]
    both = all_of(
        select(*(found.c[name] for name in kept), literal(1, BigInteger).label("is_found")),
        select(
            *(points.c[name] for name in own),
            *stand_ins,
            points.c.at,
            points.c.created_at,
            literal(0, BigInteger),
            literal(0, BigInteger),
        ),
    ).subquery()
    point = case((both.c.is_found == 0, both.c.at))
    group = [both.c[name] for name in own]
    had = func.max(point).over(
        **_up_to(reach.nearest, [*group, both.c[f"value_{place}"]], both.c.at)
    )
    known = func.max(point).over(**_up_to(reach.known, group, both.c.at))
    told = select(both, had.label("had"), known.label("known")).subquery()
    fresh = select(*(told.c[name] for name in kept)).where(
        told.c.is_found == 1, reach.holds_none(told.c.had, told.c.at)
    )
    if place == 1:
        # Of whom nothing is known, everything is new.
        fresh = fresh.where(told.c.known >= told.c.at - literal(reach.farthest, BigInteger))
    return fresh.subquery()
