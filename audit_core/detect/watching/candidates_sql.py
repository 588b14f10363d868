"""The statement of which rules may find something around new writes. Builds, never runs.

What a rule finds takes windows and sorting; that nothing can be found is mostly seen by counting.
One statement counts for all rules, so only those few look closely that may find something.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, ColumnElement, func, literal, or_, select, union_all

from audit_core.detect.findings_sql import absent_text
from audit_core.detect.rules.condition_sql import compile_condition, value_of
from audit_core.detect.rules.rule import (
    EventCount,
    FirstSeen,
    Missing,
    Rule,
    TemporalOrdered,
    ValueCount,
)
from audit_core.detect.selected_sql import GROUPS, group_value
from audit_core.domain.access import Scope
from audit_core.log.schema import Statement, entries
from audit_core.query.where import within_scope

_EDGE = timedelta(milliseconds=1)
"""A span in whole milliseconds may reach one further."""


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """A row of `candidates`."""

    rule: int
    """The number of the rule, from 0."""
    group_1: str | None
    group_2: str | None
    group_3: str | None
    group_4: str | None
    value: str | None
    """Of `FirstSeen` with a value: this group has had it all along. Without one, as of every other
    kind: something may be found."""


@dataclass(frozen=True, slots=True)
class Question:
    """A rule, and when the first and the last of the writes was made that it selects: aware."""

    rule: Rule
    first: datetime
    last: datetime


def is_counted(rule: Rule) -> bool:
    """Whether `candidates` can tell of a rule that it finds nothing new."""
    kinds = EventCount | ValueCount | TemporalOrdered | Missing | FirstSeen
    # Fields of its own for each selection would have to be joined first.
    same = all(len(set(group.fields)) == 1 for group in rule.groups)
    return isinstance(rule.correlation, kinds) and (
        same or isinstance(rule.correlation, TemporalOrdered | Missing)
    )


def candidates(questions: Sequence[Question], scope: Scope) -> Statement:
    """What is known of the rules, one at least, each of which `is_counted`: rows of `CandidateRow`,
    in no order."""
    parts = [
        part.where(within_scope(entries, scope))
        for number, question in enumerate(questions)
        for part in _parts(number, question)
    ]
    return select(union_all(*parts).subquery())


def _parts(number: int, question: Question) -> list[Statement]:
    rule, correlation = question.rule, question.rule.correlation
    if isinstance(correlation, FirstSeen):
        return _first_seen(number, question, correlation)
    if isinstance(correlation, EventCount | ValueCount):
        counted = (
            func.count()
            if isinstance(correlation, EventCount)
            else func.count(value_of(entries, correlation.field).distinct())
        )
        groups = _groups(rule)
        return [
            _row(number)
            .where(
                _made(question.first - correlation.span, question.last + correlation.span),
                _selected(rule),
                *(group.is_not(None) for group in groups),
            )
            .group_by(*groups)
            .having(counted >= correlation.least)
        ]
    if not isinstance(correlation, TemporalOrdered | Missing):
        raise TypeError(f"nothing is counted for {correlation}")
    # Without its first selection no sequence ends, and nothing is missing.
    begins = compile_condition(entries, rule.selections[0].condition)
    span = _made(question.first - correlation.span, question.last)
    return [_row(number).where(span, begins).having(func.count() > 0)]


def _first_seen(number: int, question: Question, correlation: FirstSeen) -> list[Statement]:
    rule = question.rule
    nearest = max(correlation.within, _EDGE)
    groups = _groups(rule)
    value = value_of(entries, correlation.fields[0])
    fields = [value_of(entries, field) for field in correlation.fields]
    had = (
        _row(number, groups, value)
        .where(
            # Of whichever of the writes: what lies here is history.
            _made(question.last - correlation.before + 2 * _EDGE, question.first - nearest - _EDGE),
            _selected(rule),
            *(one.is_not(None) for one in (*groups, *fields)),
        )
        .group_by(*groups, value)
    )
    # What was there before may have become new, or not new any more, by what came late.
    late = (
        _row(number)
        .where(entries.c.created_at >= question.first + nearest - _EDGE)
        .having(func.count() > 0)
    )
    return [had, late]


def _row(
    number: int,
    groups: Sequence[ColumnElement[str]] = (),
    value: ColumnElement[str] | None = None,
) -> Statement:
    shown = [
        (groups[place] if place < len(groups) else absent_text()).label(name)
        for place, name in enumerate(GROUPS)
    ]
    return select(
        literal(number, BigInteger).label("rule"),
        *shown,
        (absent_text() if value is None else value).label("value"),
    )


def _groups(rule: Rule) -> list[ColumnElement[str]]:
    return [group_value(rule, 0, place) for place in range(len(rule.groups))]


def _selected(rule: Rule) -> ColumnElement[bool]:
    return or_(*(compile_condition(entries, one.condition) for one in rule.selections))


def _made(first: datetime, last: datetime) -> ColumnElement[bool]:
    return entries.c.created_at.between(first - _EDGE, last + _EDGE)
