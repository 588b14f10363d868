"""The statement of the API keys that one actor used. Builds, never runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, cast, func, select

from audit_core.log.schema import Statement, entries
from audit_core.people.actors_sql import times, with_key
from audit_core.people.timeline_sql import require_actor
from audit_core.query.derived_columns import api_key_of, failed
from audit_core.query.planner.plan import Plan


@dataclass(frozen=True, slots=True)
class UsedKey:
    """An API key that an actor used."""

    api_key: str
    """Masked."""
    count: int
    failed: int
    first: datetime
    last: datetime
    """In the rows of the statement in UTC without a zone."""
    addresses: int
    actions: int
    """Numbers of different ones."""


def used_keys(plan: Plan) -> Statement:
    """The keys that the scope's actor used, latest use first: rows of `UsedKey`."""
    require_actor(plan.query)
    table = plan.source.table
    columns = [
        table.c[name]
        for name in ("actor_api_key_prefix", "actor_api_key_suffix", "ip_address", "action")
    ]
    combined = (
        select(
            *columns,
            plan.source.count().label("count"),
            plan.source.count(failed(table)).label("failed"),
        )
        .where(plan.where, with_key(table))
        .group_by(*columns)
        .subquery("combined")
    )
    api_key = api_key_of(combined)
    used = (
        select(
            func.max(api_key).label("api_key"),
            *(
                cast(func.sum(combined.c[name]), BigInteger).label(name)
                for name in ("count", "failed")
            ),
            func.count(combined.c.ip_address.distinct()).label("addresses"),
            func.count(combined.c.action.distinct()).label("actions"),
        )
        .group_by(api_key)
        .subquery("used")
    )
    ends = times(plan, with_key(entries), by_key=True)
    return plan.source.options(
        select(used, ends.c.first, ends.c.last)
        .join(ends, used.c.api_key == ends.c.api_key)
        .order_by(ends.c.last.desc(), used.c.api_key)
    )
