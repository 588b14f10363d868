"""Creations of sandboxes and the names they ask for: from the entries, or from the materialized
table where the log keeps one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import ColumnElement, literal, true
from sqlalchemy.sql.expression import FromClause

from audit_core.domain.entries import NAME_PATH
from audit_core.log.rollups import CREATIONS, READS_COUNTS, creates_sandbox
from audit_core.log.schema import Statement, entries
from audit_core.log.sql.functions import json_text, like
from audit_core.query.derived_columns import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Creations:
    """Rows that hold the creations of sandboxes, finished or not."""

    table: FromClause
    """Has the columns of `sandbox_creation` but for `name`."""
    materialized: bool
    """Whether the rows are creations only, with `name` as a column."""

    @property
    def condition(self) -> Condition:
        """Whether a row is the creation of a sandbox."""
        return true() if self.materialized else creates_sandbox(self.table)

    @property
    def naming(self) -> ColumnElement[str]:
        """The column that holds the name; see `name_in`."""
        column: ColumnElement[str] = (
            self.table.c.name if self.materialized else self.table.c.metadata
        )
        return column

    def name_in(self, rows: FromClause | None = None) -> ColumnElement[str]:
        """The name in rows that have the column `naming`; NULL for none."""
        rows = self.table if rows is None else rows
        return rows.c.name if self.materialized else json_text(rows.c.metadata, NAME_PATH)

    def mentions(self, part: str) -> list[Condition]:
        """A cheap prefilter for metadata that contains a text, so that most of it need not be
        parsed. Empty where none is needed, and for a text that JSON may escape."""
        if self.materialized or not re.fullmatch('"[A-Za-z0-9_.-]*"?', part):
            return []
        pattern = part.replace("_", "\\_")
        return [like(self.table.c.metadata, literal(f"%{pattern}%"))]

    def options(self, statement: Statement) -> Statement:
        """The statement, marked for the engine as one that reads rollups if it does."""
        return statement.execution_options(**READS_COUNTS) if self.materialized else statement


FROM_ENTRIES = Creations(table=entries, materialized=False)
"""For a log without the materialized table."""

MATERIALIZED = Creations(
    table=CREATIONS.current(),
    materialized=True,
)
"""For a log that keeps rollups."""


def creations(*, materialized: bool) -> Creations:
    """The cheapest source that the log has."""
    return MATERIALIZED if materialized else FROM_ENTRIES
