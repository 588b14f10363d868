"""A filter and a scope as conditions on the log's columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, false, literal, or_, true
from sqlalchemy.sql.expression import FromClause

from audit_core.access import Scope
from audit_core.entries import (
    ACTIONS_OF_CATEGORY,
    API_KEY_ACCESS_ACTIONS,
    API_KEY_TARGET,
    OUTCOME_OF_HUNDRED,
    TOOLBOX_PREFIX,
    UNANSWERED_STATUS,
    Category,
    Outcome,
)
from audit_core.log.dialects.functions import contains_folded, starts_with
from audit_core.query.filters import NONE, EntryFilter
from audit_core.query.windows import Bounds

Condition = ColumnElement[bool]


def matching(table: FromClause, wanted: EntryFilter, scope: Scope, bounds: Bounds) -> Condition:
    """What a row of `table` must fulfil to match the filter within the scope.

    `bounds` is what the filter's window means now.
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
    for values, field in (
        (wanted.actions, column.action),
        (wanted.target_types, column.target_type),
        (wanted.targets, column.target_id),
        (wanted.status_codes, column.status_code),
        (wanted.sources, column.source),
        (wanted.ip_addresses, column.ip_address),
    ):
        if values:
            conditions.append(_any_of(field, values))
    if wanted.text:
        part = literal(wanted.text)
        conditions.append(
            or_(
                *(
                    contains_folded(field, part)
                    for field in (
                        column.error_message,
                        column.target_id,
                        column.actor_email,
                        column.actor_id,
                    )
                )
            )
        )
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


def has_outcome(table: FromClause, outcome: Outcome) -> Condition:
    """Whether an entry has the outcome; see `entries.outcome_of`."""
    status = table.c.status_code
    if outcome is Outcome.IN_FLIGHT:
        return status.is_(None)
    if outcome is Outcome.UNANSWERED:
        return status == UNANSWERED_STATUS
    for hundred, found in OUTCOME_OF_HUNDRED.items():
        if found is outcome:
            return status.between(hundred * 100, hundred * 100 + 99)
    return false()


def in_category(table: FromClause, category: Category) -> Condition:
    """Whether an entry has the category; see `entries.category_of`."""
    action, target_type = table.c.action, table.c.target_type
    toolbox = starts_with(action, literal(TOOLBOX_PREFIX))
    key_access = and_(
        target_type.is_not(None),
        target_type == API_KEY_TARGET,
        action.in_(sorted(API_KEY_ACCESS_ACTIONS)),
    )
    if category is Category.TOOLBOX:
        return toolbox
    if category is Category.OTHER:
        named = sorted(set().union(*ACTIONS_OF_CATEGORY.values()))
        return and_(~toolbox, action.not_in(named))
    named = sorted(ACTIONS_OF_CATEGORY[category])
    if category is Category.ACCESS:
        return or_(action.in_(named), key_access)
    return and_(action.in_(named), ~key_access)


def _any_of(field: ColumnElement[Any], values: Sequence[Any]) -> Condition:
    present = [value for value in values if value != NONE]
    conditions: list[Condition] = [field.in_(present)] if present else []
    if NONE in values:
        conditions.append(field.is_(None))
    return or_(*conditions)
