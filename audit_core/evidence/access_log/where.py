"""A filter of the access record as a condition on its table, for SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Text, and_, case, cast, false, func, not_, or_, true

from audit_core.domain.addresses import address_key
from audit_core.evidence.access_log.record_filter import Part, RecordFilter, RecordScope
from audit_core.query.language.ast import (
    AllOf,
    AnyOf,
    Between,
    Contains,
    Equals,
    Expression,
    Field,
    InNetwork,
    Leaf,
    Matches,
    MetadataEquals,
    MetadataMatches,
    Not,
    OnMetadata,
    Pattern,
    Wildcard,
)
from audit_core.query.predicate_sql import between_ends, like_pattern
from audit_core.query.time.windows import TimeRange
from audit_core.query.where import instant_within
from audit_core.state.access_log.record import address_digits
from audit_core.state.access_log.verbs import VERBS, Category
from audit_core.state.tables import access_event

Condition = ColumnElement[bool]

_C = access_event.c

_COLUMN_OF: dict[Field, ColumnElement[Any]] = {
    Field.ACTOR: _C.actor,
    Field.ACTION: _C.verb,
    Field.CATEGORY: _C.verb,
    Field.OUTCOME: _C.outcome,
    Field.TARGET_ID: _C.target,
    Field.IP_ADDRESS: _C.address,
    Field.CREATED_AT: _C.at,
    Field.ORGANIZATION_ID: _C.organization_id,
    Field.ID: _C.uid,
    Field.METADATA: _C.uid,  # every event has a detail, and an id
}

_GLOB = {Wildcard.MANY: "*", Wildcard.ONE: "?"}
_GLOB_MEANT = str.maketrans({character: f"[{character}]" for character in "*?["})


def matching(
    record_filter: RecordFilter, scope: RecordScope, time_range: TimeRange, *, sqlite: bool
) -> Condition:
    """What a row must fulfil to match the filter within the scope.

    `time_range` is what the filter's window means now; `sqlite` is whether the state is on SQLite.
    """
    return and_(
        within_scope(scope),
        instant_within(_C.at, time_range),
        _met(record_filter.predicate, sqlite=sqlite),
    )


def within_scope(scope: RecordScope) -> Condition:
    """What a viewer may see at all."""
    if scope.part is Part.ORGANIZATION:
        return _C.organization_id == scope.organization_id
    return _C.organization_id.is_(None) if scope.part is Part.INSTALLATION else true()


def _met(expression: Expression, *, sqlite: bool) -> Condition:
    """The condition may be NULL instead of false: only `Not` turns one into the other."""
    if isinstance(expression, AllOf):
        return and_(true(), *(_met(part, sqlite=sqlite) for part in expression.parts))
    if isinstance(expression, AnyOf):
        return or_(*(_met(part, sqlite=sqlite) for part in expression.parts))
    if isinstance(expression, Not):
        return not_(func.coalesce(_met(expression.part, sqlite=sqlite), false()))
    if isinstance(expression, Contains):
        found = (text.casefold() for text in expression.texts)
        return or_(*(_C.search_text.contains(text, autoescape=True) for text in found))
    if isinstance(expression, OnMetadata):
        return _holds(_detail(expression.path, sqlite=sqlite), expression, sqlite=sqlite)
    return _holds(_COLUMN_OF[expression.field], expression, sqlite=sqlite)


def _holds(value: ColumnElement[Any], leaf: Leaf, *, sqlite: bool) -> Condition:
    if isinstance(leaf, Equals | MetadataEquals):
        return _equals(value, leaf)
    if isinstance(leaf, Matches | MetadataMatches):
        # SQLite's LIKE takes no heed of case.
        if sqlite:
            return value.op("GLOB", is_comparison=True)(_glob(leaf.pattern))
        return value.like(like_pattern(leaf.pattern), escape="\\")
    if isinstance(leaf, InNetwork):
        first, last = str(leaf.network[0]), str(leaf.network[-1])
        return _C.address_digits.between(address_digits(first), address_digits(last))
    if isinstance(leaf, Between):
        return between_ends(value, leaf)
    return value.is_not(None)


def _equals(value: ColumnElement[Any], leaf: Equals | MetadataEquals) -> Condition:
    text = str(leaf.value)
    if isinstance(leaf, MetadataEquals):
        return value == text
    if isinstance(leaf.value, Category):
        return value.in_([verb.name for verb in VERBS.values() if verb.category is leaf.value])
    if leaf.field is Field.IP_ADDRESS:
        # The same address may be written in several ways; what is none has no digits.
        digits = address_digits(text)
        return or_(value == text, _C.address_digits == digits) if digits else value == text
    if leaf.field is Field.ACTOR:
        # As was asked for, and as accounts are named: by the key of their address.
        return value.in_([*dict.fromkeys([text, address_key(text)])])
    return value == text


def _detail(path: tuple[str, ...], *, sqlite: bool) -> ColumnElement[Any]:
    """The text, number, true or false at the path of the detail as text; else NULL."""
    if not sqlite:
        kind = func.json_typeof(func.json_extract_path(_C.detail, *path))
        found = func.json_extract_path_text(_C.detail, *path, type_=Text())
        return case((kind.in_(("string", "number", "boolean")), found), else_=None)
    if any('"' in name for name in path):
        return cast(None, Text)  # SQLite has no way to write such a path
    where = "$" + "".join(f'."{name}"' for name in path)
    kind = func.json_type(_C.detail, where)
    text = cast(func.json_extract(_C.detail, where), Text)
    return case(
        (kind.in_(("true", "false")), kind),
        (kind.in_(("text", "integer", "real")), text),
        else_=None,
    )


def _glob(pattern: Pattern) -> str:
    return "".join(
        _GLOB[piece] if isinstance(piece, Wildcard) else piece.translate(_GLOB_MEANT)
        for piece in pattern
    )
