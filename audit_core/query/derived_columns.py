"""What an entry is by outcome, category and API key, told from the log's columns."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, case, false, func, literal, or_
from sqlalchemy.sql.expression import FromClause

from audit_core.domain.entries import (
    ACTIONS_OF_CATEGORY,
    API_KEY_ACCESS_ACTIONS,
    API_KEY_TARGET,
    OUTCOME_OF_HUNDRED,
    TOOLBOX_PREFIX,
    UNANSWERED_STATUS,
    Category,
    Outcome,
)
from audit_core.log.sql.functions import starts_with

Condition = ColumnElement[bool]


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


def failed(table: FromClause) -> Condition:
    """Whether the request of an entry was refused or broke."""
    return and_(table.c.status_code.is_not(None), table.c.status_code.between(400, 599))


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


def api_key_of(table: FromClause) -> ColumnElement[str]:
    """The masked key as `AuditEntry.api_key` writes it; NULL if no key was used."""
    prefix, suffix = table.c.actor_api_key_prefix, table.c.actor_api_key_suffix
    joined = func.concat(
        func.coalesce(prefix, literal("")), literal("…"), func.coalesce(suffix, literal(""))
    )
    return case((or_(prefix.is_not(None), suffix.is_not(None)), joined))
