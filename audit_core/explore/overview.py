"""The statements of Overview: (filter, scope) → SELECT. Builds, never runs."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import BigInteger, and_, cast, func, literal, select
from sqlalchemy.sql.expression import FromClause

from audit_core.domain.access import Scope
from audit_core.explore.statements import actor_of, bucket_of
from audit_core.log.schema import Statement
from audit_core.query.derived_columns import Condition
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.planner.rollups import ENTRIES, CountSource
from audit_core.query.time.buckets import HOUR_US, Buckets
from audit_core.query.time.windows import Bounds

STARTING_ACTIONS = ("create", "recover", "start")
"""The actions on a sandbox that are meant to leave it running."""


def failed(table: FromClause) -> Condition:
    """Whether the request of an entry was refused or broke."""
    return table.c.status_code.between(400, 599)


def failed_start(table: FromClause) -> Condition:
    """Whether an entry says itself that a sandbox did not start.

    The platform answers many failed starts with 200 after 30 seconds; those do not count here.
    """
    return and_(
        table.c.action.in_(STARTING_ACTIONS), table.c.target_type == "sandbox", failed(table)
    )


def summary(
    entry_filter: EntryFilter, scope: Scope, bounds: Bounds, source: CountSource = ENTRIES
) -> Statement:
    """One row: `entries`, `answered`, `succeeded`, `failed`, `failed_starts`, `users`.

    `answered` leaves out what is in flight or unanswered; `users` counts people, not keys or
    services.
    """
    table, status = source.table, source.table.c.status_code
    # Counted by person first: counting the distinct among all rows would sort all of them.
    people = (
        select(
            table.c.actor_email,
            source.count().label("entries"),
            source.count(status > 0).label("answered"),
            source.count(status.between(200, 299)).label("succeeded"),
            source.count(failed(table)).label("failed"),
            source.count(failed_start(table)).label("failed_starts"),
        )
        .where(source.where_clause(entry_filter, scope, bounds))
        .group_by(table.c.actor_email)
        .subquery("people")
    )
    email, *counts = people.c
    return source.options(
        select(
            *(
                cast(func.coalesce(func.sum(count), 0), BigInteger).label(count.name)
                for count in counts
            ),
            func.count().filter(email != literal("")).label("users"),
        )
    )


def actions(
    entry_filter: EntryFilter, scope: Scope, bounds: Bounds, source: CountSource = ENTRIES
) -> Statement:
    """By action, most frequent first: `action`, `count`, `failed`."""
    table = source.table
    count = source.count().label("count")
    return source.options(
        select(table.c.action, count, source.count(failed(table)).label("failed"))
        .where(source.where_clause(entry_filter, scope, bounds))
        .group_by(table.c.action)
        .order_by(count.desc(), table.c.action)
    )


def errors(
    entry_filter: EntryFilter, scope: Scope, bounds: Bounds, source: CountSource = ENTRIES
) -> Statement:
    """Failed entries by action and status code, most frequent first."""
    table, status = source.table, source.table.c.status_code
    count = source.count().label("count")
    return source.options(
        select(table.c.action, status, count)
        .where(source.where_clause(entry_filter, scope, bounds), failed(table))
        .group_by(table.c.action, status)
        .order_by(count.desc(), table.c.action, status)
    )


def actors(
    entry_filter: EntryFilter, scope: Scope, bounds: Bounds, source: CountSource = ENTRIES
) -> Statement:
    """By actor, most active first: `actor`, `count`, `failed`."""
    table = source.table
    count = source.count().label("count")
    return source.options(
        select(actor_of(table).label("actor"), count, source.count(failed(table)).label("failed"))
        .where(source.where_clause(entry_filter, scope, bounds))
        .group_by("actor")
        .order_by(count.desc(), "actor")
    )


def hours_of_week(
    entry_filter: EntryFilter,
    scope: Scope,
    bounds: Bounds,
    buckets: Buckets,
    source: CountSource = ENTRIES,
) -> Statement:
    """By hour of the week on the zone's clocks (0 is Monday from midnight): `hour`, `count`,
    `failed`. Hours without entries are left out."""
    table = source.table
    number, _ = bucket_of(table, replace(buckets, width_us=HOUR_US))
    hour = (number % literal(7 * 24, BigInteger)).label("hour")
    return source.options(
        select(hour, source.count().label("count"), source.count(failed(table)).label("failed"))
        .where(source.where_clause(entry_filter, scope, bounds))
        .group_by("hour")
        .order_by("hour")
    )
