"""The query: which entries are asked for, for whose eyes, and of which time."""

from __future__ import annotations

from dataclasses import dataclass, replace

from audit_core.domain.access import Scope
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.language.ast import Expression
from audit_core.query.time.windows import TimeRange
from audit_core.query.visibility import require_visible


@dataclass(frozen=True, slots=True)
class Query:
    """A filter, the scope it is asked in, and what its window means now.

    What a read needs beyond that, it takes as an argument: the moment that stands for an open end
    too, which would otherwise be part of every answer's key. Raises `QueryError` if the filter's
    query asks for what the scope may not see, so that none can be asked.
    """

    entry_filter: EntryFilter
    scope: Scope
    time_range: TimeRange
    rewritten: Expression | None = None
    """What to ask in place of the filter's predicate: an equivalent that the planner found, or what
    no filter can say, such as the parameters of another API; `None` for the filter's."""

    def __post_init__(self) -> None:
        if self.entry_filter.query:
            require_visible(self.entry_filter.expression, self.entry_filter.query, self.scope)

    @property
    def predicate(self) -> Expression:
        """What an entry must meet beyond the scope and the time range."""
        return self.entry_filter.predicate if self.rewritten is None else self.rewritten

    def within(self, time_range: TimeRange) -> Query:
        """The same of another time range."""
        return replace(self, time_range=time_range)

    def asking(self, predicate: Expression) -> Query:
        """The same with another predicate."""
        return replace(self, rewritten=predicate)
