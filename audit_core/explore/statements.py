"""The statements of Explore: query → SELECT. Builds, never runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
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
    union_all,
)
from sqlalchemy.sql.expression import FromClause, Label
from sqlalchemy.sql.selectable import Subquery

from audit_core.domain.access import Scope
from audit_core.log.precision import COARSEST
from audit_core.log.schema import Statement, audit_entry, entries, unfinished_entry
from audit_core.log.sql.functions import address_key, epoch_microseconds, floor_div
from audit_core.query.derived_columns import Condition
from audit_core.query.keyset import Cursor, numbered_by
from audit_core.query.planner.plan import Plan
from audit_core.query.query import Query
from audit_core.query.time.buckets import ORIGIN_SHIFT_US, Buckets
from audit_core.query.where import where_clause, within_scope


def page(
    query: Query,
    *,
    cursor: Cursor | None,
    rows: int,
    offset: int = 0,
) -> Statement:
    """One page of entries, whole rows: the nearest `rows` to the cursor, and one more if any,
    behind the first `offset`.

    Newest first; for a cursor that points to newer entries oldest first, so that the nearest
    come first: the reader turns them round.
    """
    newer = cursor is not None and cursor.newer
    # Each table gives its own nearest rows: engines then read only the ends of each.
    parts = [
        select(table)
        .where(
            where_clause(table, query),
            beyond(table, cursor, query.scope),
        )
        .order_by(*order(table, query.scope, newer=newer))
        .limit(offset + rows + 1)
        .subquery()
        for table in (audit_entry, unfinished_entry)
    ]
    both = union_all(*(part.select() for part in parts)).subquery("page")
    found = select(both).order_by(*order(both, query.scope, newer=newer))
    return found.offset(offset) if offset else found


def entry_with_id(entry_id: str, scope: Scope, *, created_at: datetime | None = None) -> Statement:
    """The entry with this id, whole; no row if the scope does not hold it.

    Its time, if it is known, spares engines without an index on ids the whole log.
    """
    statement = select(entries).where(within_scope(entries, scope), entries.c.id == entry_id)
    if created_at is not None:
        # It may have become finer since somebody noted it, never coarser.
        statement = statement.where(
            entries.c.created_at >= created_at, entries.c.created_at < created_at + COARSEST
        )
    # The limit stands within: engines without an index on ids then stop where they find it.
    return select(statement.limit(1).subquery("entry"))


def count_up_to(query: Query, *, limit: int, after_seq: int = 0) -> Statement:
    """How many entries match that arrived after a `seq` of the whole log, counted no further than
    to `limit` + 1: one row, column `count`."""
    found = (
        select(literal(1, BigInteger).label("one"))
        .where(where_clause(entries, query), entries.c.seq > after_seq)
        .limit(limit + 1)
        .subquery("found")
    )
    return select(func.count().label("count")).select_from(found)


def count_of(plan: Plan) -> Statement:
    """How many entries match, exactly: one row, column `count`."""
    # Where all of every organization is asked for, no condition names the table.
    counted = select(plan.source.count().label("count")).select_from(plan.source.table)
    return plan.source.options(counted.where(plan.where))


def earliest(plan: Plan) -> Statement:
    """One row: `earliest` created_at of the matches; NULL if there are none.

    Of a source that counts by the hour it may lie up to an hour too early.
    """
    table = plan.source.table
    return plan.source.options(
        select(func.min(table.c.created_at).label("earliest")).where(plan.where)
    )


def actor_of(table: FromClause) -> ColumnElement[str]:
    """Who an entry is by, as people call them: see `AuditEntry.actor`."""
    return case((table.c.actor_email != literal(""), table.c.actor_email), else_=table.c.actor_id)


def by_actor(plan: Plan, **counts: ColumnElement[int]) -> Subquery:
    """The matches by actor: `actor`, and the sum of each of `counts`, which are aggregates.

    An e-mail address counts once, whatever the case and form of its spellings: of several the last
    by the alphabet is shown. By spelling first, which are few: keys are slow to make.
    """
    table = plan.source.table
    email = table.c.actor_email
    service = case((email == literal(""), table.c.actor_id), else_=literal(""))
    spelled = (
        select(
            email.label("email"),
            service.label("service"),
            *(count.label(name) for name, count in counts.items()),
        )
        .where(plan.where)
        .group_by("email", "service")
        .subquery("spelled")
    )
    column = spelled.c
    last = func.max(column.email)
    return (
        select(
            case((last != literal(""), last), else_=func.max(column.service)).label("actor"),
            *(cast(func.sum(column[name]), BigInteger).label(name) for name in counts),
        )
        .group_by(address_key(column.email), column.service)
        .subquery("by_actor")
    )


FACETS: dict[str, Callable[[FromClause], ColumnElement[Any]]] = {
    "actor": actor_of,
    "action": lambda table: table.c.action,
    "target_type": lambda table: table.c.target_type,
    "source": lambda table: table.c.source,
    "ip": lambda table: table.c.ip_address,
    "status": lambda table: table.c.status_code,
}
"""What the values of a field can be listed for, by URL parameter."""


def values(
    param: str,
    plan: Plan,
) -> Statement:
    """The values of one field of `FACETS`, most frequent first: `value`, `count`. No NULL."""
    if param == "actor":
        actors = by_actor(plan, count=plan.source.count())
        total = actors.c["count"]
        return plan.source.options(
            select(actors.c.actor.label("value"), total).order_by(total.desc(), actors.c.actor)
        )
    value = FACETS[param](plan.source.table)
    count = plan.source.count().label("count")
    return plan.source.options(
        select(value.label("value"), count)
        .where(plan.where, value.is_not(None))
        .group_by("value")
        .order_by(count.desc(), "value")
    )


def order(table: FromClause, scope: Scope, *, newer: bool) -> tuple[ColumnElement[Any], ...]:
    """The order of pages: by time, then by arrival; oldest first if `newer`."""
    keys = (table.c.created_at, numbered_by(table, scope))
    return tuple(key.asc() if newer else key.desc() for key in keys)


def beyond(table: FromClause, cursor: Cursor | None, scope: Scope) -> Condition:
    """On the far side of the cursor, looking in its direction; everywhere for `None`."""
    if cursor is None:
        return literal(True)
    created_at, seq = table.c.created_at, numbered_by(table, scope)
    # The first comparison alone lets engines skip what lies elsewhere in time.
    if cursor.newer:
        return and_(
            created_at >= cursor.created_at,
            or_(created_at > cursor.created_at, seq > cursor.seq),
        )
    return and_(
        created_at <= cursor.created_at, or_(created_at < cursor.created_at, seq < cursor.seq)
    )


def bucket_of(table: FromClause, buckets: Buckets) -> tuple[Label[int], Label[int]]:
    """The bucket of an entry: `number` and `offset_us`, as `Buckets.start` takes them."""
    offset = _zone_offset(table, buckets)
    number = _bucket_number(table, offset, buckets.width_us)
    return number.label("number"), offset.label("offset_us")


def _zone_offset(table: FromClause, buckets: Buckets) -> ColumnElement[int]:
    """The zone's offset from UTC at an entry's time, in microseconds."""
    *earlier, last = buckets.spans
    otherwise = literal(last.offset_us, BigInteger)
    if not earlier:
        return otherwise
    return case(
        *(
            (table.c.created_at < span.until, literal(span.offset_us, BigInteger))
            for span in earlier
        ),
        else_=otherwise,
    )


def _bucket_number(
    table: FromClause, offset: ColumnElement[int], width_us: int
) -> ColumnElement[int]:
    """The bucket number of an entry on the zone's clocks."""
    local = epoch_microseconds(table.c.created_at) + offset + literal(ORIGIN_SHIFT_US, BigInteger)
    return floor_div(local, literal(width_us, BigInteger))
