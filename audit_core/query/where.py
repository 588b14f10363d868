"""A filter and a scope as conditions on the log's columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, true
from sqlalchemy.sql.expression import FromClause

from audit_core.domain.access import Scope
from audit_core.query.derived_columns import Condition, has_outcome, in_category
from audit_core.query.entry_filter import NONE, EntryFilter
from audit_core.query.language.ast import Expression
from audit_core.query.planner.rewrite import sought
from audit_core.query.predicate_sql import fulfilling
from audit_core.query.time.windows import Bounds
from audit_core.query.visibility import require_visible


def matching(
    table: FromClause,
    wanted: EntryFilter,
    scope: Scope,
    bounds: Bounds,
    *,
    asked: Expression | None = None,
) -> Condition:
    """What a row of `table` must fulfil to match the filter within the scope.

    `asked` stands for what the filter's text and query seek, if that is known in another form.

    `bounds` is what the filter's window means now. Raises `QueryError` if the query asks for
    what the scope may not see.
    """
    column = table.c
    conditions = [within_scope(table, scope), within(table, bounds)]
    if wanted.actors:
        conditions.append(
            or_(column.actor_email.in_(wanted.actors), column.actor_id.in_(wanted.actors))
        )
    if wanted.categories:
        conditions.append(or_(*(in_category(table, category) for category in wanted.categories)))
    if wanted.outcomes:
        conditions.append(or_(*(has_outcome(table, outcome) for outcome in wanted.outcomes)))
    for values, name in (
        (wanted.actions, "action"),
        (wanted.target_types, "target_type"),
        (wanted.targets, "target_id"),
        (wanted.status_codes, "status_code"),
        (wanted.sources, "source"),
        (wanted.ip_addresses, "ip_address"),
    ):
        if values:
            conditions.append(_any_of(column[name], values))
    if wanted.query:
        require_visible(wanted.expression, wanted.query, scope)
    conditions.append(fulfilling(table, sought(wanted) if asked is None else asked, scope))
    return and_(*conditions)


def within_scope(table: FromClause, scope: Scope) -> Condition:
    """What a viewer may see at all."""
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
