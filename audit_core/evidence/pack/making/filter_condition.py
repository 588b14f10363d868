"""From a query to the condition that a pack's verifier evaluates: as much of it as plain fields of
leaves can tell; see `condition.py`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

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
from audit_core.query.language.ast import (
    AllOf,
    AnyOf,
    Between,
    Equals,
    Exists,
    Expression,
    Field,
    Leaf,
    Matches,
    Not,
    OnMetadata,
    Wildcard,
)
from audit_core.query.language.describe import describe
from audit_core.query.query import Query

Condition = dict[str, Any]

_TEXTS = (
    Field.ACTION,
    Field.TARGET_TYPE,
    Field.TARGET_ID,
    Field.SOURCE,
    Field.ID,
    Field.ORGANIZATION_ID,
)
_NUMBERS = (Field.STATUS_CODE, Field.CREATED_AT, Field.RECEIVED_AT)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def condition_of(query: Query) -> Condition:
    """What an entry must meet to be in the pack: the query's time range and its predicate."""
    since, until = query.time_range.since, query.time_range.until
    bounds: Condition = {}
    if since is not None:
        bounds["from"] = str(microseconds(since))
    if until is not None:
        bounds["to"] = str(microseconds(until) - 1)
    window = [{"field": "created_at", **bounds}] if bounds else []
    zone = query.entry_filter.window.zone
    return {"all": [*window, _condition(query.predicate, zone)]}


def microseconds(instant: datetime) -> int:
    """Since 1970, as leaves have it; a time without a zone is UTC."""
    aware = instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MICROSECOND


def _condition(expression: Expression, zone: str) -> Condition:
    if isinstance(expression, AllOf):
        return {"all": [_condition(part, zone) for part in expression.parts]}
    if isinstance(expression, AnyOf):
        return {"any": [_condition(part, zone) for part in expression.parts]}
    if isinstance(expression, Not):
        return {"not": _condition(expression.part, zone)}
    found = None if isinstance(expression, OnMetadata) else _on_plain(expression)
    return {"unknown": describe(expression, zone=zone)} if found is None else found


def _on_plain(leaf: Leaf) -> Condition | None:
    if isinstance(leaf, Equals):
        if isinstance(leaf.value, Outcome):
            return _outcome(leaf.value)
        if isinstance(leaf.value, Category):
            return _category(leaf.value)
        if leaf.field in (*_TEXTS, Field.STATUS_CODE):
            return _among(leaf.field, [str(leaf.value)])
    elif isinstance(leaf, Matches) and leaf.field in _TEXTS:
        return {"field": leaf.field.value, "like": [_piece(piece) for piece in leaf.pattern]}
    elif isinstance(leaf, Between) and leaf.field in _NUMBERS:
        return _between(leaf)
    elif isinstance(leaf, Exists):
        if leaf.field in (Field.OUTCOME, Field.CATEGORY):
            return {"all": []}
        if leaf.field in (*_TEXTS, *_NUMBERS):
            return {"field": leaf.field.value, "exists": True}
    return None


def _piece(piece: str | Wildcard) -> str | int:
    return piece if isinstance(piece, str) else 1 if piece is Wildcard.ONE else 0


def _among(field: Field, values: Sequence[str]) -> Condition:
    return {"field": field.value, "in": list(values)}


def _between(leaf: Between) -> Condition:
    bounds = {}
    for name, value, included, step in (
        ("from", leaf.low, leaf.include_low, 1),
        ("to", leaf.high, leaf.include_high, -1),
    ):
        if value is not None:
            number = microseconds(value) if isinstance(value, datetime) else value
            bounds[name] = str(number if included else number + step)
    return {"field": leaf.field.value, **bounds}


def _outcome(outcome: Outcome) -> Condition:
    if outcome is Outcome.IN_FLIGHT:
        return {"not": {"field": "status_code", "exists": True}}
    if outcome is Outcome.UNANSWERED:
        return _among(Field.STATUS_CODE, [str(UNANSWERED_STATUS)])
    (hundred,) = (number for number, found in OUTCOME_OF_HUNDRED.items() if found is outcome)
    return {"field": "status_code", "from": str(hundred * 100), "to": str(hundred * 100 + 99)}


def _category(category: Category) -> Condition:
    """See `domain.entries.category_of`."""
    toolbox = {"field": "action", "like": [TOOLBOX_PREFIX, 0]}
    key_access = {
        "all": [
            _among(Field.TARGET_TYPE, [API_KEY_TARGET]),
            _among(Field.ACTION, sorted(API_KEY_ACCESS_ACTIONS)),
        ]
    }
    if category is Category.TOOLBOX:
        return toolbox
    if category is Category.OTHER:
        known = sorted(set().union(*ACTIONS_OF_CATEGORY.values()))
        return {"not": {"any": [toolbox, _among(Field.ACTION, known)]}}
    named = _among(Field.ACTION, sorted(ACTIONS_OF_CATEGORY[category]))
    if category is Category.ACCESS:
        return {"any": [named, key_access]}
    return {"all": [named, {"not": key_access}]}
