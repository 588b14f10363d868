"""The statements of what new writes touch: which groups have to be looked at anew, and when.

Builds, never runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, cast, func, select, union_all

from audit_core.detect.findings_sql import GROUPS, absent_text
from audit_core.detect.rules.condition_sql import compile_condition, value_of
from audit_core.detect.rules.rule import Rule
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
class RewrittenRow:
    """The one row of `rewritten`."""

    count: int
    first: datetime | None
    last: datetime | None
    """As of `TouchedRow`; `None` if there are none."""


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
                within_scope(entries, scope),
                entries.c.organization_revision > after,
                entries.c.organization_revision <= until,
                compile_condition(entries, selection.condition),
                *(value.is_not(None) for value in values),
            )
            .group_by(*values)
            # Without values there would be a row of nothing.
            .having(func.count() > 0)
        )
    united = union_all(*parts).subquery()
    return select(united)


def rewritten(scope: Scope, *, after: int, until: int) -> Statement:
    """Of the same writes those that replaced an earlier version of their entry: one `RewrittenRow`.
    What the rule found in that version may not be true any more."""
    return select(
        cast(func.count(), BigInteger).label("count"),
        func.min(entries.c.created_at).label("first"),
        func.max(entries.c.created_at).label("last"),
    ).where(
        within_scope(entries, scope),
        entries.c.organization_revision > after,
        entries.c.organization_revision <= until,
        entries.c.revision > entries.c.seq,
    )
