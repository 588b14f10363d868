"""The statements of what new writes touch: which groups have to be looked at anew, and when.

Builds, never runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    and_,
    column,
    func,
    literal,
    or_,
    select,
    table,
    union_all,
)

from audit_core.detect.findings_sql import absent_text
from audit_core.detect.rules.condition import Condition
from audit_core.detect.rules.condition_sql import compile_condition, value_of
from audit_core.detect.rules.rule import AboveBand, FirstSeen, Missing, Rule
from audit_core.detect.rules.unfinished import may_have_held
from audit_core.detect.selected_sql import GROUPS
from audit_core.domain.access import Scope
from audit_core.log.schema import Statement, entries
from audit_core.log.sql.functions import ONCE
from audit_core.query.where import within_scope

REWRITTEN = -1
"""The number of the row that tells of what was written anew."""

MAX_RULES = 60
"""Of how many rules one statement tells."""

_NEW = table("new_write", *(column(one.name, one.type) for one in entries.columns))
"""The new writes: read once, whatever they are held against."""

_REWRITTEN = _NEW.c.revision > _NEW.c.seq
"""Whether a write replaced an earlier version of its entry."""


@dataclass(frozen=True, slots=True)
class TouchedRow:
    """A row of `touched`."""

    rule: int
    """Its number, from 0, or `REWRITTEN`."""
    group_1: str | None
    group_2: str | None
    group_3: str | None
    group_4: str | None
    """The values of the group; `None` behind its last."""
    value: str | None
    """What may be new of a group, for a rule of `FirstSeen`."""
    first: datetime
    last: datetime
    """When the first and the last of the writes was made: UTC without a zone."""


def touched(rules: Sequence[Rule], scope: Scope, *, after: int, until: int) -> Statement:
    """The groups of the writes with an `organization_revision` above `after`, up to `until`, that
    the rules, `MAX_RULES` at most, select: rows of `TouchedRow`, in no order. A group may have
    several. A further row without a group tells of the writes that replaced an earlier version of
    their entry: what was found in that may not be true any more."""
    new = (
        select(entries)
        .where(
            within_scope(entries, scope),
            entries.c.organization_revision > after,
            entries.c.organization_revision <= until,
        )
        .cte(_NEW.name)
        .prefix_with(ONCE)
    )
    return _of_all(tuple(rules)).add_cte(new)


# The same rules ask again and again while a log grows.
@lru_cache(maxsize=64)
def _of_all(rules: tuple[Rule, ...]) -> Statement:
    parts = [part for number, rule in enumerate(rules) for part in _of_rule(number, rule)]
    parts.append(_part(REWRITTEN, (), None, _REWRITTEN))
    return select(union_all(*parts).subquery())


def _of_rule(number: int, rule: Rule) -> Iterator[Statement]:
    for place, selection in enumerate(rule.selections):
        values = [value_of(_NEW, group.fields[place]) for group in rule.groups]
        yield _part(
            number,
            values,
            _value(rule) if place == 0 else None,
            _selected(rule, selection.condition),
            *(value.is_not(None) for value in values),
        )


def _selected(rule: Rule, condition: Condition) -> ColumnElement[bool]:
    selected = compile_condition(_NEW, condition)
    if not isinstance(rule.correlation, FirstSeen | Missing | AboveBand):
        return selected
    # To these kinds an entry that is selected no more matters as well: something may be new, or
    # missing, or more than usual without it.
    was = compile_condition(_NEW, may_have_held(condition))
    return or_(selected, and_(_REWRITTEN, was))


def _value(rule: Rule) -> ColumnElement[str] | None:
    correlation = rule.correlation
    return value_of(_NEW, correlation.fields[0]) if isinstance(correlation, FirstSeen) else None


def _part(
    number: int,
    values: Sequence[ColumnElement[str]],
    value: ColumnElement[str] | None,
    *conditions: ColumnElement[bool],
) -> Statement:
    shown = [
        (values[place] if place < len(values) else absent_text()).label(name)
        for place, name in enumerate(GROUPS)
    ]
    return (
        select(
            literal(number, BigInteger).label("rule"),
            *shown,
            (absent_text() if value is None else value).label("value"),
            func.min(_NEW.c.created_at).label("first"),
            func.max(_NEW.c.created_at).label("last"),
        )
        .where(*conditions)
        .group_by(*values, *(() if value is None else (value,)))
        # Without values there would be a row of nothing.
        .having(func.count() > 0)
    )
