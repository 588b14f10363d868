"""An expression of the query language as a condition on the log's columns."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, func, literal, not_, or_, true
from sqlalchemy.sql.expression import FromClause

from audit_core.access import Scope
from audit_core.entries import Category, Outcome
from audit_core.log.dialects.functions import (
    fits,
    ipv4_number,
    ipv6_digits,
    json_text,
)
from audit_core.query.classification import Condition, api_key_of, has_outcome, in_category
from audit_core.query.expressions import (
    AllOf,
    AnyOf,
    Between,
    Contains,
    Equals,
    Exists,
    Expression,
    Field,
    InNetwork,
    Leaf,
    Matches,
    MetadataEquals,
    MetadataExists,
    MetadataMatches,
    Not,
    OnMetadata,
    Pattern,
    Wildcard,
)
from audit_core.query.secrecy import as_shown, contains_shown, shown_template
from audit_core.templates import verbatim

_MADE = {Field.OUTCOME, Field.CATEGORY, Field.MESSAGE_PATTERN}
"""Fields that no column holds."""

_LIKE = {Wildcard.MANY: "%", Wildcard.ONE: "_"}
_MEANT = str.maketrans({character: f"\\{character}" for character in "\\%_"})


def fulfilling(table: FromClause, expression: Expression, scope: Scope) -> Condition:
    """What a row must fulfil for the expression to be true of it.

    The condition may be NULL instead of false: only `Not` turns one into the other. Messages
    and metadata are looked at as the scope's viewer is shown them; what is secret by its name
    is up to `secrecy.require_visible`.
    """
    if isinstance(expression, AllOf):
        return and_(true(), *(fulfilling(table, part, scope) for part in expression.parts))
    if isinstance(expression, AnyOf):
        return _any_fulfilled(table, expression, scope)
    if isinstance(expression, Not):
        return not_(func.coalesce(fulfilling(table, expression.part, scope), false()))
    if isinstance(expression, Equals) and isinstance(expression.value, Outcome):
        return has_outcome(table, expression.value)
    if isinstance(expression, Equals) and isinstance(expression.value, Category):
        return in_category(table, expression.value)
    if isinstance(expression, Contains):
        return or_(
            false(),
            *(contains_shown(value, expression.text, scope) for value in _asked(table, expression)),
        )
    if isinstance(expression, MetadataEquals | MetadataMatches):
        return as_shown(
            _asked(table, expression)[0], lambda value: _holds(value, expression), scope
        )
    if not isinstance(expression, MetadataExists) and expression.field is Field.MESSAGE_PATTERN:
        return _has_pattern(table.c.error_message, expression, scope)
    return or_(false(), *(_holds(value, expression) for value in _asked(table, expression)))


def _any_fulfilled(table: FromClause, expression: AnyOf, scope: Scope) -> Condition:
    """Values of one field together: engines look them up at once."""
    listed: dict[Field, list[Equals]] = {}
    conditions: list[Condition] = []
    for part in expression.parts:
        if isinstance(part, Equals) and part.field not in _MADE:
            listed.setdefault(part.field, []).append(part)
        else:
            conditions.append(fulfilling(table, part, scope))
    for equal in listed.values():
        values = [part.value for part in equal]
        conditions += (column.in_(values) for column in _asked(table, equal[0]))
    return or_(false(), *conditions)


def _has_pattern(message: ColumnElement[Any], leaf: Leaf, scope: Scope) -> Condition:
    held = _holds(shown_template(message, scope), leaf)
    if isinstance(leaf, Exists):
        return message.is_not(None)
    if not isinstance(leaf, Equals):
        return held
    # Templates are slow to make: most messages are told apart by what theirs would have of them.
    # Not an AND, whose parts engines take in any order.
    parts = [part.translate(_MEANT) for part in verbatim(str(leaf.value))]
    return case((fits(message, literal("%".join(["", *parts, ""]))), held), else_=false())


def _asked(table: FromClause, leaf: Leaf) -> list[ColumnElement[Any]]:
    """The values that a leaf asks about; any may fulfil it."""
    if isinstance(leaf, OnMetadata):
        return [json_text(table.c.metadata, leaf.path)]
    fields = leaf.fields if isinstance(leaf, Contains) else (leaf.field,)
    return [value for field in fields for value in _values(table, field)]


def _values(table: FromClause, field: Field) -> list[ColumnElement[Any]]:
    column = table.c
    if field is Field.ACTOR:
        return [*_values(table, Field.ACTOR_EMAIL), column.actor_id]
    if field is Field.ACTOR_EMAIL:
        return [func.nullif(column.actor_email, literal(""))]
    if field is Field.API_KEY:
        return [column.actor_api_key_prefix, column.actor_api_key_suffix, api_key_of(table)]
    if field is Field.ORGANIZATION_ID:
        return [func.nullif(column.organization_id, literal(""))]
    if field in (Field.OUTCOME, Field.CATEGORY):
        # Every entry has one.
        return [column.id]
    return [column[field.value]]


def _holds(value: ColumnElement[Any], leaf: Leaf) -> Condition:
    if isinstance(leaf, Equals | MetadataEquals):
        return value == leaf.value
    if isinstance(leaf, Matches | MetadataMatches):
        return fits(value, literal(_like(leaf.pattern)))
    if isinstance(leaf, InNetwork):
        return _belongs(value, leaf.network)
    if isinstance(leaf, Between):
        return _lies_between(value, leaf)
    return value.is_not(None)


def _like(pattern: Pattern) -> str:
    return "".join(
        _LIKE[piece] if isinstance(piece, Wildcard) else piece.translate(_MEANT)
        for piece in pattern
    )


def _belongs(value: ColumnElement[Any], network: IPv4Network | IPv6Network) -> Condition:
    first, last = int(network[0]), int(network[-1])
    if isinstance(network, IPv4Network):
        return ipv4_number(value).between(first, last)
    return ipv6_digits(value).between(f"{first:032x}", f"{last:032x}")


def _lies_between(value: ColumnElement[Any], leaf: Between) -> Condition:
    conditions: list[Condition] = [value.is_not(None)]
    if leaf.low is not None:
        conditions.append(value >= leaf.low if leaf.include_low else value > leaf.low)
    if leaf.high is not None:
        conditions.append(value <= leaf.high if leaf.include_high else value < leaf.high)
    return and_(*conditions)
