"""Tries a rule on its examples, in a log of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from audit_core.detect.findings_sql import FoundRow, findings
from audit_core.detect.rules.examples import BEGINNING, ORGANIZATION, Example, last_of
from audit_core.detect.rules.rule import Rule
from audit_core.detect.watching.feed import private_log
from audit_core.domain.access import Scope


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one example."""

    example: Example
    found: bool

    @property
    def right(self) -> bool:
        """Whether it came as it should."""
        return self.found is self.example.finds


def try_examples(rule: Rule, examples: Sequence[Example]) -> tuple[Tried, ...]:
    """What comes of each example, long after its last entry. Raises what a log raises."""
    return tuple(Tried(example, _finds(rule, example)) for example in examples)


def _finds(rule: Rule, example: Example) -> bool:
    now = last_of(example, max(rule.reach, timedelta(hours=1)) + timedelta(seconds=1))
    scope = Scope(organization_id=ORGANIZATION)
    statement = findings(rule, scope, since=BEGINNING - timedelta(days=1), until=now, now=now)
    with private_log(example.entries, now) as log:
        return bool(log.fetch_rows(statement, scope, FoundRow, limit=1).items)
