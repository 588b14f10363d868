"""The WHERE clause of a query."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, true
from sqlalchemy.sql.expression import FromClause

from audit_core.domain.access import Scope
from audit_core.query.derived_columns import Condition
from audit_core.query.predicate_sql import compile_predicate
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange


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


def within(table: FromClause, time_range: TimeRange) -> Condition:
    """Whether an entry was made within the time range."""
    return instant_within(table.c.created_at, time_range)


def instant_within(instant: ColumnElement[datetime], time_range: TimeRange) -> Condition:
    """Whether an instant lies within the time range; always where it has no ends."""
    conditions: list[Condition] = []
    if time_range.since is not None:
        conditions.append(instant >= time_range.since)
    if time_range.until is not None:
        conditions.append(instant < time_range.until)
    return and_(true(), *conditions)
