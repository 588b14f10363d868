"""A filter of the access record as a condition on its table, for SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, case, cast, false, func, not_, or_, true

from audit_core.domain.addresses import address_key
from audit_core.evidence.access_log.record_filter import Part, RecordFilter, RecordScope
from audit_core.query.entry_filter import NONE
from audit_core.query.language.ast import (
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
from audit_core.query.predicate_sql import between_ends, like_pattern
from audit_core.query.time.windows import TimeRange
from audit_core.query.where import instant_within
from audit_core.state.access_log.record import address_digits
from audit_core.state.access_log.verbs import VERBS
from audit_core.state.tables import access_event

Condition = ColumnElement[bool]

_C = access_event.c

_COLUMN_OF: dict[Field, ColumnElement[Any]] = {
    Field.ACTOR: _C.actor,
    Field.ACTION: _C.verb,
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
    conditions = [within_scope(scope), instant_within(_C.at, time_range)]
    if record_filter.categories:
        verbs = [verb.name for verb in VERBS.values() if verb.category in record_filter.categories]
        conditions.append(_C.verb.in_(verbs))
    for values, column in (
        (record_filter.actions, _C.verb),
        (_with_keys(record_filter.actors), _C.actor),
        (record_filter.outcomes, _C.outcome),
        (record_filter.targets, _C.target),
        (record_filter.ip_addresses, _C.address),
    ):
        if values:
            conditions.append(_any_of(column, [str(value) for value in values]))
    if record_filter.text:
        conditions.append(_contains(record_filter.text))
    conditions.append(_Compiler(sqlite=sqlite).fulfilling(record_filter.expression))
    return and_(*conditions)


def within_scope(scope: RecordScope) -> Condition:
    """What a viewer may see at all."""
    if scope.part is Part.ORGANIZATION:
        return _C.organization_id == scope.organization_id
    return _C.organization_id.is_(None) if scope.part is Part.INSTALLATION else true()


def _any_of(column: ColumnElement[Any], values: Sequence[str]) -> Condition:
    conditions: list[Condition] = [column.in_([value for value in values if value != NONE])]
    if NONE in values:
        conditions.append(column.is_(None))
    return or_(*conditions)


def _with_keys(actors: Sequence[str]) -> list[str]:
    """Actors as they were asked for, and as accounts are named: by the key of their address."""
    return [*dict.fromkeys([*actors, *map(address_key, actors)])]


def _contains(text: str) -> Condition:
    return _C.search_text.contains(text.casefold(), autoescape=True)


class _Compiler:
    """From a tree of the query language to SQL of one engine."""

    def __init__(self, *, sqlite: bool) -> None:
        self._sqlite = sqlite

    def fulfilling(self, expression: Expression) -> Condition:
        """The condition may be NULL instead of false: only `Not` turns one into the other."""
        if isinstance(expression, AllOf):
            return and_(true(), *map(self.fulfilling, expression.parts))
        if isinstance(expression, AnyOf):
            return or_(false(), *map(self.fulfilling, expression.parts))
        if isinstance(expression, Not):
            return not_(func.coalesce(self.fulfilling(expression.part), false()))
        if isinstance(expression, Contains):
            return _contains(expression.text)
        if isinstance(expression, OnMetadata):
            return self._holds(self._detail(expression.path), expression)
        return self._holds(_COLUMN_OF[expression.field], expression)

    def _holds(self, value: ColumnElement[Any], leaf: Leaf) -> Condition:
        if isinstance(leaf, Equals) and leaf.field is Field.IP_ADDRESS:
            # The same address may be written in several ways.
            digits = address_digits(str(leaf.value))
            return or_(value == leaf.value, _C.address_digits == digits)
        if isinstance(leaf, Equals) and leaf.field is Field.ACTOR:
            return value.in_(_with_keys([str(leaf.value)]))
        if isinstance(leaf, Equals | MetadataEquals):
            return value == str(leaf.value)
        if isinstance(leaf, Matches | MetadataMatches):
            return self._fits(value, leaf.pattern)
        if isinstance(leaf, InNetwork):
            first, last = str(leaf.network[0]), str(leaf.network[-1])
            return _C.address_digits.between(address_digits(first), address_digits(last))
        if isinstance(leaf, Between):
            return between_ends(value, leaf)
        assert isinstance(leaf, Exists | MetadataExists)  # noqa: S101
        return value.is_not(None)

    def _fits(self, value: ColumnElement[Any], pattern: Pattern) -> Condition:
        # SQLite's LIKE takes no heed of case.
        if self._sqlite:
            return value.op("GLOB", is_comparison=True)(_glob(pattern))
        return value.like(like_pattern(pattern), escape="\\")

    def _detail(self, path: tuple[str, ...]) -> ColumnElement[Any]:
        """The text, number, true or false at the path of the detail as text; else NULL."""
        if not self._sqlite:
            kind = func.json_typeof(func.json_extract_path(_C.detail, *path))
            found = func.json_extract_path_text(_C.detail, *path, type_=Text())
            return case((kind.in_(("string", "number", "boolean")), found), else_=None)
        if any('"' in name for name in path):
            return cast(None, Text)  # SQLite has no way to write such a path
        where = "$" + "".join(f'."{name}"' for name in path)
        kind = func.json_type(_C.detail, where)
        return case(
            (kind.in_(("true", "false")), kind),
            (
                kind.in_(("text", "integer", "real")),
                cast(func.json_extract(_C.detail, where), Text),
            ),
            else_=None,
        )


def _glob(pattern: Pattern) -> str:
    return "".join(
        _GLOB[piece] if isinstance(piece, Wildcard) else piece.translate(_GLOB_MEANT)
        for piece in pattern
    )
