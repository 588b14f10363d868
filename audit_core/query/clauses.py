"""What a filter asks, taken apart into what can be dropped one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from audit_core.domain.errors import FilterError
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.language.ast import AllOf, all_of
from audit_core.query.language.describe import describe
from audit_core.query.language.printer import to_text


@dataclass(frozen=True, slots=True)
class Clause:
    """One value of a field, the search text, or one condition of the query."""

    text: str
    """For people: `outcome Server error`. It may quote the log."""
    without: EntryFilter
    """The filter that asks everything else."""


def clauses(entry_filter: EntryFilter) -> tuple[Clause, ...]:
    """Everything that the filter asks beyond its window, in the order of `EntryFilter.describe`."""
    return (
        *_values(entry_filter),
        *_text(entry_filter),
        *_conditions(entry_filter),
    )


def _values(entry_filter: EntryFilter) -> Iterator[Clause]:
    for item in entry_filter.value_fields:
        values = getattr(entry_filter, item.name)
        for value in values:
            others: dict[str, Any] = {item.name: tuple(x for x in values if x != value)}
            yield Clause(
                f"{item.label.lower()} {item.show(value)}", replace(entry_filter, **others)
            )


def _text(entry_filter: EntryFilter) -> Iterator[Clause]:
    if entry_filter.text:
        yield Clause(f"text “{entry_filter.text}”", replace(entry_filter, text=""))


def _conditions(entry_filter: EntryFilter) -> Iterator[Clause]:
    if not entry_filter.query:
        return
    expression, zone = entry_filter.expression, entry_filter.window.zone
    parts = expression.parts if isinstance(expression, AllOf) else (expression,)
    try:
        found = [
            Clause(
                describe(part, zone=zone),
                replace(entry_filter, query=to_text(all_of(others), zone=zone)),
            )
            for place, part in enumerate(parts)
            for others in [[*parts[:place], *parts[place + 1 :]]]
        ]
    except FilterError:
        # Written anew it is too long to be read: it can be dropped as a whole only.
        found = [Clause(describe(expression, zone=zone), replace(entry_filter, query=""))]
    yield from found
