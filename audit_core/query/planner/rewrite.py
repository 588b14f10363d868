"""What a filter seeks by texts and conditions, and what is left of it once some of it is known.

Few values of a field hold a text, and the log can tell which: then it asks for these values,
which is quick, or for nothing at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice

from audit_core.query.entry_filter import EntryFilter
from audit_core.query.language.ast import (
    EVERYTHING,
    TEXT_FIELDS,
    AllOf,
    AnyOf,
    Contains,
    Equals,
    Expression,
    Field,
    Leaf,
    Matches,
    Not,
    OnMetadata,
    all_of,
    any_of,
    leaves,
    merged,
    negation,
)

NOTHING: Expression = Not(part=EVERYTHING)
"""True of no entry."""

SHORT = 3
"""So many targets hold a text of fewer characters that it is not worth looking for which."""

MOST_LOOKUPS = 36
"""So many conditions are looked up at most: six words in all text fields. Each costs planning;
the others are asked of every entry."""

_HOLDING_TEXT = (Field.ERROR_MESSAGE, Field.TARGET_ID, Field.ACTOR_EMAIL, Field.ACTOR_ID)
"""Where the text of a filter is looked for."""

Known = Mapping[Leaf, tuple[str, ...]]
"""Conditions on single fields, each with all values that fulfil it."""


def sought(wanted: EntryFilter) -> Expression:
    """The text and the query of a filter together, in the form that `merged` makes."""
    text = [Contains(fields=_HOLDING_TEXT, text=wanted.text)] if wanted.text else []
    return merged(all_of([wanted.expression, *text]))


def lookups(expression: Expression) -> tuple[Leaf, ...]:
    """The conditions on single fields that are worth knowing the values of, each once: the first
    `MOST_LOOKUPS` of them."""
    return tuple(islice(dict.fromkeys(_lookups(expression)), MOST_LOOKUPS))


def _lookups(expression: Expression) -> Iterator[Leaf]:
    for leaf in leaves(expression):
        if isinstance(leaf, Contains):
            short = min(map(len, leaf.texts)) < SHORT
            fields = [field for field in leaf.fields if not (short and field is Field.TARGET_ID)]
            yield from (_of(leaf, field) for field in fields)
        elif isinstance(leaf, Matches) and leaf.field in TEXT_FIELDS:
            yield leaf


def _of(leaf: Contains, field: Field) -> Leaf:
    return replace(leaf, fields=(field,))


def settled(expression: Expression, known: Known) -> Expression:
    """An expression that is true of the same entries and asks for what is known by its values."""
    if isinstance(expression, AllOf | AnyOf):
        return _joined(expression, (settled(part, known) for part in expression.parts))
    if isinstance(expression, Not):
        return negation(settled(expression.part, known))
    if isinstance(expression, Contains):
        left = [field for field in expression.fields if _of(expression, field) not in known]
        parts: list[Expression] = [replace(expression, fields=tuple(left))] if left else []
        for field in expression.fields:
            values = known.get(_of(expression, field), ())
            parts += (Equals(field=field, value=value) for value in values)
        return any_of(parts) if parts else NOTHING
    if isinstance(expression, Matches) and expression in known:
        values = known[expression]
        equal = [Equals(field=expression.field, value=value) for value in values]
        return any_of(equal) if equal else NOTHING
    return expression


def targets_of(expression: Expression) -> tuple[str, ...] | None:
    """The targets that the expression asks for, wherever in it; `None` if it asks for some by
    anything but their values."""
    found: dict[str, None] = {}
    for leaf in leaves(expression):
        if not _asks_target(leaf):
            continue
        if not isinstance(leaf, Equals):
            return None
        found[str(leaf.value)] = None
    return tuple(found)


def elsewhere(expression: Expression) -> Expression:
    """The same of entries whose target fulfils no condition in it; asks for no target."""
    return _assumed(expression, met=False, turning=False)


def at_least(expression: Expression) -> Expression:
    """What is true only where the expression is, and asks for no target."""
    return _assumed(expression, met=False, turning=True)


def at_most(expression: Expression) -> Expression:
    """What is true wherever the expression is, and asks for no target."""
    return _assumed(expression, met=True, turning=True)


def _assumed(expression: Expression, *, met: bool, turning: bool) -> Expression:
    if isinstance(expression, AllOf | AnyOf):
        parts = (_assumed(part, met=met, turning=turning) for part in expression.parts)
        return _joined(expression, parts)
    if isinstance(expression, Not):
        return negation(_assumed(expression.part, met=met != turning, turning=turning))
    if not _asks_target(expression):
        return expression
    if met:
        return EVERYTHING
    if isinstance(expression, Contains) and len(expression.fields) > 1:
        fields = tuple(field for field in expression.fields if field is not Field.TARGET_ID)
        return replace(expression, fields=fields)
    return NOTHING


def _asks_target(leaf: Leaf) -> bool:
    if isinstance(leaf, OnMetadata):
        return False
    return Field.TARGET_ID in (leaf.fields if isinstance(leaf, Contains) else (leaf.field,))


def _joined(kind: AllOf | AnyOf, parts: Iterable[Expression]) -> Expression:
    parts = list(parts)
    if isinstance(kind, AllOf):
        return NOTHING if NOTHING in parts else all_of(parts)
    possible = [part for part in parts if part != NOTHING]
    return any_of(possible) if possible else NOTHING
