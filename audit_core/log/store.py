"""The one place that runs statements on the log: appends, reads, limits, error translation."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
from sqlalchemy import Connection, Engine, Table, and_, delete, func, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from audit_core.entries import AuditEntry
from audit_core.errors import (
    LogLockedError,
    QueryTimeoutError,
    SchemaTooNewError,
    StorageFullError,
    StoreUnavailableError,
)
from audit_core.log import dialects
from audit_core.log.arrivals import AppendReport, Decision, Key, Stored, decide, key_of
from audit_core.log.lock import LogLock
from audit_core.log.schema import (
    NO_ORGANIZATION,
    VERSION,
    Statement,
    arriving_key,
    audit_entry,
    entries,
    log_schema,
    metadata,
    to_arrow,
    unfinished_entry,
)
from audit_core.log.writer import Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the log may use."""

    memory_limit_mb: int = 1024
    free_space_floor_mb: int = 256
    """Below this much free space on the log's disk nothing is accepted."""
    query_timeout_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """The answer to one read."""

    table: pa.Table
    """At most the asked number of rows."""
    truncated: bool
    """Whether there were more."""
    elapsed_s: float


class AuditLog:
    """The log, opened. Safe to use from many threads; made by `open_log`."""

    def __init__(
        self,
        url: URL,
        *,
        clock: Callable[[], datetime],
        holder: str,
        limits: Limits,
    ) -> None:
        self._url = url
        self._clock = clock
        self._limits = limits
        self._file = dialects.embedded_file(url)
        self._lock = LogLock(self._file, holder=holder) if self._file else None
        self._closed = False
        try:
            self._engine = self._open()
            self._counter, self._heads = self._read_heads()
        except BaseException:
            if self._lock:
                self._lock.release()
            raise
        self._writer = Writer(self._commit)

    def append(self, entries: Sequence[AuditEntry]) -> AppendReport:
        """Store entries, all in one transaction; returns after the commit.

        Raises `StorageFullError` or `StoreUnavailableError`: nothing of this call was stored.
        """
        return self._writer.append(entries) if entries else decide((), {}).report(0, 0)

    def head(self, organization_id: str | None) -> int:
        """The newest revision of an organization, or of the whole log for `None`; 0 if empty.

        It grows with every entry stored or finished. Costs no query.
        """
        if organization_id is None:
            return self._counter
        return self._heads.get(organization_id, 0)

    def last_seq(self) -> int:
        """A number that every entry stored so far is at or below, and every later one above."""
        return self._counter

    def fetch(self, statement: Statement, *, max_rows: int) -> Fetched:
        """Run one read.

        Raises `QueryTimeoutError` past the time limit, else `StoreUnavailableError`.
        """
        started = time.perf_counter()
        with self._reading() as connection:
            table = dialects.fetch_arrow(connection, statement.limit(max_rows + 1))
        return Fetched(
            table=table.slice(0, max_rows),
            truncated=table.num_rows > max_rows,
            elapsed_s=time.perf_counter() - started,
        )

    def ping(self) -> None:
        """Raises `StoreUnavailableError` unless the log answers."""
        with self._reading() as connection:
            connection.execute(select(func.max(log_schema.c.version)))

    def close(self) -> None:
        """Finish accepted appends and let go of the file. Calling it twice is harmless."""
        self._writer.close()
        self._closed = True
        self._engine.dispose()
        if self._lock:
            self._lock.release()

    def _open(self) -> Engine:
        try:
            engine = dialects.create_engine(self._url, memory_limit_mb=self._limits.memory_limit_mb)
        except DBAPIError as error:
            raise self._translated(error) from error
        try:
            with engine.begin() as connection:
                self._prepare(connection)
        except DBAPIError as error:
            engine.dispose()
            raise self._translated(error) from error
        except BaseException:
            engine.dispose()
            raise
        return engine

    def _prepare(self, connection: Connection) -> None:
        """Make what is missing; a log of a newer program is left as it is."""
        log_schema.create(connection, checkfirst=True)
        found = connection.execute(select(func.max(log_schema.c.version))).scalar()
        if found is not None and found > VERSION:
            raise SchemaTooNewError(
                f"The log {self._name} has schema version {found}; "
                f"this program knows versions up to {VERSION}.",
                "Use the newer program that wrote it.",
            )
        metadata.create_all(connection)
        if found is None:
            connection.execute(
                log_schema.insert().values(version=VERSION, applied_at=self._clock())
            )

    def _read_heads(self) -> tuple[int, dict[str, int]]:
        statement = select(entries.c.organization_id, func.max(entries.c.revision)).group_by(
            entries.c.organization_id
        )
        with self._reading() as connection:
            heads = {organization: head for organization, head in connection.execute(statement)}
        return max(heads.values(), default=0), heads

    @property
    def _name(self) -> str:
        return self._file.name if self._file else "in memory"

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """A connection whose work is stopped at the time limit, with errors translated."""
        if self._closed:
            # A new connection would open the file again, without the lock.
            raise StoreUnavailableError("The log is closed.", "Start the program again.")
        try:
            with self._engine.connect() as connection, dialects.interruptible(connection) as stop:
                timer = threading.Timer(self._limits.query_timeout_s, stop)
                timer.daemon = True
                timer.start()
                try:
                    yield connection
                finally:
                    timer.cancel()
        except PoolTimeoutError as error:
            raise StoreUnavailableError(
                "Too many reads of the log are under way.", "Try again in a moment."
            ) from error
        except DBAPIError as error:
            if dialects.interrupted(error):
                raise QueryTimeoutError(
                    f"The log did not answer within {self._limits.query_timeout_s:g} seconds.",
                    "Choose a shorter time window or a narrower filter.",
                ) from error
            raise self._translated(error) from error

    def _commit(self, arriving: Sequence[AuditEntry]) -> Decision:
        self._require_space()
        try:
            return self._write(arriving)
        except DBAPIError as error:
            if not dialects.invalidated(error):
                raise self._translated(error) from error
        # The engine gave itself up, as after a full disk. What was committed is safe: open
        # the database anew and try once more. This very commit may be among what is safe, so
        # its numbers must not be given out again.
        self._engine.dispose()
        self._engine = self._open()
        self._counter, self._heads = self._read_heads()
        try:
            return self._write(arriving)
        except SQLAlchemyError as error:
            raise self._translated(error) from error

    def _write(self, arriving: Sequence[AuditEntry]) -> Decision:
        with self._engine.begin() as connection:
            decision = decide(arriving, self._stored(connection, arriving))
            finished_seqs = [seq for seq, _ in decision.completions.values()]
            for start in range(0, len(finished_seqs), 1000):
                connection.execute(
                    delete(unfinished_entry).where(
                        unfinished_entry.c.seq.in_(finished_seqs[start : start + 1000])
                    )
                )
            counter = self._counter
            rows: list[tuple[int, int, AuditEntry]] = []
            for entry in decision.insertions.values():
                counter += 1
                rows.append((counter, counter, entry))
            for seq, entry in decision.completions.values():
                counter += 1
                rows.append((seq, counter, entry))
            now = self._clock()
            for table, finished in ((audit_entry, True), (unfinished_entry, False)):
                dialects.insert(
                    connection,
                    table,
                    to_arrow((row for row in rows if row[2].finished is finished), received_at=now),
                )
        for _, revision, entry in rows:
            self._heads[entry.organization_id or NO_ORGANIZATION] = revision
        self._counter = counter
        return decision

    def _stored(self, connection: Connection, arriving: Sequence[AuditEntry]) -> dict[Key, Stored]:
        keys = {key_of(entry) for entry in arriving}
        arriving_key.create(connection, checkfirst=False)
        dialects.insert(
            connection,
            arriving_key,
            pa.table(
                {
                    "organization_id": [
                        organization or NO_ORGANIZATION for organization, _ in keys
                    ],
                    "id": [id for _, id in keys],
                }
            ),
        )
        stored: dict[Key, Stored] = {}
        for table in (audit_entry, unfinished_entry):
            for row in connection.execute(_with_keys(table)):
                stored[(row.organization_id or None, row.id)] = Stored(
                    seq=row.seq, created_at=row.created_at, status_code=row.status_code
                )
        arriving_key.drop(connection)
        return stored

    def _require_space(self) -> None:
        if self._file is None:
            return
        free_mb = shutil.disk_usage(_existing(self._file.parent)).free // 2**20
        if free_mb < self._limits.free_space_floor_mb:
            raise StorageFullError(
                f"Only {free_mb} MB are free on the disk of the log; entries are accepted "
                f"from {self._limits.free_space_floor_mb} MB on. Nothing was stored.",
                "Make room, then send the entries again: those already stored are recognized.",
            )

    def _translated(self, error: SQLAlchemyError) -> StoreUnavailableError | LogLockedError:
        if isinstance(error, DBAPIError) and dialects.held_elsewhere(error):
            return LogLockedError(
                f"The log {self._name} is in use by another process.",
                "Stop that process, then try again.",
            )
        return StoreUnavailableError(
            f"The log {self._name} cannot be read or written.",
            "See the terminal for the cause; if the file is damaged, restore it from a backup.",
        )


def _with_keys(table: Table) -> Statement:
    return select(
        table.c.organization_id, table.c.id, table.c.seq, table.c.created_at, table.c.status_code
    ).join(
        arriving_key,
        and_(
            table.c.organization_id == arriving_key.c.organization_id,
            table.c.id == arriving_key.c.id,
        ),
    )


def _existing(folder: Path) -> Path:
    return folder if folder.exists() else Path()


def utc_now() -> datetime:
    """The clock that the composition roots pass in."""
    return datetime.now(UTC)


def open_log(
    url: str,
    *,
    clock: Callable[[], datetime] = utc_now,
    holder: str = "sandtrail",
    limits: Limits | None = None,
) -> AuditLog:
    """Open the log at a URL such as `duckdb:///data/log.duckdb`; made if it does not exist.

    `holder` is what others are told of this process while it holds the log. Raises
    `SettingsError`, `LogLockedError`, `SchemaTooNewError` or `StoreUnavailableError`.
    """
    return AuditLog(dialects.parse_url(url), clock=clock, holder=holder, limits=limits or Limits())
