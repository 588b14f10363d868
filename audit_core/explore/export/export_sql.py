"""The statements of an export: query → SELECT. Builds, never runs."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, text, true
from sqlalchemy.sql.expression import FromClause

from audit_core.domain.access import Scope
from audit_core.domain.entries import UNANSWERED_STATUS
from audit_core.explore.statements import beyond, order
from audit_core.log.schema import (
    Statement,
    audit_entry,
    entries,
    organization_head,
    unfinished_entry,
)
from audit_core.log.sql.functions import hour_number
from audit_core.query.keyset import Cursor, number_name, revision_name
from audit_core.query.query import Query
from audit_core.query.where import where_clause, within_scope

HEAD = "head"
"""The column of `unfinished_beside_head` that has the head."""


def finished(table: FromClause) -> ColumnElement[bool]:
    """Whether an entry has its final status; see `AuditEntry.finished`."""
    return and_(table.c.status_code.is_not(None), table.c.status_code != UNANSWERED_STATUS)


def unfinished(table: FromClause) -> ColumnElement[bool]:
    """Whether an entry may still be finished."""
    return or_(table.c.status_code.is_(None), table.c.status_code == UNANSWERED_STATUS)


def unfinished_and_newer(query: Query, *, after: int) -> Statement:
    """The matches that are unfinished, and all of the scope that was written after a head: whole
    rows. The highest revision among them is that of the very moment that they are of."""
    return select(entries).where(
        or_(
            and_(unfinished(entries), where_clause(entries, query)),
            and_(
                within_scope(entries, query.scope),
                entries.c[revision_name(query.scope)] > after,
            ),
        )
    )


def unfinished_beside_head(query: Query) -> Statement:
    """The matches that are unfinished, whole rows, each beside the `HEAD` of the scope; a row
    without an entry if there are none. For an engine that keeps heads in a table."""
    of_scope = select(func.max(organization_head.c[revision_name(query.scope)]).label(HEAD))
    if query.scope.organization_id is not None:
        of_scope = of_scope.where(
            organization_head.c.organization_id == query.scope.organization_id
        )
    heads = of_scope.subquery("heads")
    found = (
        select(unfinished_entry).where(where_clause(unfinished_entry, query)).subquery("unfinished")
    )
    return select(found, heads.c[HEAD]).select_from(heads.outerjoin(found, true()))


def newest(scope: Scope) -> Statement:
    """The time of the newest entry of a scope, `at` of one row; NULL if there is none."""
    return select(func.max(entries.c.created_at).label("at")).where(within_scope(entries, scope))


def last_arrival(scope: Scope, *, head: int, since: datetime | None) -> Statement:
    """When the last entry up to a head arrived, `at` of one row: of those that were made from a
    time on, which engines with an index find at once."""
    made = true() if since is None else entries.c.created_at >= since
    return select(func.max(entries.c.received_at).label("at")).where(
        within_scope(entries, scope), entries.c[revision_name(scope)] <= head, made
    )


def hours(query: Query, *, base: int | None = None) -> Statement:
    """How the finished matches lie in time, rows of `HourCount` in order of time, with those that
    arrived after the cut: asked before the entries, which are then read from short stretches.

    Revisions are left out but for a base: engines with an index then count by it alone.
    """
    return _by_hour(query, _written(query, base=base, head=None))


def held(query: Query, *, head: int, base: int | None = None) -> Statement:
    """How the finished matches as of a head lie in time, exactly, without those up to the base:
    rows of `HourCount`, in order of time."""
    return _by_hour(query, _written(query, base=base, head=head))


def last_number(scope: Scope, *, head: int) -> Statement:
    """The highest number of an entry of the scope that had arrived as of a head, `number` of one
    row; NULL if there is none."""
    return select(func.max(entries.c[number_name(scope)]).label("number")).where(
        within_scope(entries, scope), entries.c[revision_name(scope)] <= head
    )


def numbers_among(query: Query, numbers: Collection[int]) -> Statement:
    """Which of these numbers entries of the scope have: rows with `number`."""
    number = entries.c[number_name(query.scope)]
    return select(number.label("number")).where(
        within_scope(entries, query.scope), number.in_(sorted(numbers))
    )


def _written(query: Query, *, base: int | None, head: int | None) -> ColumnElement[bool]:
    """Written after the base, and not after the head."""
    revision = audit_entry.c[revision_name(query.scope)]
    return and_(
        true() if base is None else revision > base, true() if head is None else revision <= head
    )


def _by_hour(query: Query, condition: ColumnElement[bool]) -> Statement:
    hour = hour_number(audit_entry.c.created_at)
    return (
        select(hour.label("hour"), func.count().label("count"))
        .where(where_clause(audit_entry, query), finished(audit_entry), condition)
        .group_by(text("hour"))
        .order_by(text("hour"))
    )


def page(
    query: Query, *, head: int, after: Cursor | None, ordered: bool, base: int | None = None
) -> Statement:
    """The finished matches as of a head, without those up to the base, whole rows, behind a cursor;
    oldest first if `ordered`."""
    table = audit_entry
    statement = select(table).where(
        where_clause(table, query),
        finished(table),
        _written(query, base=base, head=head),
        beyond(table, after, query.scope),
    )
    return statement.order_by(*order(table, query.scope, newer=True)) if ordered else statement
