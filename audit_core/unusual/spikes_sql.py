"""The statements of how much there is in each hour, by series. Builds, never runs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
    tuple_,
)

from audit_core.domain.entries import ACTIONS_OF_CATEGORY, Category
from audit_core.log.schema import Statement
from audit_core.log.sql.functions import ONCE, as_text, floor_div, hour_number
from audit_core.query.planner.plan import Plan


class Series(StrEnum):
    """What is counted hour by hour."""

    ERRORS = "errors"
    """Answers of one hundred (4xx, 5xx) to the whole scope."""
    FAILURES = "failures"
    """Answers of one hundred to one actor."""
    ACTION = "action"
    """One of the actions `WATCHED`, of one actor."""
    ACTIVITY = "activity"
    """All that one actor did."""


_KEY = ("actor_id", "action", "hundred")
_BITS = {
    0b110: Series.ERRORS,
    0b010: Series.FAILURES,
    0b001: Series.ACTION,
    0b011: Series.ACTIVITY,
}
"""What is left out of the key, as `grouping` says it."""

WATCHED = ("delete", *sorted(ACTIONS_OF_CATEGORY[Category.ACCESS]))
"""The actions counted by themselves: many at once may do harm, a burst of others is work."""

NOT_FAILED = 0


@dataclass(frozen=True, slots=True)
class PeakRow:
    """An hour of a series in which there was much."""

    bits: int
    """See `series_of`."""
    actor_id: str | None
    action: str | None
    hundred: int | None
    """4 or 5."""
    hour: int
    """Whole hours since 1970."""
    count: int


@dataclass(frozen=True, slots=True)
class UsualRow:
    """How many hours of a series had a count."""

    bits: int
    actor_id: str | None
    action: str | None
    hundred: int | None
    count: int
    hours: int


def series_of(bits: int) -> Series:
    """The series of a row. Raises `KeyError` if there is none."""
    return _BITS[bits]


def peaks(now: Plan, *, at_least: int) -> Statement:
    """The hours of all series with so many entries or more, the largest first: rows of
    `PeakRow`."""
    hourly = _hourly(now, "now")
    return now.source.options(
        select(hourly)
        .where(hourly.c["count"] >= literal(at_least, BigInteger))
        .order_by(hourly.c["count"].desc(), *(hourly.c[name] for name in ("hour", *_KEY)))
    )


def usual(now: Plan, before: Plan, *, at_least: int) -> Statement:
    """What the series of `peaks` had before: rows of `UsualRow`, no order."""
    recent, hourly = _hourly(now, "now"), _hourly(before, "before")
    high = select(_written(recent)).where(recent.c["count"] >= literal(at_least, BigInteger))
    names = ("bits", *_KEY)
    counted = select(
        *(hourly.c[name] for name in names),
        hourly.c["count"],
        func.count().label("hours"),
    )
    return now.source.options(
        before.source.options(
            counted.where(_written(hourly).in_(high)).group_by(
                *(hourly.c[name] for name in names), hourly.c["count"]
            )
        )
    )


def _hourly(plan: Plan, name: str) -> CTE:
    source, table = plan.source, plan.source.table
    status = table.c.status_code
    hundred = case(
        (status.between(400, 599), floor_div(status, literal(100))),
        else_=literal(NOT_FAILED),
    )
    hour = hour_number(table.c.created_at)
    # By combination first, which are few.
    combined = (
        select(
            table.c.actor_id,
            case((table.c.action.in_(WATCHED), table.c.action), else_=literal("")).label("action"),
            hundred.label("hundred"),
            hour.label("hour"),
            source.count().label("number"),
        )
        .where(plan.where)
        .group_by(table.c.actor_id, "action", "hundred", "hour")
        .subquery(f"combined_{name}")
    )
    key: list[ColumnElement[Any]] = [combined.c[column] for column in _KEY]
    actor_id, action, status_hundred = key
    sets = (
        (status_hundred, combined.c.hour),
        (actor_id, status_hundred, combined.c.hour),
        (actor_id, action, combined.c.hour),
        (actor_id, combined.c.hour),
    )
    grouped = (
        select(
            func.grouping(*key).label("bits"),
            *key,
            combined.c.hour,
            cast(func.sum(combined.c.number), BigInteger).label("count"),
        )
        .group_by(func.grouping_sets(*(tuple_(*columns) for columns in sets)))
        .subquery(f"grouped_{name}")
    )
    failed = func.coalesce(grouped.c.hundred, literal_column("1")) != literal(NOT_FAILED)
    watched = func.coalesce(grouped.c.action, literal("-")) != literal("")
    return select(grouped).where(failed, watched).cte(f"hourly_{name}").prefix_with(ONCE)


def _written(hourly: CTE) -> ColumnElement[str]:
    """The key of a series as one text."""
    text: ColumnElement[str] = as_text(hourly.c.bits)
    for value in (
        func.coalesce(hourly.c.actor_id, literal("")),
        func.coalesce(hourly.c.action, literal("")),
        as_text(func.coalesce(hourly.c.hundred, literal_column("0"))),
    ):
        text = text.concat(literal("\x1f")).concat(value)
    return text
