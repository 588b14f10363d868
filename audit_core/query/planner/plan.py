"""The plan of a read: which rows to aggregate over, and the query to ask of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, cast, func, literal
from sqlalchemy.sql.expression import FromClause

from audit_core.log.rollups import READS_COUNTS
from audit_core.log.schema import Statement, entries
from audit_core.query.derived_columns import Condition
from audit_core.query.query import Query
from audit_core.query.where import where_clause


@dataclass(frozen=True, slots=True, kw_only=True)
class CountSource:
    """Rows that stand for entries."""

    table: FromClause
    """Has at least the columns `COUNTED_BY` and `created_at`."""
    number: ColumnElement[int] | None = None
    """The column with the number of entries that a row stands for; `None`: each row is one."""

    def count(self, *conditions: ColumnElement[bool]) -> ColumnElement[int]:
        """The number of entries that meet the conditions, as an aggregate."""
        if self.number is None:
            return func.count().filter(*conditions) if conditions else func.count()
        total: Any = func.sum(self.number)
        total = total.filter(*conditions) if conditions else total
        return cast(func.coalesce(total, literal(0, BigInteger)), BigInteger)

    def options(self, statement: Statement) -> Statement:
        """The statement, marked for the engine as one that reads rollups if it does."""
        if self.number is None:
            return statement
        return statement.execution_options(**READS_COUNTS)


ENTRIES = CountSource(table=entries)
"""The entries themselves, one row each."""


class Reason(Enum):
    """Why entries are read, or a rollup, and of which time; in the order in which `Planner.plan`
    asks."""

    NO_ROLLUPS = "the log keeps no rollups: its engine has indexes instead"
    SHORT = "the window is shorter than a day: its entries are few"
    TARGETS = "every match is on known targets: entries of the hours in which these have any"
    FINER = "the filter or the buckets ask for what no rollup has"
    ROLLUP = "targets decide nothing: the rollup gives what the entries would"
    FOUND_TARGETS = "only entries on the targets that a text was found in can match: their hours"
    MIXED = "targets decide, and entries on others match too"


@dataclass(frozen=True, slots=True)
class Plan:
    """How to answer a query."""

    query: Query
    """Its time range holds all matches, and its predicate is equivalent on the source; either may
    differ from what was asked."""
    source: CountSource = ENTRIES
    reason: Reason | None = None
    """`None` where nothing was planned: the entries are read as they were asked for."""

    @property
    def where(self) -> Condition:
        """The condition for a row of the source to match."""
        return where_clause(self.source.table, self.query)
