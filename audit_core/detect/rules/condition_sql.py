"""Compiler from a rule's condition to an SQL condition."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from sqlalchemy import (
    BigInteger,
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

from audit_core.detect.rules.condition import (
    AllOf,
    AnyOf,
    Compared,
    Comparison,
    Condition,
    Fits,
    FitsAny,
    Likeness,
    MadeAt,
    MadeBetween,
    Not,
    Present,
    SameAs,
    Searched,
    Test,
    TimePart,
    Within,
    tests_of,
)
from audit_core.detect.rules.fields import COLUMNS, METADATA, NUMBERS, TIME, RuleField
from audit_core.detect.rules.required_text import ESCAPES, required_key, required_texts
from audit_core.log.sql.functions import (
    contains_any_folded,
    epoch_microseconds,
    floor_div,
    json_text,
    like,
)
from audit_core.log.sql.text_tests import any_text, as_number, folded, holds, searched
from audit_core.query.addresses_sql import in_network
from audit_core.query.derived_columns import Condition as Clause
from audit_core.query.language.ast import Pattern
from audit_core.query.predicate_sql import like_pattern

_EMPTY_IS_ABSENT = ("actor_email", "organization_id", "actor_id")
"""The columns in which an empty text stands for no value."""

_COMPARED: dict[Comparison, Callable[[Any, Any], Clause]] = {
    Comparison.LESS: operator.lt,
    Comparison.AT_MOST: operator.le,
    Comparison.MORE: operator.gt,
    Comparison.AT_LEAST: operator.ge,
    Comparison.EQUAL: operator.eq,
    Comparison.OTHER: operator.ne,
}
_SECONDS = {TimePart.MINUTE: (60, 60), TimePart.HOUR: (3600, 24)}
"""How many seconds each has, and how many there are until they begin anew."""

PlaceTest: TypeAlias = Fits | Searched | Compared | Within | SameAs | Present
"""The tests that a place in the metadata may be put to."""

_ONE = "one_text"
"""What a text of a list in the metadata is called within a statement."""


# The same few conditions are asked for again and again while a log grows.
@lru_cache(maxsize=4096)
def compile_condition(table: FromClause, condition: Condition) -> Clause:
    """What a row must fulfil for the condition to be true of its entry. It may be NULL instead of
    false: only `Not` turns one into the other."""
    if isinstance(condition, AllOf):
        return _all_of(table, condition)
    if isinstance(condition, AnyOf):
        return _any_of(table, condition)
    if isinstance(condition, Not):
        return not_(func.coalesce(compile_condition(table, condition.part), false()))
    return _test(table, condition)


def necessary(table: FromClause, condition: Condition) -> Clause | None:
    """A necessary condition, which takes no metadata apart: true of each row of whose entry the
    condition is, and of others. `None` where the condition itself takes none apart."""
    if not any(_in_metadata(test) for test in tests_of(condition)):
        return None
    return _necessary(table, condition)


def _necessary(table: FromClause, condition: Condition) -> Clause:
    if isinstance(condition, AllOf):
        return and_(true(), *(_necessary(table, part) for part in condition.parts))
    if isinstance(condition, AnyOf):
        places, others = _by_place(condition)
        at_places = [_necessary_at(table, *each) for each in places.items()]
        return or_(false(), *at_places, *(_necessary(table, part) for part in others))
    if not any(_in_metadata(test) for test in tests_of(condition)):
        return compile_condition(table, condition)
    if isinstance(condition, PlaceTest) and condition.field.path:
        return _necessary_at(table, condition.field.path, [condition])
    return true()


def _necessary_at(table: FromClause, path: Sequence[str], tests: Sequence[PlaceTest]) -> Clause:
    texts = _may_hold(table.c.metadata, path, tests)
    return true() if texts is None else texts


def _all_of(table: FromClause, condition: AllOf) -> Clause:
    """What is to be looked for in the metadata is looked for only where all else is true: engines
    take the parts of an AND in any order, and taking JSON apart is dear."""
    plain: list[Clause] = []
    costly: list[Clause] = []
    for part in _flat(condition):
        dear = any(_in_metadata(test) for test in tests_of(part))
        (costly if dear else plain).append(compile_condition(table, part))
    if not plain or not costly:
        return and_(true(), *plain, *costly)
    return and_(*plain, case((and_(*plain), and_(*costly)), else_=false()))


def _any_of(table: FromClause, condition: AnyOf) -> Clause:
    """Tests of the same place in the metadata are made together: it is taken apart once."""
    places, others = _by_place(condition)
    return or_(
        false(),
        *(compile_condition(table, part) for part in others),
        *(_at_place(table, *each) for each in places.items()),
    )


def _by_place(
    condition: AnyOf,
) -> tuple[dict[tuple[str, ...], list[PlaceTest]], list[Condition]]:
    """The tests of each place in the metadata, and all other parts."""
    places: dict[tuple[str, ...], list[PlaceTest]] = {}
    others: list[Condition] = []
    for part in _flat(condition):
        if isinstance(part, PlaceTest) and part.field.path:
            places.setdefault(part.field.path, []).append(part)
        else:
            others.append(part)
    return places, others


def _flat(condition: AllOf | AnyOf) -> Iterator[Condition]:
    for part in condition.parts:
        if isinstance(part, type(condition)):
            yield from _flat(part)
        else:
            yield part


def _in_metadata(test: Test) -> bool:
    fields = (getattr(test, "field", None), getattr(test, "other", None))
    return any(field is not None and field.path for field in fields)


def _at_place(table: FromClause, path: Sequence[str], tests: Sequence[PlaceTest]) -> Clause:
    """Whether any text at a place in the metadata meets one of the tests. Where a list stands, one
    of its texts is enough."""
    text: ColumnElement[Any] = literal_column(_ONE)
    found = any_text(
        table.c.metadata, path, _ONE, or_(false(), *(_met(table, text, one) for one in tests))
    )
    first = _may_hold(table.c.metadata, path, tests)
    return found if first is None else case((first, found), else_=false())


def _may_hold(
    json: ColumnElement[Any], path: Sequence[str], tests: Sequence[PlaceTest]
) -> Clause | None:
    """What is true of JSON wherever one of the tests is, and cheap; `None` if nothing is known."""
    key, texts = required_key(path), required_texts(tests)
    required: list[Clause] = []
    if key is not None:
        required.append(holds(json, key))
    if len(texts) == 1 and texts[0].cased:
        required.append(holds(json, texts[0].text))
    elif texts:
        # Whatever the case of any: to go through the text once is what counts.
        required.append(contains_any_folded(json, [one.text for one in texts]))
    if not required:
        return None
    return or_(and_(*required), *(holds(json, escape) for escape in ESCAPES))


def value_of(table: FromClause, field: RuleField) -> ColumnElement[Any]:
    """The one value of a field by which entries are told apart; NULL for none. A list is none."""
    if field.path:
        return json_text(table.c.metadata, field.path)
    column = table.c[METADATA if field.name == METADATA else COLUMNS[field.name]]
    return func.nullif(column, literal("")) if column.name in _EMPTY_IS_ABSENT else column


def _test(table: FromClause, test: Test) -> Clause:
    if isinstance(test, Present) and not test.field.path:
        return _present(table, test.field)
    if isinstance(test, MadeAt):
        return _made_at(table, test)
    if isinstance(test, MadeBetween):
        made = table.c.created_at
        return and_(made >= test.begin, made < test.end)
    if isinstance(test, FitsAny):
        texts = (column for name, column in COLUMNS.items() if name not in NUMBERS)
        return or_(*(_fits(table.c[column], test.pattern, cased=False) for column in texts))
    if isinstance(test, Compared) and test.field.numeric:
        return _COMPARED[test.comparison](table.c[COLUMNS[test.field.name]], test.number)
    if not test.field.path:
        return _met(table, value_of(table, test.field), test)
    return _at_place(table, test.field.path, [test])


def _met(table: FromClause, text: ColumnElement[Any], test: PlaceTest) -> Clause:
    """Whether one text meets a test."""
    if isinstance(test, Present):
        return text.is_not(None)
    if isinstance(test, Fits):
        return _fits(text, test.pattern, cased=test.cased)
    if isinstance(test, Searched):
        return searched(text, test.expression)
    if isinstance(test, Compared):
        return _COMPARED[test.comparison](as_number(text), literal(float(test.number)))
    if isinstance(test, Within):
        return in_network(text, test.network)
    other = folded(value_of(table, test.other))
    if test.likeness is Likeness.SAME:
        return folded(text) == other
    length, part = func.length(folded(text)), func.length(other)
    if test.likeness is Likeness.BEGINS:
        return func.substring(folded(text), 1, part) == other
    return and_(length >= part, func.substring(folded(text), length - part + 1) == other)


def _fits(text: ColumnElement[Any], pattern: Pattern, *, cased: bool) -> Clause:
    """By equality where the pattern is one text: only that has indexes and statistics."""
    plain = "".join(part for part in pattern if isinstance(part, str))
    if all(isinstance(part, str) for part in pattern):
        return text == plain if cased else folded(text) == _folded_literal(plain)
    written = like_pattern(pattern)
    return like(text, literal(written)) if cased else like(folded(text), _folded_literal(written))


def _folded_literal(text: str) -> ColumnElement[str]:
    """By the engine's own rules of case beyond ASCII, as of a column."""
    return literal(text.lower()) if text.isascii() else folded(literal(text))


def _present(table: FromClause, field: RuleField) -> Clause:
    return true() if field.name == TIME else value_of(table, field).is_not(None)


def _made_at(table: FromClause, test: MadeAt) -> Clause:
    seconds, round_ = _SECONDS[test.part]
    passed = floor_div(
        epoch_microseconds(table.c.created_at), literal(seconds * 1_000_000, BigInteger)
    )
    return passed % round_ == test.number
