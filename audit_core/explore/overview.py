"""The statements of Overview: (filter, scope) → SELECT. Builds, never runs."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import BigInteger, and_, cast, func, literal, select
from sqlalchemy.sql.expression import FromClause

from audit_core.explore.statements import bucket_of, by_actor
from audit_core.log.schema import Statement
from audit_core.log.sql.functions import address_key
from audit_core.query.derived_columns import Condition, failed
from audit_core.query.planner.plan import Plan
from audit_core.query.time.buckets import HOUR_US, Buckets

STARTING_ACTIONS = ("create", "recover", "start")
"""The actions on a sandbox that are meant to leave it running."""


def failed_start(table: FromClause) -> Condition:
    """Whether an entry says itself that a sandbox did not start.

    The platform answers many failed starts with 200 after 30 seconds; those do not count here.
    """
    return and_(
        table.c.action.in_(STARTING_ACTIONS), table.c.target_type == "sandbox", failed(table)
    )


def summary(plan: Plan) -> Statement:
    """One row: `entries`, `answered`, `succeeded`, `failed`, `failed_starts`, `users`.

    `answered` leaves out what is in flight or unanswered; `users` counts people, not keys or
    services.
    """
    table, status = plan.source.table, plan.source.table.c.status_code
    # Counted by person first: counting the distinct among all rows would sort all of them.
    people = (
        select(
            table.c.actor_email,
            plan.source.count().label("entries"),
            plan.source.count(status > 0).label("answered"),
            plan.source.count(status.between(200, 299)).label("succeeded"),
            plan.source.count(failed(table)).label("failed"),
            plan.source.count(failed_start(table)).label("failed_starts"),
        )
        .where(plan.where)
        .group_by(table.c.actor_email)
        .subquery("people")
    )
    email, *counts = people.c
    return plan.source.options(
        select(
            *(
                cast(func.coalesce(func.sum(count), 0), BigInteger).label(count.name)
                for count in counts
            ),
            func.count(func.nullif(address_key(email), literal("")).distinct()).label("users"),
        )
    )


def actions(plan: Plan) -> Statement:
    """By action, most frequent first: `name`, `count`, `failed`."""
    table = plan.source.table
    count = plan.source.count().label("count")
    return plan.source.options(
        select(
            table.c.action.label("name"), count, plan.source.count(failed(table)).label("failed")
        )
        .where(plan.where)
        .group_by(table.c.action)
        .order_by(count.desc(), table.c.action)
    )


def errors(plan: Plan) -> Statement:
    """Failed entries by action and status code, most frequent first."""
    table, status = plan.source.table, plan.source.table.c.status_code
    count = plan.source.count().label("count")
    return plan.source.options(
        select(table.c.action, status, count)
        .where(plan.where, failed(table))
        .group_by(table.c.action, status)
        .order_by(count.desc(), table.c.action, status)
    )


def actors(plan: Plan) -> Statement:
    """By actor, most active first: `name`, `count`, `failed`."""
    count = plan.source.count
    found = by_actor(plan, count=count(), failed=count(failed(plan.source.table)))
    return plan.source.options(
        select(found.c.actor.label("name"), found.c["count"], found.c.failed).order_by(
            found.c["count"].desc(), found.c.actor
        )
    )


def failing_actors(plan: Plan) -> Statement:
    """By actor with a failure, most failures first: `name`, `count` (of all entries), `failed`."""
    shares = actors(plan).order_by(None).subquery("share")
    return plan.source.options(
        select(shares)
        .where(shares.c.failed > 0)
        .order_by(shares.c.failed.desc(), shares.c.count.desc(), shares.c.name)
    )


def hours_of_week(
    plan: Plan,
    buckets: Buckets,
) -> Statement:
    """By hour of the week on the zone's clocks (0 is Monday from midnight): `hour`, `count`,
    `failed`. Hours without entries are left out."""
    table = plan.source.table
    number, _ = bucket_of(table, replace(buckets, width_us=HOUR_US))
    hour = (number % literal(7 * 24, BigInteger)).label("hour")
    return plan.source.options(
        select(
            hour,
            plan.source.count().label("count"),
            plan.source.count(failed(table)).label("failed"),
        )
        .where(plan.where)
        .group_by("hour")
        .order_by("hour")
    )
