"""Entries over time by the values of one field: the largest ones each, all others together.

Two scans, whatever the number of values: which are the largest, then how they lie in time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, case, func, literal, or_, select
from sqlalchemy.sql.expression import FromClause
from sqlalchemy.sql.selectable import Subquery

from audit_core.domain.entries import Category
from audit_core.explore.histogram import Histogram
from audit_core.explore.statements import actor_of, by_actor
from audit_core.log.schema import Statement
from audit_core.log.sql.functions import address_key, as_text, key_of_address
from audit_core.query.addresses_sql import address_is
from audit_core.query.derived_columns import Condition, api_key_of, in_category
from audit_core.query.planner.plan import Plan

MAX_STACKED = 7
"""How many values have a place of their own: as many colours as everybody can tell apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackedHistogram(Histogram[int]):
    """Entries over time by the values of one field.

    A key is the place in `values`; the place behind the last one is that of all others together.
    """

    by: str
    """A name of `STACKS`."""
    values: tuple[str | None, ...]
    """The largest ones, largest first; `None`: entries without a value."""
    others: int
    """How many values there are beside these."""


def _category_of(table: FromClause) -> ColumnElement[str]:
    return case(
        *(
            (in_category(table, category), literal(category.value))
            for category in Category
            if category is not Category.OTHER
        ),
        else_=literal(Category.OTHER.value),
    )


STACKS: dict[str, Callable[[FromClause], ColumnElement[Any]]] = {
    "actor": actor_of,
    "key": api_key_of,
    "action": lambda table: table.c.action,
    "category": _category_of,
    "target_type": lambda table: table.c.target_type,
    "status": lambda table: as_text(table.c.status_code),
    "source": lambda table: table.c.source,
    "ip": lambda table: table.c.ip_address,
}
"""What entries can be stacked by, as text; the outcome has a chart of its own."""


@dataclass(frozen=True, slots=True)
class LargestValue:
    """A value, and how many entries have it."""

    value: str | None
    count: int
    distinct: int
    """How many values there are in all, `None` among them."""


def largest(by: str, plan: Plan) -> Statement:
    """The values of a field, most frequent first: `value`, `count`, and in `distinct` how many
    there are in all, NULL among them."""
    counted = _counted(by, plan)
    value, count = counted.c["value"], counted.c["count"]
    return plan.source.options(
        select(value, count, func.count().over().label("distinct")).order_by(
            count.desc(), value.asc().nulls_first()
        )
    )


def _counted(by: str, plan: Plan) -> Subquery:
    """The values of a field: `value`, `count`."""
    if by == "actor":
        actors = by_actor(plan, count=plan.source.count())
        return select(actors.c.actor.label("value"), actors.c["count"]).subquery("counted")
    return (
        select(STACKS[by](plan.source.table).label("value"), plan.source.count().label("count"))
        .where(plan.where)
        .group_by("value")
        .subquery("counted")
    )


def _is(by: str, table: FromClause, item: str) -> Condition:
    """Whether an entry counts for a value of a field."""
    if by == "ip":
        return address_is(table.c.ip_address, [item])
    if by != "actor":
        return STACKS[by](table) == literal(item)
    service = and_(table.c.actor_email == literal(""), table.c.actor_id == literal(item))
    person = and_(
        table.c.actor_email != literal(""), address_key(table.c.actor_email) == key_of_address(item)
    )
    return or_(person, service)


def place_of(by: str, values: tuple[str | None, ...], table: FromClause) -> ColumnElement[int]:
    """An entry's place in `values`, at least one; `len(values)` for all others."""
    value = STACKS[by](table)
    return case(
        *(
            (
                value.is_(None) if item is None else _is(by, table, item),
                literal(number, BigInteger),
            )
            for number, item in enumerate(values)
        ),
        else_=literal(len(values), BigInteger),
    )
