"""The WHERE clause of a filter and a scope."""

from __future__ import annotations

from sqlalchemy import and_, true
from sqlalchemy.sql.expression import FromClause

from audit_core.domain.access import Scope
from audit_core.query.derived_columns import Condition
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.language.ast import Expression
from audit_core.query.predicate_sql import compile_predicate
from audit_core.query.time.windows import Bounds
from audit_core.query.visibility import require_visible


def where_clause(
    table: FromClause,
    entry_filter: EntryFilter,
    scope: Scope,
    bounds: Bounds,
    *,
    predicate: Expression | None = None,
) -> Condition:
    """The condition for a row of `table` to match the filter within the scope.

    `predicate` replaces the filter's own by an equivalent one. `bounds` is what the
    filter's window means now. Raises `QueryError` if the query asks for what the scope may not see.
    """
    if entry_filter.query:
        require_visible(entry_filter.expression, entry_filter.query, scope)
    return and_(
        within_scope(table, scope),
        within(table, bounds),
        compile_predicate(table, predicate or entry_filter.predicate, scope),
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
    conditions: list[Condition] = []
    if bounds.since is not None:
        conditions.append(table.c.created_at >= bounds.since)
    if bounds.until is not None:
        conditions.append(table.c.created_at < bounds.until)
    return and_(true(), *conditions)
