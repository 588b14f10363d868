"""The WHERE clause of a query."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, true
from sqlalchemy.sql.expression import FromClause

from audit_core.domain.access import Scope
from audit_core.query.derived_columns import Condition
from audit_core.query.predicate_sql import compile_predicate
from audit_core.query.query import Query
from audit_core.query.time.windows import Bounds


def where_clause(table: FromClause, query: Query) -> Condition:
    """The condition for a row of `table` to match the query."""
    return and_(
        within_scope(table, query.scope),
        within(table, query.time_range),
        compile_predicate(table, query.predicate, query.scope),
    )


def within_scope(table: FromClause, scope: Scope) -> Condition:
    """Whether a row is in the scope: what a viewer may see at all."""
    conditions: list[Condition] = []
    if scope.organization_id is not None:
        conditions.append(table.c.organization_id == scope.organization_id)
    if scope.actor_id is not None:
        conditions.append(table.c.actor_id == scope.actor_id)
    return and_(true(), *conditions)


def within(table: FromClause, bounds: Bounds) -> Condition:
    """Whether an entry was made within the bounds."""
    return instant_within(table.c.created_at, bounds)


def instant_within(instant: ColumnElement[datetime], bounds: Bounds) -> Condition:
    """Whether an instant lies within the bounds; always where they have no ends."""
    conditions: list[Condition] = []
    if bounds.since is not None:
        conditions.append(instant >= bounds.since)
    if bounds.until is not None:
        conditions.append(instant < bounds.until)
    return and_(true(), *conditions)
