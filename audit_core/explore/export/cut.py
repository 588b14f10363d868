"""The log as of one head: what an export holds, whenever it is read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audit_core.domain.access import Scope
from audit_core.domain.entries import UNANSWERED_STATUS
from audit_core.domain.errors import StoreUnavailableError
from audit_core.explore.export import export_sql
from audit_core.log.schema import ARROW, Statement
from audit_core.log.store import AuditLog
from audit_core.query.keyset import number_name, revision_name
from audit_core.query.query import Query

MAX_UNFINISHED = 1_000_000
"""How many unfinished entries an export may hold in memory."""


LATELY = timedelta(days=1)
"""Among entries made so shortly before the newest one, the last arrival is looked for first."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A row of one time, naive and in UTC; `None` where there is none."""

    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The log as of one head: what an export holds, whenever it is read."""

    head: int
    """How many writes the organization had had, see `AuditLog.head`; for a scope of everything the
    revision of the whole log. What was written later is not in the export."""
    received_at: datetime | None
    """All that had arrived by then is in the log as of this head; aware, in UTC. `None` for a log
    that has nothing of the scope."""
    unfinished: pa.Table
    """The matches that were unfinished, as they were: of the shape `schema.ARROW`, in the order of
    the export."""
    base: int | None = None
    """What was written up to this earlier head is left out; `None`: nothing is."""

    def since(self, base: int, scope: Scope) -> Cut:
        """The same without what was written up to an earlier head, and not again since."""
        revisions = self.unfinished.column(revision_name(scope))
        newer = self.unfinished.filter(pc.greater(revisions, base))
        return replace(self, base=base, unfinished=newer)

    @property
    def in_flight(self) -> int:
        """How many of the matches were unfinished: in flight or unanswered."""
        return int(self.unfinished.num_rows)


def cut(log: AuditLog, query: Query) -> Cut:
    """The log as of now. Raises `StoreUnavailableError` also where too many are unfinished."""
    scope = query.scope
    known = log.head(scope.organization_id)
    statement = (
        export_sql.unfinished_beside_head(query)
        if log.keeps_heads
        else export_sql.unfinished_and_newer(query, after=known)
    )
    fetched = log.fetch(statement, scope, max_rows=MAX_UNFINISHED)
    if fetched.truncated:
        raise StoreUnavailableError(
            f"More than {MAX_UNFINISHED:,} of these entries are unfinished; an export has no room "
            "for them.",
            "Choose a shorter window.",
        )
    table = fetched.table
    revisions = table.column(export_sql.HEAD if log.keeps_heads else revision_name(scope))
    head = max(known, pc.max(revisions).as_py() or 0)
    unfinished = table.filter(_unfinished(table)).select(ARROW.names).cast(ARROW)
    return Cut(
        head=head,
        received_at=_received_at(log, scope, head),
        unfinished=in_order(unfinished, scope),
    )


def in_order(rows: pa.Table, scope: Scope) -> pa.Table:
    """The rows, oldest first; of one time in order of arrival."""
    keys = [("created_at", "ascending"), (number_name(scope), "ascending")]
    order = pc.sort_indices(rows, sort_keys=keys)
    if (np.diff(order.to_numpy().astype(np.int64)) == 1).all():
        return rows
    return rows.combine_chunks().take(order)


def _received_at(log: AuditLog, scope: Scope, head: int) -> datetime | None:
    newest = _moment(log, scope, export_sql.newest(scope))
    for since in (None if newest is None else newest - LATELY, None):
        found = _moment(log, scope, export_sql.last_arrival(scope, head=head, since=since))
        if found is not None:
            return found
    return None


def _moment(log: AuditLog, scope: Scope, statement: Statement) -> datetime | None:
    (found,) = log.fetch_rows(statement, scope, Moment, limit=1).items
    return None if found.at is None else found.at.replace(tzinfo=UTC)


def _unfinished(table: pa.Table) -> pa.ChunkedArray:
    """Which rows are unfinished entries: of a join, some rows may be none."""
    status = table.column("status_code")
    open_ended = pc.or_(
        pc.is_null(status), pc.fill_null(pc.equal(status, UNANSWERED_STATUS), False)
    )
    return pc.and_(open_ended, pc.is_valid(table.column("id")))
