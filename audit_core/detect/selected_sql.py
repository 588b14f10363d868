"""The entries that count for a rule, among which something is found. Builds, never runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Subquery,
    and_,
    literal,
    or_,
    select,
    tuple_,
    union,
    union_all,
)
from sqlalchemy.sql.expression import FromClause
from sqlalchemy.sql.util import ClauseAdapter

from audit_core.detect.rules.condition import AllOf, AnyOf, Condition, MadeBetween, Not
from audit_core.detect.rules.condition_sql import compile_condition, necessary, value_of
from audit_core.detect.rules.fields import RuleField
from audit_core.detect.rules.rule import MAX_GROUPS, Missing, Rule
from audit_core.domain.access import Scope
from audit_core.log.schema import Statement, entries
from audit_core.log.sql.functions import ONCE, epoch_microseconds, floor_div
from audit_core.query.where import within_scope

GROUPS = tuple(f"group_{number}" for number in range(1, MAX_GROUPS + 1))
"""What the values of a group are called in a statement."""

_MILLISECONDS = 1000
_EDGE = timedelta(milliseconds=1)
"""A window in whole milliseconds may reach one further."""


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for: a rule, in whose entries, made from when to before when."""

    rule: Rule
    scope: Scope
    since: datetime
    until: datetime
    now: datetime
    groups: Sequence[Sequence[str]] | None
    """The values of the groups that are looked at; `None`: all."""
    through_most: bool = False
    """Whether it goes through most entries of the scope: it is worth more preparation then."""


def selected(
    search: Search,
    *,
    before: timedelta = timedelta(0),
    after: timedelta = timedelta(0),
    fields: Sequence[RuleField] = (),
) -> Subquery:
    """The entries that any selection selects, each once, as far as a window around the searched
    time reaches: their groups, `at` in milliseconds, `created_at` and `seq`. With `fields` those
    that have all of them, as `value_1` and so on."""
    rule = search.rule
    conditions = [one.condition for one in rule.selections]
    if all(len(set(group.fields)) == 1 for group in rule.groups):
        return _part(search, 0, AnyOf(tuple(conditions)), before, after, fields).subquery()
    parts = [
        _part(search, number, condition, before, after, fields)
        for number, condition in enumerate(conditions)
    ]
    return (parts[0] if len(parts) == 1 else union(*parts)).subquery()


def selected_by(
    search: Search,
    number: int,
    *,
    before: timedelta = timedelta(0),
    after: timedelta = timedelta(0),
    fields: Sequence[RuleField] = (),
) -> Subquery:
    """The same of one selection, counted from 0."""
    condition = search.rule.selections[number].condition
    return _part(search, number, condition, before, after, fields).subquery()


def selected_numbered(
    search: Search,
    *,
    before: timedelta = timedelta(0),
    after: timedelta = timedelta(0),
    first_needed: bool = False,
) -> Subquery:
    """The same, but an entry once for each selection that selects it, with the number of that, from
    0, as `selection`. `first_needed`: without groups that have no entry of the first one."""
    rule = search.rule
    parts = []
    first: CTE | None = None
    for number, one in enumerate(rule.selections):
        part = _part(search, number, one.condition, before, after, among=first)
        if first_needed and rule.groups and first is None:
            first = part.cte("first_selected").prefix_with(ONCE)
            part = select(first)
        parts.append(part.add_columns(literal(number, BigInteger).label("selection")))
    return (parts[0] if len(parts) == 1 else union_all(*parts)).subquery()


def group_value(rule: Rule, number: int, place: int) -> ColumnElement[Any]:
    """A value (its place from 0) of the group of an entry that a selection selects."""
    return value_of(entries, rule.groups[place].fields[number])


def groups_of(rows: FromClause, rule: Rule) -> list[ColumnElement[Any]]:
    """The columns of the group."""
    return [rows.c[name] for name in GROUPS[: len(rule.groups)]]


def milliseconds(span: timedelta) -> int:
    """A time span in whole milliseconds."""
    return span // timedelta(milliseconds=1)


def not_muted(
    rule: Rule, number: int, begin: datetime | None, end: datetime | None
) -> Iterable[ColumnElement[bool]]:
    """That an entry is not left out of what a selection (counted from 0) selects, where any mute
    has a say in what was made from `begin` to before `end` (aware; `None`: whenever)."""
    if isinstance(rule.correlation, Missing) and number:
        return
    muted = tuple(
        AllOf((MadeBetween(one.begin, one.end), one.condition))
        for one in rule.muted
        if (end is None or one.begin < end) and (begin is None or one.end > begin)
    )
    if muted:
        yield compile_condition(entries, Not(AnyOf(muted)))


def _part(
    search: Search,
    number: int,
    condition: Condition,
    before: timedelta,
    after: timedelta,
    fields: Sequence[RuleField] = (),
    among: CTE | None = None,
) -> Statement:
    """The entries of one selection; with `among` those in a group that has one there."""
    made = entries.c.created_at
    groups = [group_value(search.rule, number, place) for place in range(len(search.rule.groups))]
    values = [value_of(entries, field) for field in fields]
    at = floor_div(epoch_microseconds(made), literal(_MILLISECONDS, BigInteger))
    begin, end = search.since - before - _EDGE, search.until + after + _EDGE
    within = (within_scope(entries, search.scope), made >= begin, made < end)
    selected = select(
        *(value.label(name) for value, name in zip(groups, GROUPS, strict=False)),
        *(value.label(f"value_{place}") for place, value in enumerate(values, 1)),
        at.label("at"),
        made.label("created_at"),
        entries.c.seq.label("seq"),
    ).where(
        *within,
        compile_condition(entries, condition),
        *not_muted(search.rule, number, begin, end),
        *(value.is_not(None) for value in (*groups, *values)),
        *_in_groups(groups, search.groups),
    )
    needed = necessary(entries, condition) if search.through_most else None
    if needed is not None:
        adapter = _narrowing(and_(*within, needed))
        selected = adapter.traverse(selected)
        groups = [adapter.traverse(group) for group in groups]
    if among is not None:
        selected = selected.where(tuple_(*groups).in_(select(*groups_of(among, search.rule))))
    return selected


def _narrowing(needed: ColumnElement[bool]) -> ClauseAdapter:
    """What turns a statement on the entries into one on those that fulfil a necessary condition.
    PostgreSQL finds these in several processes; what takes metadata apart, in one."""
    narrowed = select(entries).where(needed).suffix_with("OFFSET 0", dialect="postgresql")
    return ClauseAdapter(narrowed.subquery("narrowed"))


def _in_groups(
    values: Sequence[ColumnElement[Any]], groups: Sequence[Sequence[str]] | None
) -> Iterable[ColumnElement[bool]]:
    if groups is None or not values:
        return
    if len(values) == 1:
        yield values[0].in_([group[0] for group in groups])
        return
    yield or_(
        *(
            and_(*(value == one for value, one in zip(values, group, strict=True)))
            for group in groups
        )
    )
