"""The statements of one actor's timeline: lanes, and marks on them. Builds, never runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, null, or_, select, true
from sqlalchemy.sql.expression import FromClause

from audit_core.domain.entries import Category
from audit_core.log.schema import Statement, entries
from audit_core.log.sql.functions import floor_div
from audit_core.people.actors_sql import stretch
from audit_core.query.derived_columns import Condition, failed, in_category
from audit_core.query.query import Query
from audit_core.query.where import where_clause


class LaneKind(StrEnum):
    """What has a lane of its own. The value is the name used in URLs."""

    TARGET = "target"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True, kw_only=True)
class LanePlace:
    """Which entries stand on a lane: those of one target, or of one category."""

    target_type: str | None = None
    target_id: str | None = None
    """`None` for entries without a target, such as a failed `create`."""
    category: Category | None = None
    """`None` on a lane of a target."""


def require_actor(query: Query) -> Query:
    """The query. Raises `ValueError` unless its scope is that of one actor."""
    if query.scope.actor_id is None:
        raise ValueError("a timeline needs the scope of one actor")
    return query


@dataclass(frozen=True, slots=True)
class LaneRow:
    """What one lane holds."""

    target_type: str | None
    target_id: str | None
    category: str | None
    """`None` on a lane of a target; the two above on one of a category."""
    count: int
    failed: int
    first: datetime
    last: datetime
    """In UTC without a zone."""
    lanes: int
    """How many there are in all."""


def lanes(query: Query, kind: LaneKind) -> Statement:
    """The lanes of the scope's actor, busiest first: rows of `LaneRow`."""
    columns = _columns(kind)
    lane = (
        select(
            *columns,
            func.count().label("count"),
            func.count().filter(failed(entries)).label("failed"),
            func.min(entries.c.created_at).label("first"),
            func.max(entries.c.created_at).label("last"),
        )
        .where(where_clause(entries, require_actor(query)))
        .group_by(*(_grouped(column) for column in columns))
        .subquery("lane")
    )
    named = [lane.c[column.name] for column in columns]
    absent = [
        null().label(name)
        for name in ("target_type", "target_id", "category")
        if name not in lane.c
    ]
    return select(lane, *absent, func.count().over().label("lanes")).order_by(
        lane.c.count.desc(), lane.c.first, *(name.nulls_first() for name in named)
    )


@dataclass(frozen=True, slots=True)
class MarkRow:
    """What one lane holds of one outcome in one stretch of time."""

    lane: int
    """Its number among the lanes that were asked for."""
    hundred: int | None
    """The status code's first digit; 0 for unanswered, `None` in flight."""
    number: int
    """Of the stretch, from the window's beginning."""
    count: int
    first: datetime
    last: datetime
    """Without a zone."""
    first_action: str
    last_action: str
    """By the alphabet."""


def marks(
    query: Query,
    *,
    places: Sequence[LanePlace],
    since: datetime,
    width_us: int,
) -> Statement:
    """What stands on some lanes: one row for what a lane holds of one outcome in one stretch.

    Rows of `MarkRow`; stretches are of `width_us` microseconds, counted from `since`.
    """
    lane = case(
        *((_on(entries, place), literal(number)) for number, place in enumerate(places)),
        else_=literal(len(places)),
    )
    placed = (
        select(
            lane.label("lane"),
            floor_div(entries.c.status_code, literal(100)).label("hundred"),
            stretch(entries, since, width_us).label("number"),
            entries.c.created_at,
            entries.c.action,
        )
        .where(where_clause(entries, require_actor(query)), _near(places))
        .subquery("placed")
    )
    return (
        select(
            placed.c.lane,
            placed.c.hundred,
            placed.c.number,
            func.count().label("count"),
            func.min(placed.c.created_at).label("first"),
            func.max(placed.c.created_at).label("last"),
            func.min(placed.c.action).label("first_action"),
            func.max(placed.c.action).label("last_action"),
        )
        .where(placed.c.lane < len(places))
        .group_by(placed.c.lane, placed.c.hundred, placed.c.number)
    )


def _columns(kind: LaneKind) -> tuple[ColumnElement[Any], ...]:
    if kind is LaneKind.TARGET:
        return entries.c.target_type, entries.c.target_id
    return (
        case(
            *(
                (in_category(entries, category), category.value)
                for category in Category
                if category is not Category.OTHER
            ),
            else_=Category.OTHER.value,
        ).label("category"),
    )


def _grouped(column: ColumnElement[Any]) -> Any:
    # What is computed is grouped by its name: its values are bound anew at each place.
    return "category" if column.name == "category" else column


def _on(table: FromClause, place: LanePlace) -> Condition:
    if place.category is not None:
        return in_category(table, place.category)
    return and_(
        _is(table.c.target_type, place.target_type), _is(table.c.target_id, place.target_id)
    )


def _near(places: Sequence[LanePlace]) -> Condition:
    """What entries on the lanes fulfil, and few others: quicker than to try lane by lane."""
    if any(place.category is not None for place in places):
        return true()
    ids = [place.target_id for place in places if place.target_id is not None]
    without = [entries.c.target_id.is_(None)] if len(ids) < len(places) else []
    return or_(entries.c.target_id.in_(ids), *without)


def _is(column: ColumnElement[Any], value: str | None) -> Condition:
    return column.is_(None) if value is None else and_(column.is_not(None), column == value)
