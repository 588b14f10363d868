"""The statements of work sessions: stretches without a long quiet. Builds, never runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, and_, case, cast, func, literal, select
from sqlalchemy.sql.selectable import Subquery

from audit_core.log.schema import Statement, entries
from audit_core.log.sql.functions import epoch_microseconds, floor_div
from audit_core.people.actors_sql import client_text
from audit_core.people.timeline_sql import require_actor
from audit_core.query.derived_columns import failed
from audit_core.query.query import Query
from audit_core.query.where import where_clause

QUIET = timedelta(minutes=30)
"""A longer time without an entry parts two sessions."""

_QUIET_US = QUIET // timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session in numbers."""

    first: datetime
    last: datetime
    """In UTC without a zone."""
    count: int
    failed: int
    sessions: int
    """How many there are in all."""


def sessions(query: Query, *, offset: int) -> Statement:
    """The sessions of the scope's actor, latest first, from an offset on: rows of `SessionRow`.

    Only matching entries count, and only those within the time range: a session that began before
    is cut.
    """
    # Within a piece of time as long as the quiet nothing parts two sessions: so the pieces
    # with entries are put in order, which are few, and not the entries.
    number = floor_div(epoch_microseconds(entries.c.created_at), literal(_QUIET_US, BigInteger))
    piece = (
        select(
            number.label("number"),
            func.min(entries.c.created_at).label("first"),
            func.max(entries.c.created_at).label("last"),
            func.count().label("count"),
            func.count().filter(failed(entries)).label("failed"),
        )
        .where(where_clause(entries, require_actor(query)))
        .group_by("number")
        .subquery("piece")
    )
    begun, ended = epoch_microseconds(piece.c.first), epoch_microseconds(piece.c.last)
    before = func.max(ended).over(order_by=piece.c.number, rows=(None, -1))
    # The first piece has none before it, so it begins a session.
    begins = case((begun - before <= literal(_QUIET_US, BigInteger), 0), else_=1)
    marked = select(piece, begins.label("begins")).subquery("marked")
    session = func.sum(marked.c.begins).over(order_by=marked.c.number, rows=(None, 0))
    numbered = select(marked, session.label("session")).subquery("numbered")
    whole = (
        select(
            func.min(numbered.c.first).label("first"),
            func.max(numbered.c.last).label("last"),
            *(
                cast(func.sum(numbered.c[name]), BigInteger).label(name)
                for name in ("count", "failed")
            ),
        )
        .group_by(numbered.c.session)
        .subquery("whole")
    )
    return (
        select(whole, func.count().over().label("sessions"))
        .order_by(whole.c.first.desc())
        .offset(offset)
    )


Spans = Sequence[tuple[datetime, datetime]]
"""Sessions that do not overlap, each as (first, last)."""


@dataclass(frozen=True, slots=True)
class Variety:
    """From how many places a session was."""

    session: int
    """Its number in the spans that were asked for."""
    addresses: int
    clients: int


def variety(query: Query, *, spans: Spans) -> Statement:
    """From how many places some sessions were: rows of `Variety`."""
    placed = _placed(query, spans, "ip_address", "source", "user_agent")
    # By combination first, which are few.
    combined = select(placed).distinct().subquery("combined")
    return (
        select(
            combined.c.session,
            func.count(combined.c.ip_address.distinct()).label("addresses"),
            func.count(client_text(combined).distinct()).label("clients"),
        )
        .where(combined.c.session < len(spans))
        .group_by(combined.c.session)
    )


@dataclass(frozen=True, slots=True)
class TouchedRow:
    """A target that was touched in a session."""

    session: int
    """Its number in the spans that were asked for."""
    target_type: str | None
    target_id: str
    count: int
    targets: int
    """How many there are in the session."""


def touched(query: Query, *, spans: Spans, limit: int) -> Statement:
    """What was touched in some sessions: rows of `TouchedRow`, of each session the `limit` frequent
    ones, most frequent first."""
    placed = _placed(query, spans, "target_type", "target_id")
    counted = (
        select(placed, func.count().label("count"))
        .where(placed.c.session < len(spans), placed.c.target_id.is_not(None))
        .group_by(*placed.c)
        .subquery("counted")
    )
    order = (
        counted.c.count.desc(),
        counted.c.target_id,
        func.coalesce(counted.c.target_type, ""),
    )
    place = func.row_number().over(partition_by=counted.c.session, order_by=order)
    targets = func.count().over(partition_by=counted.c.session)
    ranked = select(counted, place.label("place"), targets.label("targets")).subquery("ranked")
    return (
        select(*(column for column in ranked.c if column.name != "place"))
        .where(ranked.c.place <= limit)
        .order_by(ranked.c.session, ranked.c.place)
    )


def _placed(query: Query, spans: Spans, *names: str) -> Subquery:
    """Columns of the entries of some sessions, and of the time between them, each with its
    session."""
    session = case(
        *(
            (and_(entries.c.created_at >= first, entries.c.created_at <= last), literal(number))
            for number, (first, last) in enumerate(spans)
        ),
        else_=literal(len(spans)),
    )
    earliest, latest = min(first for first, _ in spans), max(last for _, last in spans)
    return (
        select(session.label("session"), *(entries.c[name] for name in names))
        .where(
            where_clause(entries, require_actor(query)),
            entries.c.created_at.between(earliest, latest),
        )
        .subquery("placed")
    )
