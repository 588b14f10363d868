"""The one place that runs statements on the log: appends, reads, limits, error translation."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import pyarrow as pa
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DBAPIError

from audit_core.domain.access import Scope
from audit_core.domain.entries import AuditEntry
from audit_core.domain.errors import AuditError, StoreUnavailableError
from audit_core.domain.listing import Listing
from audit_core.log.engines.engine import LogEngine
from audit_core.log.engines.registry import engine_for
from audit_core.log.erasing.erasing import Erasing
from audit_core.log.free_space import require_space
from audit_core.log.group_commit import Writer
from audit_core.log.heads import Heads
from audit_core.log.high_water_mark import Loss, Marks, MarkWatch
from audit_core.log.limits import Limits as Limits
from audit_core.log.lock import LogLock
from audit_core.log.merge import NOTHING_APPENDED, AppendReport, Merge
from audit_core.log.numbering import Head, Since
from audit_core.log.opening import prepare, write_file_anew
from audit_core.log.reads.fetched import Fetched, Row
from audit_core.log.reads.read_context import ReadContext, current, reading_in
from audit_core.log.reads.running_reads import Reads
from audit_core.log.retention import Holds
from audit_core.log.schema import ARRIVING, Statement, as_table, log_schema
from audit_core.log.state_changes import StateChangeLog
from audit_core.log.writes.forgetting import WriteKeeper
from audit_core.log.writes.reading import Writes
from audit_core.log.writes.transactions import WriteTransactions
from audit_core.runtime.database_faults import REPORTER, Fault, described_error, fault_in_words


class AuditLog:
    """The log, opened. Safe to use from many threads; made by `open_log`."""

    def __init__(
        self,
        log_engine: LogEngine,
        *,
        clock: Callable[[], datetime],
        holder: str,
        limits: Limits,
        marks: Marks | None,
        keeper: WriteKeeper | None,
        holds: Holds | None,
    ) -> None:
        self._log_engine = log_engine
        self._clock = clock
        self._limits = limits
        self._lock = LogLock(log_engine.file, holder=holder) if log_engine.file else None
        self._closed = False
        self._reads = Reads(
            log_engine, timeout_s=limits.query_timeout_s, translated=self._translated
        )
        self._keeper = keeper
        self._holds = holds
        self._heads = Heads(self.heads, shared=log_engine.shared)
        self._writes = WriteTransactions(log_engine, self._heads, clock, limits, keeper, holds)
        # DuckDB breaks off the later of two transactions that change the same entry.
        self._turn = threading.Lock()
        self.erasing = Erasing(log_engine, self._changing, self._turn, keeper, clock)
        try:
            self._engine = self._open()
            try:
                if log_engine.file and self.erasing.pending():
                    self._engine.dispose()
                    write_file_anew(log_engine, limits.memory_limit_mb, now=clock())
                    self._engine = self._open()
                self._heads.read()
                self._watch = MarkWatch(marks, self._heads)
            except BaseException:
                self._reads.close()
                self._engine.dispose()
                raise
        except BaseException:
            if self._lock:
                self._lock.release()
            raise
        self._writer: Writer[AppendReport] = Writer(self._commit)
        self.writes = Writes(self._fetched, self.known_heads, self.last_known)
        self.state_changes = StateChangeLog(
            log_engine, self._changing, self._reading, self._require_writable, clock
        )

    def append(self, entries: Sequence[AuditEntry]) -> AppendReport:
        """Store entries, all in one transaction; returns after the commit.

        Raises `StorageFullError`, `LogBehindError` or `StoreUnavailableError`: nothing of this
        call was stored.
        """
        return self.append_table(as_table(entries)) if entries else NOTHING_APPENDED

    def append_table(self, arriving: pa.Table) -> AppendReport:
        """As `append`, for entries as columns: of the shape `schema.ARRIVING`, their texts
        without NUL, times in UTC, no organization as ''."""
        return self._writer.append(arriving)

    def replicate(self, rows: pa.Table) -> int:
        """Store whole rows of another log, numbers and time of arrival as they are there.

        `rows` has the shape `schema.ARROW`, of one organization, oldest first. Rows that are
        there already, by their id, are left; one that was finished since is replaced. Returns
        how many were stored, after the commit. Raises `StoreUnavailableError`.
        """
        if not rows.num_rows:
            return 0
        require_space(self._log_engine.file, floor_mb=self._limits.free_space_floor_mb)
        with self._turn, self._changing() as connection:
            count, heads = self._writes.replicate(connection, rows)
        self._watch.moved(heads)
        return count

    def heads(self) -> dict[str, Head]:
        """The highest numbers of every organization ('' for none), also of those that have no
        entries any more: for the operator only."""
        with self._reading(None) as connection:
            return self._log_engine.heads(connection)

    def raise_heads(self, heads: Mapping[str, Head]) -> None:
        """Give no number again that another log gave, whose rows are replicated here."""
        with self._changing() as connection:
            self._log_engine.numbers(connection, after=0, now=self._clock())
            self._log_engine.raise_heads(connection, heads)
        self._watch.moved(heads)

    def known_heads(self) -> Mapping[str, Head]:
        """As `heads`, as far as this process knows: at most a second old, and for the program's
        own work only."""
        self._heads.of(None)
        return self._heads.known()

    def last_known(self) -> int:
        """The highest revision that this process knows of; it asks nobody."""
        return self._heads.counter

    def _fetched(self, statement: Statement) -> pa.Table:
        """The rows of the program's own read, which may see everything."""
        with self._reading(None) as connection:
            return self._log_engine.fetch(connection, statement)

    def head(self, organization_id: str | None) -> int:
        """How many writes an organization has had: entries stored or finished; 0 if none.

        Nothing that others do moves it. For `None` the newest revision of the whole log, for the
        operator only. Costs no query where this process alone has the log, else a small one a
        second, however many ask. Raises `StoreUnavailableError`."""
        return self._heads.of(organization_id)

    def last_seq(self) -> int:
        """A number that every entry stored so far is at or below, and every later one above.

        Where several processes write to ClickHouse, which has no transactions, one that is
        stored at this very moment may still get a number below."""
        return self._heads.newest()

    def since(self, organization_id: str | None) -> Since:
        """This moment, as `last_seq` and as an organization counts it."""
        return self._heads.since(organization_id)

    @property
    def shared(self) -> bool:
        """Whether several processes may have this log open: on a server, not an embedded one."""
        return self._log_engine.shared

    @property
    def keeps_addresses(self) -> bool:
        """Whether statements may read `schema.actor_address`."""
        return self._log_engine.keeps_addresses

    @property
    def keeps_counts(self) -> bool:
        """Whether statements may read the tables of `log.rollups`."""
        return self._log_engine.keeps_counts

    @property
    def keeps_heads(self) -> bool:
        """Whether statements may read the heads of now in `schema.organization_head`."""
        return self._log_engine.keeps_heads

    def fetch(self, statement: Statement, scope: Scope, *, max_rows: int) -> Fetched:
        """Run one read for a viewer: the scope that the statement was built with.

        Raises `QueryTimeoutError` past the time limit, else `StoreUnavailableError`.
        """
        started = time.perf_counter()
        with self._reading(scope) as connection:
            table = self._log_engine.fetch(connection, statement.limit(max_rows + 1))
        return Fetched(
            table=table.slice(0, max_rows),
            truncated=table.num_rows > max_rows,
            elapsed_s=time.perf_counter() - started,
        )

    def fetch_rows(
        self, statement: Statement, scope: Scope, row: type[Row], *, limit: int
    ) -> Listing[Row]:
        """The first `limit` rows of one read; see `fetch` and `Fetched.rows`."""
        fetched = self.fetch(statement, scope, max_rows=limit)
        return Listing(fetched.rows(row), fetched.truncated)

    def new_request(
        self, *, person: str, abandoned: Callable[[], bool] = lambda: False
    ) -> ReadContext:
        """For the reads of one request: together they may take as long as one read else may."""
        return ReadContext(
            timeout_s=self._limits.query_timeout_s, person=person, abandoned=abandoned
        )

    @contextmanager
    def patience(self, seconds: float) -> Iterator[None]:
        """Reads within it, in this thread, are stopped after so many seconds, if that is sooner
        than the time limit."""
        with reading_in(ReadContext(timeout_s=seconds, parent=current())):
            yield

    @property
    def running_reads(self) -> int:
        """How many reads are running now."""
        return self._reads.running

    @property
    def reads_begun(self) -> int:
        """A number that rises with the reads for which somebody waits; see `Reads.begun`."""
        return self._reads.begun

    def interrupt_all(self) -> None:
        """Stop all reads that are running now: they raise `QueryCancelledError`."""
        self._reads.interrupt_all()

    @property
    def loss(self) -> Loss | None:
        """What this log lacks of what is marked: then nothing can be appended."""
        return self._watch.loss

    def accept_loss(self) -> Loss | None:
        """Go on without what is missing, above it. Returns it. Raises `StoreUnavailableError`."""
        missing = self._watch.loss
        if missing is not None:
            self.raise_heads(self._watch.marked())
        return missing

    def ping(self) -> None:
        """Raises `StoreUnavailableError` unless the log answers."""
        with self._reading(None) as connection:
            connection.execute(select(func.max(log_schema.c.version)))

    def check(self) -> None:
        """Raises the `AuditError` that an append would meet now: it goes the whole way of an
        append, and writes, but no entry."""
        self._writer.append(ARRIVING.empty_table())

    def close(self) -> None:
        """Finish accepted appends, interrupt reads, and let go of the file. Calling it twice is
        harmless."""
        self._writer.close()
        self.state_changes.close()
        self.erasing.close()
        self._watch.close()
        self._closed = True
        self._reads.close()
        self._log_engine.let_go(self._engine)
        self._engine.dispose()
        if self._lock:
            self._lock.release()

    def _open(self) -> Engine:
        try:
            engine = self._log_engine.create_engine(memory_limit_mb=self._limits.memory_limit_mb)
        except DBAPIError as error:
            raise self._translated(error) from error
        try:
            now, keeper, holds = self._clock(), self._keeper, self._holds
            early = self._limits.retention.earliest(now)
            prepare(self._log_engine, engine, now=now, earliest=early, keeper=keeper, holds=holds)
        except DBAPIError as error:
            engine.dispose()
            raise self._translated(error) from error
        except BaseException:
            engine.dispose()
            raise
        return engine

    @contextmanager
    def _reading(self, scope: Scope | None) -> Iterator[Connection]:
        """See `Reads.connection`."""
        if self._closed:
            # A new connection would open the file again, without the lock.
            raise StoreUnavailableError("The log is closed.", "Start the program again.")
        with self._reads.connection(self._engine, scope) as connection:
            yield connection

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        """A connection for one transaction. Raises what is wrong as an `AuditError`."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise self._translated(error) from error

    def _require_writable(self) -> None:
        self._watch.require_whole()
        require_space(self._log_engine.file, floor_mb=self._limits.free_space_floor_mb)

    def _commit(self, arriving: pa.Table) -> Merge:
        self._require_writable()
        try:
            return self._write(arriving)
        except DBAPIError as error:
            if self._log_engine.fault(error) is not Fault.INVALIDATED:
                raise self._translated(error) from error
        # The engine gave itself up, as after a full disk. What was committed is safe: open
        # the database anew and try once more. This very commit may be among what is safe, so
        # its numbers must not be given out again.
        self._open_anew()
        try:
            return self._write(arriving)
        except DBAPIError as error:
            if self._log_engine.fault(error) is Fault.INVALIDATED:
                # The cause lasts; whoever reads must not suffer from it.
                self._open_anew()
            raise self._translated(error) from error

    def _open_anew(self) -> None:
        self._engine.dispose()
        self._engine = self._open()
        self._heads.read()

    def _write(self, arriving: pa.Table) -> Merge:
        with self._turn, self._engine.begin() as connection:
            appended = self._writes.append(connection, arriving)
        self._watch.moved(appended.heads)
        self._writes.committed(appended)
        return appended.merge

    def _translated(self, error: DBAPIError) -> AuditError:
        cause = error.orig or error
        fault = self._log_engine.fault(error)
        if fault is Fault.INVALIDATED:
            fault = fault_in_words(str(cause))
        REPORTER.report(self._log_engine.where, cause, password=self._log_engine.url.password)
        return described_error(fault, self._log_engine.described)


def utc_now() -> datetime:
    """The clock that the composition roots pass in."""
    return datetime.now(UTC)


def open_log(
    url: str,
    *,
    clock: Callable[[], datetime] = utc_now,
    holder: str = "sandtrail",
    limits: Limits | None = None,
    marks: Marks | None = None,
    keeper: WriteKeeper | None = None,
    holds: Holds | None = None,
) -> AuditLog:
    """Open the log at a URL of one of `registry.ENGINES`; what is missing is made.

    `holder` is what others are told of this process while it holds the log; `marks` is where its
    highest numbers are kept, so that it can tell when it has lost some; `keeper` is told of what
    it is about to forget; `holds` knows what is kept beyond the retention. Raises
    `SettingsError`, `LogLockedError`, `SchemaTooNewError` or `StoreUnavailableError`.
    """
    return AuditLog(
        engine_for(url),
        clock=clock,
        holder=holder,
        limits=limits or Limits(),
        marks=marks,
        keeper=keeper,
        holds=holds,
    )
