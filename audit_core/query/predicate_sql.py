"""Compiler from an expression of the query language to an SQL condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, cast

from sqlalchemy import (
    ColumnElement,
    and_,
    case,
    false,
    func,
    literal,
    literal_column,
    not_,
    or_,
    true,
)
from sqlalchemy.sql.expression import FromClause

from audit_core.domain.access import Scope
from audit_core.domain.entries import Category, Outcome
from audit_core.domain.ip_addresses import plain_network
from audit_core.domain.message_template import verbatim as verbatim_parts
from audit_core.log.sql.functions import (
    PLAIN_IN_LIKE,
    address_key,
    contains_any_folded,
    has_address,
    json_text,
    key_of_address,
    let,
    like,
)
from audit_core.log.sql.redaction import looks_secret, redacted
from audit_core.query.addresses_sql import address_is, in_any_network, in_network
from audit_core.query.derived_columns import Condition, api_key_of, has_outcome, in_category
from audit_core.query.language.ast import (
    EVERYTHING,
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
    all_of,
    leaves,
    merged,
)
from audit_core.query.visibility import shown_template

_MADE = {Field.OUTCOME, Field.CATEGORY, Field.MESSAGE_PATTERN}
"""Fields that no column holds."""

_ADDRESSED = {Field.ACTOR, Field.ACTOR_EMAIL}
"""Fields that hold e-mail addresses."""

_EMPTY_IS_ABSENT = {
    Field.ACTOR: ("actor_email", "actor_id"),
    Field.ACTOR_EMAIL: ("actor_email",),
    Field.ORGANIZATION_ID: ("organization_id",),
}
"""The columns of fields in which an empty text stands for no value."""

_LIKE = {Wildcard.MANY: "%", Wildcard.ONE: "_"}


Veiled: TypeAlias = Field | tuple[str, ...]
"""A text that is not shown as it is stored, or is made of one: the message, its pattern, or what
stands at a path in the metadata."""

_Shown: TypeAlias = Mapping[Veiled, ColumnElement[Any]]
"""The texts as the viewer is shown them; without one, a condition on it is what must be true of the
text as it is stored."""


def compile_predicate(table: FromClause, expression: Expression, scope: Scope) -> Condition:
    """What a row must fulfil for the expression to be true of it.

    The condition may be NULL instead of false: only `Not` turns one into the other. Messages
    and metadata are looked at as the scope's viewer is shown them; what is secret by its name
    is up to `visibility.require_visible`. It grows in proportion to the expression, and what is
    costly to make stands in it once, however many conditions there are on it.
    """
    expression = merged(expression)
    parts = expression.parts if isinstance(expression, AllOf) else (expression,)
    veiled = {part: _veiled(part, scope) for part in parts}
    plain = [_met(table, part, {}) for part in parts if not veiled[part]]
    rest = all_of(part for part in parts if veiled[part])
    if rest == EVERYTHING:
        return and_(true(), *plain)
    return and_(true(), *plain, _met_as_shown(table, rest, scope))


def text_shown(table: FromClause, leaf: Contains, shown: ColumnElement[Any]) -> Condition:
    """Whether the message of a row holds what is looked for in messages alone, where `shown` is
    the message as the viewer is shown it."""
    return _text_held(table, Field.ERROR_MESSAGE, leaf, {Field.ERROR_MESSAGE: shown})


def _met_as_shown(table: FromClause, expression: Expression, scope: Scope) -> Condition:
    """The same of an expression that looks at veiled texts.

    These are made only of rows where they may decide. Not by an AND, whose parts engines take in
    any order: few rows are worth the long look.
    """
    leaves_on = _veiled(expression, scope)
    stored = _met(table, expression, {})
    doubtful: list[Condition] = []
    shown: dict[Veiled, ColumnElement[Any]] = {}
    names: dict[Veiled, str] = {}
    for number, (text, on_it) in enumerate(leaves_on.items()):
        names[text] = f"shown_{number}"
        shown[text] = literal_column(names[text])
        doubtful.append(_in_doubt(table, text, on_it))
    condition = _met(table, expression, shown)
    for text, name in names.items():
        condition = let(name, _made(table, text, scope), condition)
    if _only_asked_for(expression, leaves_on):
        # Engines with indexes see what the row must hold at least.
        return and_(stored, case((or_(*doubtful), condition), else_=true()))
    return case((or_(*doubtful), condition), else_=stored)


def _veiled(expression: Expression, scope: Scope) -> dict[Veiled, list[Leaf]]:
    """The veiled texts that an expression looks at, each with the conditions on it."""
    found: dict[Veiled, list[Leaf]] = {}
    for leaf in leaves(expression):
        if (text := _veiled_text(leaf)) is None:
            continue
        if text is Field.MESSAGE_PATTERN or not scope.secrets:
            found.setdefault(text, []).append(leaf)
    return found


def _veiled_text(leaf: Leaf) -> Veiled | None:
    if isinstance(leaf, MetadataExists | Exists):
        return None
    if isinstance(leaf, OnMetadata):
        return leaf.path
    if isinstance(leaf, Contains):
        return Field.ERROR_MESSAGE if Field.ERROR_MESSAGE in leaf.fields else None
    # Equality with a message comes only from `rewrite`, which found the message as it is shown.
    return Field.MESSAGE_PATTERN if leaf.field is Field.MESSAGE_PATTERN else None


def _in_doubt(table: FromClause, text: Veiled, on_it: Sequence[Leaf]) -> Condition:
    """Whether any condition may be met by the text as it is stored, and it may be shown
    otherwise."""
    if text is Field.ERROR_MESSAGE:
        message = table.c.error_message
        words = [word for leaf in on_it if isinstance(leaf, Contains) for word in leaf.texts]
        return and_(contains_any_folded(message, words), looks_secret(message))
    met = or_(*(_leaf_met(table, leaf, {}) for leaf in on_it))
    if text is Field.MESSAGE_PATTERN:
        return met
    return and_(met, looks_secret(json_text(table.c.metadata, cast(tuple[str, ...], text))))


def _made(table: FromClause, text: Veiled, scope: Scope) -> ColumnElement[Any]:
    """The text as it is shown."""
    if text is Field.MESSAGE_PATTERN:
        return shown_template(table.c.error_message, scope)
    if text is Field.ERROR_MESSAGE:
        return redacted(table.c.error_message)
    return redacted(json_text(table.c.metadata, cast(tuple[str, ...], text)))


def _only_asked_for(expression: Expression, on: Mapping[Veiled, object]) -> bool:
    """Whether no condition on a veiled text is negated."""
    if isinstance(expression, AllOf | AnyOf):
        return all(_only_asked_for(part, on) for part in expression.parts)
    if isinstance(expression, Not):
        return not any(_veiled_text(leaf) in on for leaf in leaves(expression))
    return True


def _met(table: FromClause, expression: Expression, shown: _Shown) -> Condition:
    if isinstance(expression, AllOf):
        return and_(true(), *(_met(table, part, shown) for part in expression.parts))
    if isinstance(expression, AnyOf):
        return _any_met(table, expression, shown)
    if isinstance(expression, Not):
        if (column := _plain_column(table, expression.part)) is not None:
            return column.is_(None)
        return not_(func.coalesce(_met(table, expression.part, shown), false()))
    return _leaf_met(table, expression, shown)


def _leaf_met(table: FromClause, leaf: Leaf, shown: _Shown) -> Condition:
    if isinstance(leaf, Equals) and isinstance(leaf.value, Outcome):
        return has_outcome(table, leaf.value)
    if isinstance(leaf, Equals) and isinstance(leaf.value, Category):
        return in_category(table, leaf.value)
    if isinstance(leaf, Contains):
        return or_(false(), *(_text_held(table, field, leaf, shown) for field in leaf.fields))
    if isinstance(leaf, MetadataEquals | MetadataMatches):
        stored = json_text(table.c.metadata, leaf.path)
        met = _holds(stored, leaf)
        return and_(met, _holds(shown[leaf.path], leaf)) if leaf.path in shown else met
    if not isinstance(leaf, MetadataExists) and leaf.field is Field.MESSAGE_PATTERN:
        return _has_pattern(table.c.error_message, leaf, shown)
    if isinstance(leaf, Equals):
        return _equals_any(table, leaf.field, [leaf.value], verbatim=leaf.verbatim)
    if isinstance(leaf, Matches) and leaf.field in _ADDRESSED:
        return _address_fits(table, leaf)
    return or_(false(), *(_holds(value, leaf) for value in _asked(table, leaf)))


def _address_fits(table: FromClause, leaf: Matches) -> Condition:
    pattern = like_pattern(leaf.pattern)
    email, *ids = _values(table, leaf.field)
    met = like(address_key(email), key_of_address(pattern))
    return or_(met, *(like(value, literal(pattern)) for value in ids))


def _any_met(table: FromClause, expression: AnyOf, shown: _Shown) -> Condition:
    """Values of one field together: engines look them up at once."""
    listed: dict[tuple[Field, bool], list[str | int]] = {}
    at_path: dict[tuple[str, ...], list[str]] = {}
    networks: dict[tuple[Field, int], list[InNetwork]] = {}
    conditions: list[Condition] = []
    for part in expression.parts:
        if isinstance(part, Equals) and part.field not in _MADE:
            listed.setdefault((part.field, part.verbatim), []).append(part.value)
        elif isinstance(part, MetadataEquals):
            at_path.setdefault(part.path, []).append(part.value)
        elif isinstance(part, InNetwork):
            version = plain_network(part.network).version
            networks.setdefault((part.field, version), []).append(part)
        else:
            conditions.append(_met(table, part, shown))
    conditions += (
        _equals_any(table, field, values, verbatim=verbatim)
        for (field, verbatim), values in listed.items()
    )
    for path, texts in at_path.items():
        stored = json_text(table.c.metadata, path)
        met = stored.in_(texts)
        conditions.append(and_(met, stored == shown[path]) if path in shown else met)
    for within in networks.values():
        asked = [leaf.network for leaf in within]
        conditions += (in_any_network(value, asked) for value in _asked(table, within[0]))
    return or_(false(), *conditions)


def _equals_any(
    table: FromClause, field: Field, values: Sequence[str | int], *, verbatim: bool
) -> Condition:
    """Whether the field is one of the values, on the bare column where it is the same: only that
    one has indexes and statistics."""
    if field in _ADDRESSED and not verbatim:
        met = has_address(table.c.actor_email, [str(value) for value in values])
        return or_(met, table.c.actor_id.in_(values)) if field is Field.ACTOR else met
    if field is Field.IP_ADDRESS and not verbatim:
        return address_is(table.c.ip_address, [str(value) for value in values])
    columns = _values(table, field)
    if field in _EMPTY_IS_ABSENT and "" not in values:
        columns = [table.c[column] for column in _EMPTY_IS_ABSENT[field]]
    return or_(*(column.in_(values) for column in columns))


def _plain_column(table: FromClause, expression: Expression) -> ColumnElement[Any] | None:
    """The column that `Exists` asks about, if it is a single one as it is stored."""
    if not isinstance(expression, Exists) or expression.field in _MADE:
        return None
    columns = _values(table, expression.field)
    return columns[0] if len(columns) == 1 else None


def _text_held(table: FromClause, field: Field, leaf: Contains, shown: _Shown) -> Condition:
    """Whether a field holds one of the texts; one that is not shown counts for nothing."""
    if field in shown:
        (message,) = _values(table, field)
        return or_(
            *(
                and_(
                    contains_any_folded(message, [text]), contains_any_folded(shown[field], [text])
                )
                for text in leaf.texts
            )
        )
    return or_(*(contains_any_folded(value, leaf.texts) for value in _values(table, field)))


def _has_pattern(message: ColumnElement[Any], leaf: Leaf, shown: _Shown) -> Condition:
    """Templates are slow to make: most messages are told apart by what theirs would hold."""
    if isinstance(leaf, Exists):
        return message.is_not(None)
    possible: Condition = message.is_not(None)
    if isinstance(leaf, Equals):
        parts = [part.translate(PLAIN_IN_LIKE) for part in verbatim_parts(str(leaf.value))]
        possible = like(message, literal("%".join(["", *parts, ""])))
    if Field.MESSAGE_PATTERN not in shown:
        return possible
    return and_(possible, _holds(shown[Field.MESSAGE_PATTERN], leaf))


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
        return like(value, literal(like_pattern(leaf.pattern)))
    if isinstance(leaf, InNetwork):
        return in_network(value, leaf.network)
    if isinstance(leaf, Between):
        return and_(value.is_not(None), between_ends(value, leaf))
    return value.is_not(None)


def like_pattern(pattern: Pattern) -> str:
    """The pattern as LIKE takes it, with a backslash before what is no wildcard."""
    return "".join(
        _LIKE[piece] if isinstance(piece, Wildcard) else piece.translate(PLAIN_IN_LIKE)
        for piece in pattern
    )


def between_ends(value: ColumnElement[Any], leaf: Between) -> Condition:
    """Whether a value lies between the ends; NULL or true for none."""
    conditions: list[Condition] = [true()]
    if leaf.low is not None:
        conditions.append(value >= leaf.low if leaf.include_low else value > leaf.low)
    if leaf.high is not None:
        conditions.append(value <= leaf.high if leaf.include_high else value < leaf.high)
    return and_(*conditions)
