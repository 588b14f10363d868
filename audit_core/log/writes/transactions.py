"""What happens within the transactions that change entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection

from audit_core.log.engines.engine import LogEngine
from audit_core.log.heads import Heads
from audit_core.log.limits import Limits
from audit_core.log.merge import Merge, merge
from audit_core.log.numbering import Head, advanced, heads_of, numbered, parted
from audit_core.log.precision import COARSEST
from audit_core.log.replication import replication
from audit_core.log.retention import Holds
from audit_core.log.schema import audit_entry, unfinished_entry
from audit_core.log.writes.forgetting import WriteKeeper, drop_expired


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """What one transaction has changed, once it is committed."""

    merge: Merge
    heads: dict[str, Head]
    """Of the organizations that have moved."""
    earliest: datetime | None
    """From when on entries are kept."""


class WriteTransactions:
    """Changes the entries of one log, on connections that the store hands it."""

    def __init__(
        self,
        log_engine: LogEngine,
        heads: Heads,
        clock: Callable[[], datetime],
        limits: Limits,
        keeper: WriteKeeper | None,
        holds: Holds | None,
    ) -> None:
        self._log_engine = log_engine
        self._heads = heads
        self._clock = clock
        self._limits = limits
        self._keeper = keeper
        self._holds = holds
        self._kept_since: datetime | None = None
        """From when on entries are kept, as of the last append; asked anew with each."""

    def append(self, connection: Connection, arriving: pa.Table) -> Appended:
        """Store arrivals of the shape `schema.ARRIVING`."""
        now = self._clock()
        earliest = self._limits.retention.earliest(now)
        if earliest is not None and earliest != self._kept_since:
            drop_expired(self._log_engine, connection, earliest, self._keeper, self._holds)
        numbers = self._log_engine.numbers(connection, after=self._heads.counter, now=now)
        existing = self._log_engine.existing(connection, arriving)
        merged = self._with_replaced(connection, merge(arriving, existing, earliest=earliest))
        rows, heads = self._numbered(connection, merged, numbers, now)
        self._log_engine.forget_unfinished(connection, merged.replaced.column("seq").to_pylist())
        finished, unfinished = parted(rows)
        if not arriving.num_rows:
            self._log_engine.touch(connection, now)
        self._log_engine.insert(connection, audit_entry, finished)
        self._log_engine.insert(connection, unfinished_entry, unfinished)
        self._log_engine.forget_retimed(connection, merged.retimed)
        self._log_engine.keep_counts(
            connection, max((head.revision for head in heads.values()), default=0)
        )
        self._log_engine.keep_heads(connection, heads)
        return Appended(merge=merged, heads=heads, earliest=earliest)

    def committed(self, appended: Appended) -> None:
        """The transaction of an append is through."""
        self._kept_since = appended.earliest

    def replicate(self, connection: Connection, rows: pa.Table) -> tuple[int, dict[str, Head]]:
        """Store whole rows of another log: see `AuditLog.replicate`. How many were stored, and
        the heads that they have."""
        organization = rows.column("organization_id")[0].as_py()
        since, until = (
            rows.column("created_at")[position].as_py().replace(tzinfo=UTC)
            for position in (0, rows.num_rows - 1)
        )
        # Its turn among the writers; the numbers are those of the other log.
        self._log_engine.numbers(connection, after=0, now=self._clock())
        # What is finer now may be stored under the same time, cut.
        stored = self._log_engine.stored_entries(connection, organization, since - COARSEST, until)
        found = replication(rows, stored)
        if self._keeper is not None and found.replaced.num_rows:
            self._keeper.replacing(self._log_engine.unfinished(connection, found.replaced))
        self._log_engine.forget_unfinished(connection, found.replaced.column("seq").to_pylist())
        settled, unfinished = parted(found.rows)
        self._log_engine.insert(connection, audit_entry, settled)
        self._log_engine.insert(connection, unfinished_entry, unfinished)
        self._log_engine.forget_retimed(connection, found.retimed)
        heads = heads_of(rows)
        newest = max(pc.max(rows.column("revision")).as_py(), self._heads.counter)
        self._log_engine.keep_counts(connection, newest, replicated=settled)
        self._log_engine.raise_heads(connection, heads)
        return int(found.rows.num_rows), heads

    def _with_replaced(self, connection: Connection, merged: Merge) -> Merge:
        """The merge with what it refines; who keeps what is replaced is told of it."""
        found = pa.concat_tables([merged.replaced, merged.refined])
        if not (merged.refined.num_rows or (found.num_rows and self._keeper)):
            return merged
        stored = self._log_engine.unfinished(connection, found)
        if self._keeper is not None:
            # Before the commit: kept for nothing if it fails, and never missing.
            self._keeper.replacing(stored)
        return merged.with_refined(stored) if merged.refined.num_rows else merged

    def _numbered(
        self, connection: Connection, merged: Merge, numbers: Iterator[int], now: datetime
    ) -> tuple[pa.Table, dict[str, Head]]:
        """The rows to store, and the heads of their organizations once they are."""
        organizations = pc.unique(merged.rows.column("organization_id")).to_pylist()
        heads = self._log_engine.own_heads(connection, organizations, self._heads.known())
        rows = numbered(merged.rows, merged.replaced, numbers, heads, now)
        return rows, advanced(heads, rows)
