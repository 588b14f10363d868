"""Predicate rewriting: replaces text conditions by the values that match them.

Few values of a field contain a text, and the value dictionary tells which: the predicate then asks
for these values, which an index or a rollup answers, or for nothing at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice

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
    negation,
)

NOTHING: Expression = Not(part=EVERYTHING)
"""True of no entry."""

SHORT = 3
"""A text of fewer characters is not looked up among targets: too many of them contain it."""

MAX_LOOKUPS = 36
"""How many conditions are looked up: six words in all text fields. Each costs planning time; the
others are evaluated on every entry."""

Known = Mapping[Leaf, tuple[str, ...]]
"""Conditions on single fields, each with all values that match it."""


def dictionary_lookups(expression: Expression) -> tuple[Leaf, ...]:
    """The conditions on single fields whose values are worth looking up, without duplicates: the
    first `MAX_LOOKUPS` of them."""
    return tuple(islice(dict.fromkeys(_dictionary_lookups(expression)), MAX_LOOKUPS))


def address_lookups(expression: Expression) -> tuple[Leaf, ...]:
    """Those of them that ask for an e-mail address."""
    lookups = dictionary_lookups(expression)
    return tuple(leaf for leaf in lookups if isinstance(leaf, Equals))


def _dictionary_lookups(expression: Expression) -> Iterator[Leaf]:
    for leaf in leaves(expression):
        if isinstance(leaf, Contains):
            short = min(map(len, leaf.texts)) < SHORT
            fields = [field for field in leaf.fields if not (short and field is Field.TARGET_ID)]
            yield from (_of(leaf, field) for field in fields)
        elif isinstance(leaf, Matches) and leaf.field in TEXT_FIELDS:
            yield leaf
        elif isinstance(leaf, Equals) and (address := _address_in(leaf)) is not None:
            yield address


def _address_in(leaf: Equals) -> Leaf | None:
    """The condition on the e-mail address alone, of which several spellings may be stored."""
    addressed = leaf.field in (Field.ACTOR, Field.ACTOR_EMAIL) and not leaf.verbatim
    return replace(leaf, field=Field.ACTOR_EMAIL) if addressed else None


def _of(leaf: Contains, field: Field) -> Leaf:
    return replace(leaf, fields=(field,))


def resolve(expression: Expression, known: Known) -> Expression:
    """An equivalent expression in which every known condition is replaced by its values."""
    if isinstance(expression, AllOf | AnyOf):
        return _joined(expression, (resolve(part, known) for part in expression.parts))
    if isinstance(expression, Not):
        return negation(resolve(expression.part, known))
    if isinstance(expression, Contains):
        left = [field for field in expression.fields if _of(expression, field) not in known]
        parts: list[Expression] = [replace(expression, fields=tuple(left))] if left else []
        for field in expression.fields:
            values = known.get(_of(expression, field), ())
            parts += _stored(field, values)
        return any_of(parts) if parts else NOTHING
    if isinstance(expression, Matches) and expression in known:
        values = known[expression]
        equal = _stored(expression.field, values)
        return any_of(equal) if equal else NOTHING
    if isinstance(expression, Equals):
        return _resolve_address(expression, known)
    return expression


def _stored(field: Field, values: Iterable[str]) -> list[Expression]:
    """Conditions on values as they are stored."""
    verbatim = field is Field.ACTOR_EMAIL
    return [Equals(field=field, value=value, verbatim=verbatim) for value in values]


def _resolve_address(leaf: Equals, known: Known) -> Expression:
    address = _address_in(leaf)
    if address is None or address not in known:
        return leaf
    parts = _stored(Field.ACTOR_EMAIL, known[address])
    if leaf.field is Field.ACTOR:
        parts.append(replace(leaf, field=Field.ACTOR_ID))
    return any_of(parts) if parts else NOTHING


def required_targets(expression: Expression) -> tuple[str, ...]:
    """Targets one of which every match has; none where the expression does not say."""
    if isinstance(expression, Equals) and expression.field is Field.TARGET_ID:
        return (str(expression.value),)
    if isinstance(expression, AnyOf):
        each = [required_targets(part) for part in expression.parts]
        return tuple(dict.fromkeys(item for found in each for item in found)) if all(each) else ()
    if isinstance(expression, AllOf):
        return next(filter(None, map(required_targets, expression.parts)), ())
    return ()


def targets_of(expression: Expression) -> tuple[str, ...] | None:
    """All targets that the expression compares with; `None` if it has any other condition on the
    target than equality."""
    found: dict[str, None] = {}
    for leaf in leaves(expression):
        if not _on_target(leaf):
            continue
        if not isinstance(leaf, Equals):
            return None
        found[str(leaf.value)] = None
    return tuple(found)


def off_target(expression: Expression) -> Expression:
    """The expression for entries whose target meets no condition in it; free of targets."""
    return _assumed(expression, met=False, flips=False)


def lower_bound(expression: Expression) -> Expression:
    """An expression free of targets that implies this one."""
    return _assumed(expression, met=False, flips=True)


def upper_bound(expression: Expression) -> Expression:
    """An expression free of targets that this one implies."""
    return _assumed(expression, met=True, flips=True)


def _assumed(expression: Expression, *, met: bool, flips: bool) -> Expression:
    if isinstance(expression, AllOf | AnyOf):
        parts = (_assumed(part, met=met, flips=flips) for part in expression.parts)
        return _joined(expression, parts)
    if isinstance(expression, Not):
        return negation(_assumed(expression.part, met=met != flips, flips=flips))
    if not _on_target(expression):
        return expression
    if met:
        return EVERYTHING
    if isinstance(expression, Contains) and len(expression.fields) > 1:
        fields = tuple(field for field in expression.fields if field is not Field.TARGET_ID)
        return replace(expression, fields=fields)
    return NOTHING


def _on_target(leaf: Leaf) -> bool:
    if isinstance(leaf, OnMetadata):
        return False
    return Field.TARGET_ID in (leaf.fields if isinstance(leaf, Contains) else (leaf.field,))


def _joined(kind: AllOf | AnyOf, parts: Iterable[Expression]) -> Expression:
    parts = list(parts)
    if isinstance(kind, AllOf):
        return NOTHING if NOTHING in parts else all_of(parts)
    possible = [part for part in parts if part != NOTHING]
    return any_of(possible) if possible else NOTHING
