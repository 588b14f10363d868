"""A rule from a filter, as the text of a Sigma rule: pure.

The rule selects exactly the entries that the filter matches, its window aside: a rule looks at what
arrives. What a rule cannot ask alike is an error with a sentence, never a rule that finds less or
more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import yaml

from audit_core.detect.rules.correlations import LONGEST_SPAN, MOST
from audit_core.detect.rules.words import span_in_words
from audit_core.detect.ruleset.filter_tests import (
    Alternative,
    alternatives,
    any_listed,
    category_expression,
    listed,
)
from audit_core.domain.alerts.level import Level
from audit_core.domain.entries import Category
from audit_core.domain.errors import RuleError
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.language.ast import AllOf, AnyOf, Equals, Expression, Field, Not, depth

GROUPS = ("actorId", "targetId", "ipAddress", "action", "source")
"""By which fields such a rule may tell entries apart."""

MAX_DEPTH = 6
"""How deep AND, OR and NOT may stand within each other: a rule's condition is one line."""

_SOURCE = {"product": "daytona", "service": "audit"}
_ANYTHING = "everything"
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """At least so many entries within a time span."""

    least: int
    """From 2 to `correlations.MOST`."""
    within: timedelta
    """Whole seconds, from 1 to `correlations.LONGEST_SPAN`."""


def rule_from_filter(
    entry_filter: EntryFilter,
    *,
    rule_id: str,
    title: str,
    level: Level = Level.MEDIUM,
    group_by: str | None = "actorId",
    many: Many | None = None,
) -> str:
    """The text of a rule that finds each entry that the filter matches, or with `many` that there
    are so many of them; for each value of the field `group_by`, `None`: all together. `rule_id` is
    a new UUID.

    Raises `RuleError` with a sentence for what no rule can ask exactly.
    """
    if many is not None and not (
        2 <= many.least <= MOST and timedelta(seconds=1) <= many.within <= LONGEST_SPAN
    ):
        raise RuleError(
            f"{many.least:,} entries within {span_in_words(many.within)} is no threshold.",
            f"Count from 2 to {MOST:,} entries within up to {LONGEST_SPAN.days} days.",
        )
    detection = _detection(entry_filter)
    described = entry_filter.describe_conditions() or "any entry"
    head: dict[str, Any] = {
        "title": title.strip()[:256] or "An alert about a filter",
        "id": rule_id,
        "description": f"Made from the filter on Explore: {described}."[:2_000],
        "level": level.value,
    }
    if many is None:
        own: dict[str, Any] = {"group-by": [] if group_by is None else [group_by]}
        return _written(head | {"logsource": _SOURCE, "detection": detection, "sandtrail": own})
    correlation: dict[str, Any] = {"type": "event_count", "rules": ["matching"]}
    if group_by is not None:
        correlation["group-by"] = [group_by]
    correlation |= {"timespan": _span(many.within), "condition": {"gte": many.least}}
    matching = {"title": "What the filter matches", "name": "matching", "logsource": _SOURCE}
    return _written(head | {"correlation": correlation}, matching | {"detection": detection})


def _detection(entry_filter: EntryFilter) -> dict[str, Any]:
    predicate = entry_filter.predicate
    if depth(predicate) > MAX_DEPTH:
        raise RuleError(
            f"The query nests AND, OR and NOT {depth(predicate)} deep; {MAX_DEPTH} is the most.",
            "Write it with fewer parentheses.",
        )
    writer = _Writer()
    condition = writer.condition(predicate)
    return {**writer.selections, "condition": condition}


@dataclass(slots=True)
class _Writer:
    """Collects selections, each with a name, and says how they go together."""

    selections: dict[str, Any] = field(default_factory=dict)

    def condition(self, expression: Expression) -> str:
        if isinstance(expression, AllOf):
            if not expression.parts:
                return self._selection(_ANYTHING, ({"id|exists": True},))
            return " and ".join(self._within(part) for part in expression.parts)
        if isinstance(expression, AnyOf):
            return " or ".join(self._any(expression))
        if isinstance(expression, Not):
            return f"not {self._within(expression.part)}"
        if isinstance(expression, Equals) and isinstance(expression.value, Category):
            return f"({self.condition(category_expression(expression.value))})"
        name, found = alternatives(expression)
        return self._selection(name, found)

    def _any(self, expression: AnyOf) -> Iterator[str]:
        """The parts; values of one field together."""
        values: dict[Field, list[str]] = {}
        for part in expression.parts:
            if not isinstance(part, AllOf | AnyOf | Not) and (found := listed(part)) is not None:
                values.setdefault(found[0], []).append(found[1])
            else:
                yield self._within(part)
        for one, texts in values.items():
            yield self._selection(one.value, (any_listed(one, texts),))

    def _within(self, part: Expression) -> str:
        written = self.condition(part)
        compound = isinstance(part, AllOf | AnyOf) and len(part.parts) > 1
        return f"({written})" if compound else written

    def _selection(self, name: str, found: Sequence[Alternative]) -> str:
        content = found[0] if len(found) == 1 else list(found)
        for known, other in self.selections.items():
            if other == content:
                return known
        number = 1
        while (chosen := name if number == 1 else f"{name}_{number}") in self.selections:
            number += 1
        self.selections[chosen] = content
        return chosen


def _written(*documents: dict[str, Any]) -> str:
    return yaml.safe_dump_all(
        documents, sort_keys=False, allow_unicode=True, default_flow_style=False, width=100
    )


def _span(span: timedelta) -> str:
    seconds = span // timedelta(seconds=1)
    size, unit = next(one for one in _UNITS if seconds % one[0] == 0)
    return f"{seconds // size}{unit}"
