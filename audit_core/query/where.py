"""The WHERE clause of a filter and a scope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, true
from sqlalchemy.sql.expression import FromClause

from audit_core.domain.access import Scope
from audit_core.query.derived_columns import Condition, has_outcome, in_category
from audit_core.query.entry_filter import NONE, EntryFilter
from audit_core.query.language.ast import Expression
from audit_core.query.planner.rewrite import search_predicate
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

    `predicate` replaces the filter's text and query by an equivalent form. `bounds` is what the
    filter's window means now. Raises `QueryError` if the query asks for what the scope may not see.
    """
    column = table.c
    conditions = [within_scope(table, scope), within(table, bounds)]
    if entry_filter.actors:
        conditions.append(
            or_(
                column.actor_email.in_(entry_filter.actors),
                column.actor_id.in_(entry_filter.actors),
            )
        )
    if entry_filter.categories:
        conditions.append(
            or_(*(in_category(table, category) for category in entry_filter.categories))
        )
    if entry_filter.outcomes:
        conditions.append(or_(*(has_outcome(table, outcome) for outcome in entry_filter.outcomes)))
    for values, name in (
        (entry_filter.actions, "action"),
        (entry_filter.target_types, "target_type"),
        (entry_filter.targets, "target_id"),
        (entry_filter.status_codes, "status_code"),
        (entry_filter.sources, "source"),
        (entry_filter.ip_addresses, "ip_address"),
    ):
        if values:
            conditions.append(_any_of(column[name], values))
    if entry_filter.query:
        require_visible(entry_filter.expression, entry_filter.query, scope)
    conditions.append(
        compile_predicate(
            table, search_predicate(entry_filter) if predicate is None else predicate, scope
        )
    )
    return and_(*conditions)


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


def _any_of(field: ColumnElement[Any], values: Sequence[Any]) -> Condition:
    present = [value for value in values if value != NONE]
    conditions: list[Condition] = [field.in_(present)] if present else []
    if NONE in values:
        conditions.append(field.is_(None))
    return or_(*conditions)
