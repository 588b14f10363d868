"""The statement of what one actor did for the first time. Builds, never runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.sql.selectable import Subquery

from audit_core.log.schema import Statement
from audit_core.log.sql.functions import as_text, epoch_microseconds, floor_div
from audit_core.people.actors_sql import ABSENT
from audit_core.people.timeline_sql import require_actor
from audit_core.query.planner.plan import Plan
from audit_core.query.time.buckets import HOUR_US

MEMORY = timedelta(days=90)
"""How far before the window something makes it no longer new."""


class Novelty(StrEnum):
    """What can be new for an actor."""

    ADDRESS = "address"
    KEY = "key"
    CLIENT = "client"
    ACTION = "action"


GROUPS: dict[Novelty, tuple[str, ...]] = {
    Novelty.ADDRESS: ("ip_address",),
    Novelty.KEY: ("actor_api_key_prefix", "actor_api_key_suffix"),
    Novelty.CLIENT: ("source", "user_agent"),
    Novelty.ACTION: ("action",),
}
"""The columns of each."""

_ALL = tuple(name for group in GROUPS.values() for name in group)


@dataclass(frozen=True, slots=True)
class NewRow:
    """Entries that are alike in the columns of one of `GROUPS`; the others are `None`."""

    group_bits: int
    """See `kind_of`."""
    hour: int
    """Of the first time: whole ones since 1970."""
    count: int
    ip_address: str | None
    actor_api_key_prefix: str | None
    actor_api_key_suffix: str | None
    source: str | None
    user_agent: str | None
    action: str | None


def new_things(now: Plan, before: Plan) -> Statement:
    """What the scope's actor did now and not before, latest first: rows of `NewRow`. The absence
    of a value is never new."""
    seen, earlier = _seen(now), _seen(before)
    hour = floor_div(epoch_microseconds(seen.c.first), literal(HOUR_US, BigInteger))
    statement = (
        select(*(seen.c[name] for name in (*_ALL, "group_bits", "count")), hour.label("hour"))
        .where(
            or_(*(seen.c[name].is_not(None) for name in _ALL)),
            _written(seen).not_in(select(_written(earlier))),
        )
        .order_by(hour.desc(), *(seen.c[name] for name in _ALL))
    )
    return now.source.options(before.source.options(statement))


def _seen(plan: Plan) -> Subquery:
    require_actor(plan.query)
    source, table = plan.source, plan.source.table
    columns = [table.c[name] for name in _ALL]
    # By combination first, which are few.
    combined = (
        select(
            *columns,
            func.min(table.c.created_at).label("first"),
            source.count().label("count"),
        )
        .where(plan.where)
        .group_by(*columns)
        .subquery()
    )
    named = [combined.c[name] for name in _ALL]
    groups = (tuple_(*(combined.c[name] for name in group)) for group in GROUPS.values())
    return (
        select(
            *named,
            func.grouping(*named).label("group_bits"),
            func.min(combined.c.first).label("first"),
            cast(func.sum(combined.c.count), BigInteger).label("count"),
        )
        .group_by(func.grouping_sets(*groups))
        .subquery()
    )


def _written(seen: Subquery) -> ColumnElement[str]:
    """A row of `_seen` as one text, which tells an absent value from an empty one."""
    text: ColumnElement[str] = as_text(seen.c.group_bits)
    for name in _ALL:
        value = seen.c[name]
        text = text.concat(case((value.is_(None), "-"), else_=literal("+").concat(value)))
        text = text.concat(ABSENT)
    return text


def known(before: Plan) -> Statement:
    """How many entries the scope's actor has there: one row, column `count`."""
    require_actor(before.query)
    source = before.source
    return source.options(select(source.count().label("count")).where(before.where))


def kind_of(group_bits: int) -> Novelty:
    """Which group a row of `new_things` counts by. Raises `ValueError` if none."""
    place = len(_ALL)
    for kind, group in GROUPS.items():
        place -= len(group)
        if not group_bits >> place & 1:
            return kind
    raise ValueError(f"the bits {group_bits:b} belong to no group")
