"""The statements of Overview: (filter, scope) → SELECT. Builds, never runs."""

from __future__ import annotations

from sqlalchemy import BigInteger, and_, cast, func, literal, select

from audit_core.access import Scope
from audit_core.log.schema import Statement, entries
from audit_core.query.buckets import HOUR_US, Buckets
from audit_core.query.classification import Condition
from audit_core.query.conditions import matching
from audit_core.query.filters import EntryFilter
from audit_core.query.statements import FACETS, bucket_number, zone_offset
from audit_core.query.windows import Bounds

STARTING_ACTIONS = ("create", "recover", "start")
"""The actions on a sandbox that are meant to leave it running."""

_status = entries.c.status_code
_failed = _status.between(400, 599)
_succeeded = _status.between(200, 299)


def failed_start() -> Condition:
    """Whether an entry says itself that a sandbox did not start.

    The platform answers many failed starts with 200 after 30 seconds; those do not count here.
    """
    return and_(entries.c.action.in_(STARTING_ACTIONS), entries.c.target_type == "sandbox", _failed)


def summary(wanted: EntryFilter, scope: Scope, bounds: Bounds) -> Statement:
    """One row: `entries`, `answered`, `succeeded`, `failed`, `failed_starts`, `users`.

    `answered` leaves out what is in flight or unanswered; `users` counts people, not keys or
    services.
    """
    # Counted by person first: counting the distinct among all rows would sort all of them.
    people = (
        select(
            entries.c.actor_email,
            func.count().label("entries"),
            func.count().filter(_status > 0).label("answered"),
            func.count().filter(_succeeded).label("succeeded"),
            func.count().filter(_failed).label("failed"),
            func.count().filter(failed_start()).label("failed_starts"),
        )
        .where(matching(entries, wanted, scope, bounds))
        .group_by(entries.c.actor_email)
        .subquery("people")
    )
    email, *counts = people.c
    return select(
        *(
            cast(func.coalesce(func.sum(count), 0), BigInteger).label(count.name)
            for count in counts
        ),
        func.count().filter(email != literal("")).label("users"),
    )


def actions(wanted: EntryFilter, scope: Scope, bounds: Bounds) -> Statement:
    """By action, most frequent first: `action`, `count`, `failed`."""
    return (
        select(
            entries.c.action,
            func.count().label("count"),
            func.count().filter(_failed).label("failed"),
        )
        .where(matching(entries, wanted, scope, bounds))
        .group_by(entries.c.action)
        .order_by(func.count().desc(), entries.c.action)
    )


def errors(wanted: EntryFilter, scope: Scope, bounds: Bounds) -> Statement:
    """Failed entries by action and status code, most frequent first."""
    return (
        select(entries.c.action, _status, func.count().label("count"))
        .where(matching(entries, wanted, scope, bounds), _failed)
        .group_by(entries.c.action, _status)
        .order_by(func.count().desc(), entries.c.action, _status)
    )


def actors(wanted: EntryFilter, scope: Scope, bounds: Bounds) -> Statement:
    """By actor, most active first: `actor`, `count`, `failed`."""
    return (
        select(
            FACETS["actor"].label("actor"),
            func.count().label("count"),
            func.count().filter(_failed).label("failed"),
        )
        .where(matching(entries, wanted, scope, bounds))
        .group_by("actor")
        .order_by(func.count().desc(), "actor")
    )


def hours_of_week(wanted: EntryFilter, scope: Scope, bounds: Bounds, buckets: Buckets) -> Statement:
    """By hour of the week on the zone's clocks (0 is Monday from midnight): `hour`, `count`,
    `failed`. Hours without entries are left out."""
    number = bucket_number(entries, zone_offset(entries, buckets), HOUR_US)
    hour = (number % literal(7 * 24, BigInteger)).label("hour")
    return (
        select(hour, func.count().label("count"), func.count().filter(_failed).label("failed"))
        .where(matching(entries, wanted, scope, bounds))
        .group_by("hour")
        .order_by("hour")
    )
