"""The statements of what new writes touch: which groups have to be looked at anew, and when.

Builds, never runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    union_all,
)

from audit_core.detect.findings_sql import absent_text
from audit_core.detect.rules.condition_sql import compile_condition, value_of
from audit_core.detect.rules.rule import Rule
from audit_core.detect.selected_sql import GROUPS
from audit_core.domain.access import Scope
from audit_core.log.schema import Statement, entries
from audit_core.query.where import within_scope


@dataclass(frozen=True, slots=True)
class TouchedRow:
    """A row of `touched`."""

    group_1: str | None
    group_2: str | None
    group_3: str | None
    group_4: str | None
    """The values of the group; `None` behind its last."""
    first: datetime
    last: datetime
    """When the first and the last of the writes was made: UTC without a zone."""


@dataclass(frozen=True, slots=True)
class GlanceRow:
    """The one row of `glance`."""

    selected: int | None
    """The sum of 2 to the number (from 0) of each rule that selects any of the writes."""
    first: datetime | None
    last: datetime | None
    """When the first and the last of the writes was made that replaced an earlier version of their
    entry: UTC without a zone; `None` if there are none."""


MAX_RULES = 60
"""Of how many rules one statement tells: each is a bit of a number."""


def touched(rule: Rule, scope: Scope, *, after: int, until: int) -> Statement:
    """The groups of the writes with an `organization_revision` above `after`, up to `until`, that
    the rule selects: rows of `TouchedRow`, in no order. A group may have several."""
    parts = []
    for number, selection in enumerate(rule.selections):
        values = [value_of(entries, group.fields[number]) for group in rule.groups]
        shown = [
            (values[place] if place < len(values) else absent_text()).label(name)
            for place, name in enumerate(GROUPS)
        ]
        parts.append(
            select(
                *shown,
                func.min(entries.c.created_at).label("first"),
                func.max(entries.c.created_at).label("last"),
            )
            .where(
                _new(scope, after, until),
                compile_condition(entries, selection.condition),
                *(value.is_not(None) for value in values),
            )
            .group_by(*values)
            # Without values there would be a row of nothing.
            .having(func.count() > 0)
        )
    united = union_all(*parts).subquery()
    return select(united)


def glance(rules: Sequence[Rule], scope: Scope, *, after: int, until: int) -> Statement:
    """Which of the rules, `MAX_RULES` at most, select any of the same writes, and which of these
    replaced an earlier version of their entry: one `GlanceRow`. What a rule found in such a version
    may not be true any more."""
    replaced = case((entries.c.revision > entries.c.seq, entries.c.created_at))
    selected = [
        func.max(case((_selects(rule), 2**number), else_=0)) for number, rule in enumerate(rules)
    ]
    return select(
        cast(sum(selected, literal(0)), BigInteger).label("selected"),
        func.min(replaced).label("first"),
        func.max(replaced).label("last"),
    ).where(_new(scope, after, until))


def _selects(rule: Rule) -> ColumnElement[bool]:
    return or_(*(compile_condition(entries, one.condition) for one in rule.selections))


def _new(scope: Scope, after: int, until: int) -> ColumnElement[bool]:
    return and_(
        within_scope(entries, scope),
        entries.c.organization_revision > after,
        entries.c.organization_revision <= until,
    )
