"""The statements of what people did for the first time, and of how well they are known.

Builds, never runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.sql.expression import FromClause
from sqlalchemy.sql.selectable import Subquery

from audit_core.domain.entries import ACCESS_TARGETS, Category
from audit_core.log.schema import Statement
from audit_core.log.sql.functions import (
    as_text,
    hour_number,
    ipv4_number,
    ipv6_digits,
)
from audit_core.query.derived_columns import Condition, in_category
from audit_core.query.planner.plan import Plan
from audit_core.unusual.first_seen import Novelty

GROUPS: dict[Novelty, tuple[str, ...]] = {
    Novelty.ADDRESS: ("address",),
    Novelty.KEY: ("actor_api_key_prefix", "actor_api_key_suffix"),
    Novelty.CLIENT: ("source", "user_agent"),
    Novelty.ACTION: ("action",),
}
"""The columns of each; `address` is what spellings of an IP address have in common."""

_SEPARATOR = "\x1f"
_OF_ONESELF = ("accept", "decline", "login", "read", "register")


@dataclass(frozen=True, slots=True)
class FirstSeenRow:
    """A row of `first_seen`. The values of groups that it does not count by are `None`."""

    actor_id: str
    group_bits: int
    """See `kind_of`."""
    ip_address: str | None
    """One spelling of the address."""
    actor_api_key_prefix: str | None
    actor_api_key_suffix: str | None
    source: str | None
    user_agent: str | None
    action: str | None
    hour: int
    """Of the first time: whole hours since 1970."""
    count: int
    sensitive: int


def first_seen(now: Plan, before: Plan, kinds: Sequence[Novelty]) -> Statement:
    """What each actor of the scope had now and not before, latest first: rows of `FirstSeenRow`.

    The absence of a value is never new.
    """
    seen, earlier = _seen(now, kinds), _seen(before, kinds)
    hour = hour_number(seen.c.first)
    names = _columns(kinds)
    # An absent value of a column's own type, on every engine.
    absent = func.nullif(seen.c.actor_id, seen.c.actor_id)
    shown = [
        seen.c.get(name, absent).label(name)
        for name in ("ip_address", *_columns(tuple(Novelty)))
        if name != "address"
    ]
    statement = (
        select(
            seen.c.actor_id,
            seen.c.group_bits,
            *shown,
            hour.label("hour"),
            seen.c["count"],
            seen.c.sensitive,
        )
        .where(
            or_(*(seen.c[name].is_not(None) for name in names)),
            _written(seen, names).not_in(select(_written(earlier, names))),
        )
        .order_by(hour.desc(), seen.c.actor_id, *(seen.c[name] for name in names))
    )
    return now.source.options(before.source.options(statement))


@dataclass(frozen=True, slots=True)
class ActorHistory:
    """How much one actor did, and since when."""

    actor_id: str
    actor_email: str
    """Of several the last by the alphabet; empty for a service."""
    count: int
    hour: int
    """Of the first entry: whole hours since 1970."""
    sensitive: int
    """See `sensitive`."""


def histories(plan: Plan) -> Statement:
    """The actors of a time: rows of `ActorHistory`, no order."""
    table = plan.source.table
    hour = hour_number(func.min(table.c.created_at))
    return plan.source.options(
        select(
            table.c.actor_id,
            func.max(table.c.actor_email).label("actor_email"),
            plan.source.count().label("count"),
            hour.label("hour"),
            plan.source.count(sensitive(table)).label("sensitive"),
        )
        .where(plan.where)
        .group_by(table.c.actor_id)
    )


def kind_of(group_bits: int, kinds: Sequence[Novelty] = tuple(Novelty)) -> Novelty:
    """Which group a row of `first_seen` counts by. Raises `ValueError` if none."""
    last = len(_columns(kinds))
    for kind in kinds:
        last -= len(GROUPS[kind])
        if not group_bits >> last & 1:
            return kind
    raise ValueError(f"the bits {group_bits:b} belong to no group")


def sensitive(table: FromClause) -> Condition:
    """Whether an entry deletes something, or changes what others may do."""
    return or_(
        table.c.action == literal("delete"),
        in_category(table, Category.ACCESS),
        and_(
            table.c.target_type.is_not(None),
            table.c.target_type.in_(ACCESS_TARGETS),
            table.c.action.not_in(_OF_ONESELF),
        ),
    )


def _columns(kinds: Sequence[Novelty]) -> tuple[str, ...]:
    return tuple(name for kind in kinds for name in GROUPS[kind])


def _seen(plan: Plan, kinds: Sequence[Novelty]) -> Subquery:
    source, table = plan.source, plan.source.table
    names = _columns(kinds)
    stored = ["ip_address" if name == "address" else name for name in names]
    # By combination first, which are few.
    combined = (
        select(
            table.c.actor_id,
            *(table.c[name] for name in stored),
            func.min(table.c.created_at).label("first"),
            source.count().label("number"),
            source.count(sensitive(table)).label("delicate"),
        )
        .where(plan.where)
        .group_by(table.c.actor_id, *(table.c[name] for name in stored))
        .subquery()
    )
    if "address" in names:
        combined = select(combined, _one_spelling(combined.c.ip_address)).subquery()
    named = [combined.c[name] for name in names]
    groups = (
        tuple_(combined.c.actor_id, *(combined.c[name] for name in GROUPS[kind])) for kind in kinds
    )
    spelling = [func.max(combined.c.ip_address).label("ip_address")] if "address" in names else []
    return (
        select(
            combined.c.actor_id,
            *named,
            *spelling,
            func.grouping(*named).label("group_bits"),
            func.min(combined.c.first).label("first"),
            cast(func.sum(combined.c.number), BigInteger).label("count"),
            cast(func.sum(combined.c.delicate), BigInteger).label("sensitive"),
        )
        .group_by(func.grouping_sets(*groups))
        .subquery()
    )


def _one_spelling(address: ColumnElement[Any]) -> ColumnElement[Any]:
    ipv4, ipv6 = ipv4_number(address), ipv6_digits(address)
    return case(
        (ipv4.is_not(None), literal("4 ").concat(as_text(ipv4))),
        (ipv6.is_not(None), literal("6 ").concat(ipv6)),
        (address.is_not(None), literal("- ").concat(address)),
    ).label("address")


def _written(seen: Subquery, names: Sequence[str]) -> ColumnElement[str]:
    """A row of `_seen` as one text, which tells an absent value from an empty one."""
    text: ColumnElement[str] = as_text(seen.c.group_bits)
    text = text.concat(_SEPARATOR).concat(seen.c.actor_id).concat(_SEPARATOR)
    for name in names:
        value = seen.c[name]
        text = text.concat(case((value.is_(None), "-"), else_=literal("+").concat(value)))
        text = text.concat(_SEPARATOR)
    return text
