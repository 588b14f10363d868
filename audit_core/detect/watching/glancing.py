"""A glance at new writes: which of an organization's rules they concern, for all at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from audit_core.detect.findings_sql import group_of
from audit_core.detect.rules.rule import Rule
from audit_core.detect.watching.candidates_sql import (
    CandidateRow,
    Question,
    candidates,
    is_counted,
)
from audit_core.detect.watching.changes import Group
from audit_core.detect.watching.touched_sql import MAX_RULES, REWRITTEN, TouchedRow, touched
from audit_core.domain.access import Scope
from audit_core.log.store import AuditLog

MAX_ROWS = 1_000_000

Times: TypeAlias = tuple[datetime, datetime]
"""When the first and the last of some entries was made: aware."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What is known of the writes of an organization after one, up to another."""

    after: int
    until: int
    touched: Mapping[str, Mapping[Group, Times]]
    """The groups of the writes that each rule selects, by the rule's id; without those that select
    none."""
    values: Mapping[str, frozenset[tuple[Group, str]]]
    """What may be new, by the id of a rule that looks for that: groups with a value."""
    rewritten: Times | None
    """Of those that replaced an earlier version of their entry; `None` if none did."""


def glance_at(
    log: AuditLog, rules: Sequence[Rule], organization_id: str, *, after: int, until: int
) -> Glance:
    """Look which groups of the rules, one at least, the writes touch. Raises what a read raises."""
    scope = Scope(organization_id=organization_id)
    found: dict[str, dict[Group, Times]] = {}
    values: dict[str, set[tuple[Group, str]]] = defaultdict(set)
    rewritten: Times | None = None
    for at in range(0, len(rules), MAX_RULES):
        some = rules[at : at + MAX_RULES]
        statement = touched(some, scope, after=after, until=until)
        # Every write may be in a group of its own for each rule, so there is no telling limit.
        rows = log.fetch_rows(statement, scope, TouchedRow, limit=MAX_ROWS * len(some))
        for row in rows.items:
            times = row.first.replace(tzinfo=UTC), row.last.replace(tzinfo=UTC)
            if row.rule == REWRITTEN:
                rewritten = times
                continue
            rule = some[row.rule]
            groups = found.setdefault(rule.id, {})
            group = group_of(row, len(rule.groups))
            groups[group] = _both(groups.get(group, times), times)
            if row.value is not None:
                values[rule.id].add((group, row.value))
    return Glance(
        after=after,
        until=until,
        touched=found,
        values={rule_id: frozenset(some) for rule_id, some in values.items()},
        rewritten=rewritten,
    )


def finding_nothing(
    log: AuditLog, rules: Sequence[Rule], organization_id: str, seen: Glance
) -> set[str]:
    """The ids of rules that touch the writes and find nothing new for certain: by counting, before
    any looks closely. Raises what a read raises."""
    questions = []
    for rule in rules:
        if rule.id in seen.touched and is_counted(rule):
            times = seen.touched[rule.id].values()
            first, last = min(one for one, _ in times), max(one for _, one in times)
            questions.append(Question(rule, first, last))
    scope = Scope(organization_id=organization_id)
    found: set[str] = set()
    for at in range(0, len(questions), MAX_RULES):
        some = questions[at : at + MAX_RULES]
        rows = log.fetch_rows(candidates(some, scope), scope, CandidateRow, limit=MAX_ROWS)
        may_find = {row.rule for row in rows.items if row.value is None}
        had: dict[int, set[tuple[Group, str]]] = defaultdict(set)
        for row in rows.items:
            if row.value is not None:
                had[row.rule].add((group_of(row, len(some[row.rule].rule.groups)), row.value))
        found |= {
            question.rule.id
            for number, question in enumerate(some)
            if not rows.truncated
            and number not in may_find
            and seen.values.get(question.rule.id, frozenset()) <= had[number]
        }
    return found


def _both(one: Times, other: Times) -> Times:
    return min(one[0], other[0]), max(one[1], other[1])
