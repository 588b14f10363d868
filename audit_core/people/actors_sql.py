"""The statements of the list of actors: people, services and API keys. Builds, never runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, case, cast, func, literal, or_, select, true
from sqlalchemy.sql.expression import FromClause
from sqlalchemy.sql.selectable import Subquery

from audit_core.domain.access import Scope
from audit_core.log.schema import Statement, entries
from audit_core.log.sql.functions import contains_any_folded, epoch_microseconds, floor_div
from audit_core.query.derived_columns import Condition, api_key_of, failed
from audit_core.query.planner.plan import Plan
from audit_core.query.time.windows import EPOCH
from audit_core.query.where import where_clause, within_scope

MAX_LISTED = 10_000
"""How far down the list of actors one may page; a search finds those beyond."""

ABSENT = "\x1f"
"""Between the parts of a client as text: neither part holds it."""


class ActorKind(StrEnum):
    """What a line of the list stands for. The value is the name used in URLs."""

    ALL = "all"
    """People and services; what was done by their API keys counts as theirs."""
    PEOPLE = "people"
    """Actors with an e-mail address."""
    SERVICES = "services"
    """Actors without one, such as `runner`, `proxy` and `system`."""
    KEYS = "keys"
    """API keys, each with the actor it belongs to."""


class ActorOrder(StrEnum):
    """By what the list can be sorted. The value is the name used in URLs."""

    ACTOR = "actor"
    ENTRIES = "entries"
    FAILED = "failed"
    """By the share of failures."""
    FIRST = "first"
    LAST = "last"
    ADDRESSES = "addresses"
    KEYS = "keys"
    CLIENTS = "clients"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorList:
    """Which part of the list of actors is asked for."""

    kind: ActorKind = ActorKind.ALL
    search: str = ""
    """Found anywhere in the e-mail address, the id or the masked API key, whatever the case."""
    order: ActorOrder = ActorOrder.ENTRIES
    descending: bool = True
    offset: int = 0
    """How many lines stand before it; from 0 to `MAX_LISTED`."""

    def __post_init__(self) -> None:
        if not 0 <= self.offset <= MAX_LISTED:
            raise ValueError(f"the offset {self.offset} does not lie from 0 to {MAX_LISTED}")


def client_text(table: FromClause) -> ColumnElement[Any]:
    """Source and user agent as one text, an absent one as if it were empty; NULL if both are."""
    source, agent = table.c.source, table.c.user_agent
    written = func.coalesce(source, "").concat(ABSENT).concat(func.coalesce(agent, ""))
    return case((or_(source.is_not(None), agent.is_not(None)), written))


@dataclass(frozen=True, slots=True)
class ActorRow:
    """One actor, or one API key, with its matches in numbers."""

    actor_id: str
    actor_email: str
    """Of several the last by the alphabet."""
    api_key: str | None
    """Masked; in a list of actors one of theirs."""
    entries: int
    failed: int
    first: datetime
    last: datetime
    """In UTC without a zone."""
    addresses: int
    api_keys: int
    clients: int
    """Numbers of different ones."""
    actors: int
    """How many lines there are in all."""


def actors(
    plan: Plan,
    listing: ActorList,
) -> Statement:
    """The lines from the asked offset on, one for each actor (or API key) with a match, as rows of
    `ActorRow`."""
    by_key = listing.kind is ActorKind.KEYS
    line = _lines(plan, listing).subquery("line")
    ends = times(plan, _of_kind(entries, listing.kind), by_key=by_key)
    same = line.c.actor_id == ends.c.actor_id
    if by_key:
        same = and_(same, line.c.api_key == ends.c.api_key)
    timed = select(line, ends.c.first, ends.c.last).join(ends, same).subquery("timed")
    return plan.source.options(
        select(timed, func.count().over().label("actors"))
        .order_by(*_order(timed, listing))
        .offset(listing.offset)
    )


def _lines(plan: Plan, listing: ActorList) -> Statement:
    table = plan.source.table
    columns = [table.c[name] for name in _COMBINED]
    # By combination first, which are few: counting what differs among all rows would sort them.
    combined = (
        select(
            *columns,
            plan.source.count().label("entries"),
            plan.source.count(failed(table)).label("failed"),
        )
        .where(plan.where, _of_kind(table, listing.kind))
        .group_by(*columns)
        .subquery("combined")
    )
    api_key = api_key_of(combined)
    lines = select(
        combined.c.actor_id,
        func.max(combined.c.actor_email).label("actor_email"),
        func.max(api_key).label("api_key"),
        *(
            cast(func.sum(combined.c[name]), BigInteger).label(name)
            for name in ("entries", "failed")
        ),
        func.count(combined.c.ip_address.distinct()).label("addresses"),
        func.count(api_key.distinct()).label("api_keys"),
        func.count(client_text(combined).distinct()).label("clients"),
    ).group_by(combined.c.actor_id, *((api_key,) if listing.kind is ActorKind.KEYS else ()))
    if listing.search:
        lines = lines.having(func.count().filter(_found(combined, listing)) > 0)
    return lines


def times(
    plan: Plan,
    condition: Condition,
    *,
    by_key: bool,
) -> Subquery:
    """When each actor's (or key's) matches began and ended: `actor_id`, `api_key` if `by_key`,
    `first`, `last`. Read from the entries themselves: counts know the hour only."""
    names = ("actor_api_key_prefix", "actor_api_key_suffix") if by_key else ()
    columns = [entries.c[name] for name in ("actor_id", *names)]
    raw = (
        select(
            *columns,
            func.min(entries.c.created_at).label("first"),
            func.max(entries.c.created_at).label("last"),
        )
        .where(where_clause(entries, plan.query), condition)
        .group_by(*columns)
        .subquery("raw")
    )
    if not by_key:
        return raw
    # Two keys that are shown alike are one.
    written = select(
        raw.c.actor_id, api_key_of(raw).label("api_key"), raw.c.first, raw.c.last
    ).subquery("written")
    return (
        select(
            written.c.actor_id,
            written.c.api_key,
            func.min(written.c.first).label("first"),
            func.max(written.c.last).label("last"),
        )
        .group_by(written.c.actor_id, written.c.api_key)
        .subquery("ends")
    )


@dataclass(frozen=True, slots=True)
class ActivityRow:
    """Entries of one actor and key in one stretch of time."""

    actor_id: str
    api_key: str | None
    number: int
    count: int


def activity(
    plan: Plan,
    *,
    actor_ids: Sequence[str],
    since: datetime,
    width_us: int,
) -> Statement:
    """When some actors were active: rows of `ActivityRow`; no order.

    `number` counts stretches of `width_us` microseconds from `since` on, which no match lies
    before. Of a source that counts by the hour they must be whole hours.
    """
    table = plan.source.table
    columns = [
        table.c[name] for name in ("actor_id", "actor_api_key_prefix", "actor_api_key_suffix")
    ]
    counted = (
        select(
            *columns,
            stretch(table, since, width_us).label("number"),
            plan.source.count().label("count"),
        )
        .where(plan.where, table.c.actor_id.in_(actor_ids))
        .group_by(*columns, "number")
        .subquery("counted")
    )
    return plan.source.options(
        select(
            counted.c.actor_id,
            api_key_of(counted).label("api_key"),
            counted.c.number,
            counted.c.count,
        )
    )


@dataclass(frozen=True, slots=True)
class AddressedActor:
    """An actor and one of its e-mail addresses."""

    actor_id: str
    actor_email: str


def actors_with_address(email: str, scope: Scope) -> Statement:
    """Those whose e-mail address holds a text, whatever the case: rows of `AddressedActor`."""
    return (
        select(entries.c.actor_id, entries.c.actor_email)
        .where(within_scope(entries, scope), contains_any_folded(entries.c.actor_email, [email]))
        .group_by(entries.c.actor_id, entries.c.actor_email)
        .order_by(entries.c.actor_id, entries.c.actor_email)
    )


def addresses_of(plan: Plan) -> Statement:
    """Every actor that matches with each of its e-mail addresses: rows of `AddressedActor`."""
    column = plan.source.table.c
    return plan.source.options(
        select(column.actor_id, column.actor_email)
        .where(plan.where)
        .group_by(column.actor_id, column.actor_email)
        .order_by(column.actor_id, column.actor_email)
    )


def stretch(table: FromClause, since: datetime, width_us: int) -> ColumnElement[int]:
    """The number of the stretch of time that an entry lies in, counted from `since`."""
    begin_us = (since - EPOCH) // timedelta(microseconds=1)
    passed = epoch_microseconds(table.c.created_at) - literal(begin_us, BigInteger)
    return floor_div(passed, literal(width_us, BigInteger))


_COMBINED = (
    "actor_id",
    "actor_email",
    "actor_api_key_prefix",
    "actor_api_key_suffix",
    "ip_address",
    "source",
    "user_agent",
)


def _of_kind(table: FromClause, kind: ActorKind) -> Condition:
    if kind is ActorKind.PEOPLE:
        return table.c.actor_email != literal("")
    if kind is ActorKind.SERVICES:
        return table.c.actor_email == literal("")
    if kind is ActorKind.KEYS:
        return with_key(table)
    return true()


def with_key(table: FromClause) -> Condition:
    """Whether an API key was used."""
    return or_(table.c.actor_api_key_prefix.is_not(None), table.c.actor_api_key_suffix.is_not(None))


def _found(combined: FromClause, listing: ActorList) -> Condition:
    searched: list[ColumnElement[Any]] = [combined.c.actor_email, combined.c.actor_id]
    if listing.kind is ActorKind.KEYS:
        searched.append(func.coalesce(api_key_of(combined), ""))
    return or_(*(contains_any_folded(column, [listing.search]) for column in searched))


def _order(line: FromClause, listing: ActorList) -> tuple[ColumnElement[Any], ...]:
    actor = case((line.c.actor_email != literal(""), line.c.actor_email), else_=line.c.actor_id)
    by: dict[ActorOrder, ColumnElement[Any]] = {
        ActorOrder.ACTOR: actor,
        # In parts of a milliard, which all engines compute alike.
        ActorOrder.FAILED: floor_div(
            line.c.failed * literal(1_000_000_000, BigInteger), line.c.entries
        ),
        ActorOrder.KEYS: line.c.api_keys,
        **{
            order: line.c[order.value]
            for order in (
                ActorOrder.ENTRIES,
                ActorOrder.FIRST,
                ActorOrder.LAST,
                ActorOrder.ADDRESSES,
                ActorOrder.CLIENTS,
            )
        },
    }
    first = by[listing.order].desc() if listing.descending else by[listing.order].asc()
    return (first, line.c.actor_id, line.c.api_key)
