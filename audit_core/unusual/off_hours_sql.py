"""The statements of when people are active. Builds, never runs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import BigInteger, func, literal, select
from sqlalchemy.sql.selectable import Subquery

from audit_core.explore.statements import bucket_of
from audit_core.log.schema import Statement
from audit_core.log.sql.functions import floor_div
from audit_core.query.planner.plan import Plan
from audit_core.query.time.buckets import HOUR_US, Buckets

HOURS_OF_WEEK = 168


@dataclass(frozen=True, slots=True)
class UsualHourRow:
    """How often a person was active in an hour of the week."""

    actor_id: str
    hour: int
    """From Monday midnight on the zone's clocks."""
    days: int
    """On how many days."""
    all_days: int
    """On how many days the person was active at all."""


@dataclass(frozen=True, slots=True)
class ActiveHourRow:
    """What a person did in an hour."""

    actor_id: str
    number: int
    offset_us: int
    """See `Buckets.start`."""
    count: int


def usual_hours(before: Plan, buckets: Buckets) -> Statement:
    """In which hours of the week each person is active: rows of `UsualHourRow`, no order."""
    hour = _hourly(before, buckets, "usual")
    of_week = (hour.c.number % literal(HOURS_OF_WEEK, BigInteger)).label("hour")
    day = floor_div(hour.c.number, literal(24, BigInteger))
    days = (
        select(hour.c.actor_id, func.count(day.distinct()).label("all_days"))
        .group_by(hour.c.actor_id)
        .subquery("day")
    )
    weekly = (
        select(hour.c.actor_id, of_week, func.count(hour.c.number.distinct()).label("days"))
        .group_by(hour.c.actor_id, "hour")
        .subquery("weekly")
    )
    return before.source.options(
        select(weekly, days.c.all_days).join(days, days.c.actor_id == weekly.c.actor_id)
    )


def unusual_hours(now: Plan, before: Plan, buckets: Buckets, *, at_most: int) -> Statement:
    """The hours in which people were active who had been in that hour of the week on so many days
    at most: rows of `ActiveHourRow`, no order. What beyond that makes an hour unusual is for
    `off_hours` to say."""
    hour, earlier = _hourly(now, buckets, "active"), _hourly(before, buckets, "earlier")
    of_week = (earlier.c.number % literal(HOURS_OF_WEEK, BigInteger)).label("hour")
    often = (
        select(earlier.c.actor_id, of_week)
        .group_by(earlier.c.actor_id, "hour")
        .having(func.count(earlier.c.number.distinct()) > literal(at_most, BigInteger))
        .subquery("often")
    )
    return now.source.options(
        before.source.options(
            select(hour)
            .outerjoin(
                often,
                (often.c.actor_id == hour.c.actor_id)
                & (often.c.hour == hour.c.number % literal(HOURS_OF_WEEK, BigInteger)),
            )
            .where(often.c.actor_id.is_(None))
        )
    )


def _hourly(plan: Plan, buckets: Buckets, name: str) -> Subquery:
    table = plan.source.table
    number, offset_us = bucket_of(table, replace(buckets, width_us=HOUR_US))
    return (
        select(
            table.c.actor_id,
            number.label("number"),
            offset_us.label("offset_us"),
            plan.source.count().label("count"),
        )
        .where(plan.where, table.c.actor_email != literal(""))
        .group_by(table.c.actor_id, "number", "offset_us")
        .subquery(name)
    )
