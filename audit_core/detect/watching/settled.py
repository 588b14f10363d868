"""Up to which write of an organization all are there to be looked at.

Where several processes share a log, a write may come to light after one with a higher number. A
watermark must not pass it: nobody would look at it again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select

from audit_core.domain.access import Scope
from audit_core.log.schema import entries
from audit_core.log.store import AuditLog
from audit_core.log.writes.settling import Settling
from audit_core.query.where import within_scope
from audit_core.state.database import State
from audit_core.state.tree.hashes import kept_leaves


@dataclass(frozen=True, slots=True)
class _CountRow:
    count: int


class Settled:
    """What one process knows of it. Not for several threads at once."""

    def __init__(self, log: AuditLog, state: State, clock: Callable[[], datetime]) -> None:
        self._log = log
        self._state = state
        self._settling = Settling(clock)

    def up_to(self, organization_id: str, *, after: int, until: int) -> int:
        """The last write from `after`, up to which all are there, to `until` that all before it are
        there with. What is missing because a later version took its place is not waited for.
        Raises `AuditError`."""
        if until <= after or not self._log.shared:
            return until
        scope = Scope(organization_id=organization_id)
        of = _between(scope, after, until)
        statement = select(func.count().label("count")).where(of)
        (row,) = self._log.fetch_rows(statement, scope, _CountRow, limit=1).items
        if row.count == until - after:
            return until
        column = entries.c
        statement = select(column.organization_revision, column.received_at).where(of)
        rows = self._log.fetch(statement, scope, max_rows=until - after).table
        there = set(rows.column("organization_revision").to_pylist())
        # After the log: what is replaced is kept before it leaves the log.
        with self._state.read() as connection:
            for leaf in kept_leaves(connection, organization_id, first=after + 1, last=until):
                there.update(range(max(leaf.first, after + 1), min(leaf.last, until) + 1))
        missing = [number for number in range(after + 1, until + 1) if number not in there]
        unsettled = self._settling.first_unsettled(organization_id, missing, rows)
        return until if unsettled is None else unsettled - 1


def _between(scope: Scope, after: int, until: int) -> ColumnElement[bool]:
    column = entries.c
    return and_(
        within_scope(entries, scope),
        column.organization_revision > after,
        column.organization_revision <= until,
    )
