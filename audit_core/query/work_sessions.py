"""The statements of work sessions: stretches without a long quiet. Builds, never runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, and_, case, cast, func, literal, select

from audit_core.access import Scope
from audit_core.log.dialects.functions import epoch_microseconds
from audit_core.log.schema import Statement, entries
from audit_core.query.conditions import matching
from audit_core.query.filters import EntryFilter
from audit_core.query.people import client_text, failed
from audit_core.query.timelines import require_actor
from audit_core.query.windows import Bounds

QUIET = timedelta(minutes=30)
"""A longer time without an entry parts two sessions."""

_QUIET_US = QUIET // timedelta(microseconds=1)


def sessions(wanted: EntryFilter, scope: Scope, bounds: Bounds, *, offset: int) -> Statement:
    """The sessions of the scope's actor, latest first, from an offset on.

    Columns `first`, `last`, `count`, `failed`, `addresses`, `clients`, `targets` (numbers of
    different ones) and `sessions`: how many there are. Only matching entries count, and only
    those within the bounds: a session that began before is cut.
    """
    instant = epoch_microseconds(entries.c.created_at)
    order = (entries.c.created_at, entries.c.seq)
    before = func.max(instant).over(order_by=order, rows=(None, -1))
    timed = (
        select(
            entries.c.seq,
            entries.c.created_at,
            entries.c.ip_address,
            client_text(entries).label("client"),
            # A type alone is no target: a failed create has none.
            entries.c.target_id,
            case((failed(entries), 1), else_=0).label("failed"),
            # The first entry has none before it, so it begins a session.
            case((instant - before <= literal(_QUIET_US, BigInteger), 0), else_=1).label("begins"),
        )
        .where(matching(entries, wanted, require_actor(scope), bounds))
        .subquery("timed")
    )
    number = func.sum(timed.c.begins).over(
        order_by=(timed.c.created_at, timed.c.seq), rows=(None, 0)
    )
    numbered = select(timed, number.label("number")).subquery("numbered")
    session = (
        select(
            func.min(numbered.c.created_at).label("first"),
            func.max(numbered.c.created_at).label("last"),
            func.count().label("count"),
            cast(func.sum(numbered.c.failed), BigInteger).label("failed"),
            func.count(numbered.c.ip_address.distinct()).label("addresses"),
            func.count(numbered.c.client.distinct()).label("clients"),
            func.count(numbered.c.target_id.distinct()).label("targets"),
        )
        .group_by(numbered.c.number)
        .subquery("session")
    )
    return (
        select(session, func.count().over().label("sessions"))
        .order_by(session.c.first.desc())
        .offset(offset)
    )


def touched(
    wanted: EntryFilter,
    scope: Scope,
    bounds: Bounds,
    *,
    spans: Sequence[tuple[datetime, datetime]],
    most: int,
) -> Statement:
    """What was touched in some sessions, given as (first, last), which do not overlap.

    Columns `session` (its number in `spans`), `target_type`, `target_id`, `count`; of each
    session the `most` frequent ones, most frequent first.
    """
    session = case(
        *(
            (and_(entries.c.created_at >= first, entries.c.created_at <= last), literal(number))
            for number, (first, last) in enumerate(spans)
        ),
        else_=literal(len(spans)),
    )
    earliest, latest = min(first for first, _ in spans), max(last for _, last in spans)
    placed = (
        select(session.label("session"), entries.c.target_type, entries.c.target_id)
        .where(
            matching(entries, wanted, require_actor(scope), bounds),
            entries.c.created_at.between(earliest, latest),
            entries.c.target_id.is_not(None),
        )
        .subquery("placed")
    )
    counted = (
        select(placed, func.count().label("count"))
        .where(placed.c.session < len(spans))
        .group_by(placed.c.session, placed.c.target_type, placed.c.target_id)
        .subquery("counted")
    )
    place = func.row_number().over(
        partition_by=counted.c.session,
        order_by=(
            counted.c.count.desc(),
            counted.c.target_id,
            func.coalesce(counted.c.target_type, ""),
        ),
    )
    ranked = select(counted, place.label("place")).subquery("ranked")
    return (
        select(ranked.c.session, ranked.c.target_type, ranked.c.target_id, ranked.c.count)
        .where(ranked.c.place <= most)
        .order_by(ranked.c.session, ranked.c.place)
    )
