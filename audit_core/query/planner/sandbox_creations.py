"""Creates of sandboxes and the names that they ask for: among all entries, or, where the log
keeps them, in a narrow table of their own."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import ColumnElement, literal, select, true, union_all
from sqlalchemy.sql.expression import FromClause

from audit_core.domain.entries import NAME_PATH
from audit_core.log.sandbox_creations import creates_sandbox, creations_among
from audit_core.log.schema import (
    COUNTED_REVISION,
    READS_COUNTS,
    Statement,
    audit_entry,
    entries,
    sandbox_creation,
    unfinished_entry,
)
from audit_core.log.sql.functions import fits, json_text
from audit_core.query.derived_columns import Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Creations:
    """Rows among which the creates of sandboxes are, finished or not."""

    table: FromClause
    """Has the columns of `sandbox_creation` but for `name`."""
    kept: bool
    """Whether the log keeps them: then there are no other rows, and `name` is a column."""

    @property
    def condition(self) -> Condition:
        """Whether a row is a create of a sandbox."""
        return true() if self.kept else creates_sandbox(self.table)

    @property
    def naming(self) -> ColumnElement[str]:
        """The column that holds the name; see `name_in`."""
        column: ColumnElement[str] = self.table.c.name if self.kept else self.table.c.metadata
        return column

    def name_in(self, rows: FromClause | None = None) -> ColumnElement[str]:
        """The name in rows that have the column `naming`; NULL for none."""
        rows = self.table if rows is None else rows
        return rows.c.name if self.kept else json_text(rows.c.metadata, NAME_PATH)

    def mentions(self, part: str) -> list[Condition]:
        """What metadata must fulfil to hold a text: then most need not be taken apart. Nothing
        where none need be, and for a text that JSON may write in another way."""
        if self.kept or not re.fullmatch('"[A-Za-z0-9_.-]*"?', part):
            return []
        pattern = part.replace("_", "\\_")
        return [fits(self.table.c.metadata, literal(f"%{pattern}%"))]

    def options(self, statement: Statement) -> Statement:
        """The statement, told to the engine as one that reads what the log keeps if it does."""
        return statement.execution_options(**READS_COUNTS) if self.kept else statement


AMONG_ENTRIES = Creations(table=entries, kept=False)
"""For a log that keeps none."""

KEPT = Creations(
    table=union_all(
        select(sandbox_creation),
        creations_among(audit_entry).where(audit_entry.c.revision > COUNTED_REVISION),
        creations_among(unfinished_entry),
    ).subquery("creation"),
    kept=True,
)
"""For a log that keeps counts."""


def creations(*, kept: bool) -> Creations:
    """Those that the log keeps, if it does."""
    return KEPT if kept else AMONG_ENTRIES
