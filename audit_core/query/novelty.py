"""The statement of what one actor did for the first time. Builds, never runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, or_, select, tuple_

from audit_core.access import Scope
from audit_core.log.schema import Statement, entries
from audit_core.query.conditions import within, within_scope
from audit_core.query.timelines import require_actor
from audit_core.query.windows import Bounds

MEMORY = timedelta(days=90)
"""How far before the window something makes it no longer new."""


class Novelty(StrEnum):
    """What can be new for an actor."""

    ADDRESS = "address"
    KEY = "key"
    CLIENT = "client"
    ACTION = "action"


GROUPS = {
    Novelty.ADDRESS: (entries.c.ip_address,),
    Novelty.KEY: (entries.c.actor_api_key_prefix, entries.c.actor_api_key_suffix),
    Novelty.CLIENT: (entries.c.source, entries.c.user_agent),
    Novelty.ACTION: (entries.c.action,),
}
"""The columns of each."""

_ALL = tuple(column for group in GROUPS.values() for column in group)


def new_things(scope: Scope, bounds: Bounds, since: datetime) -> Statement:
    """What the scope's actor did first at or after `since`, latest first.

    `bounds` reach back before `since` as far as is remembered. Columns: those of all `GROUPS`,
    `group_bits` (see `kind_of`), `first` and `count`. The absence of a value is never new.
    """
    first = func.min(entries.c.created_at)
    counted = (
        select(
            *_ALL,
            func.grouping(*_ALL).label("group_bits"),
            first.label("first"),
            func.count().label("count"),
        )
        .where(within_scope(entries, require_actor(scope)), within(entries, bounds))
        .group_by(func.grouping_sets(*(tuple_(*group) for group in GROUPS.values())))
        .having(first >= since)
        .subquery("counted")
    )
    return (
        select(counted)
        .where(or_(*(counted.c[column.name].is_not(None) for column in _ALL)))
        .order_by(counted.c.first.desc(), *(counted.c[column.name] for column in _ALL))
    )


def kind_of(group_bits: int) -> Novelty:
    """Which group a row of `new_things` counts by. Raises `ValueError` if none."""
    place = len(_ALL)
    for kind, group in GROUPS.items():
        place -= len(group)
        if not group_bits >> place & 1:
            return kind
    raise ValueError(f"the bits {group_bits:b} belong to no group")
