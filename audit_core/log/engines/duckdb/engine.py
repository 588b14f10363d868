"""DuckDB: the embedded log, one file that one process owns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from duckdb_sqlalchemy import insert_from_arrow
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    MetaData,
    Table,
    create_engine,
    event,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from audit_core.domain.access import Scope
from audit_core.domain.errors import SettingsError
from audit_core.log.engines.duckdb import numbering, rollups
from audit_core.log.engines.duckdb.arrow_view import arrow_view
from audit_core.log.engines.duckdb.id_filter import KnownIds
from audit_core.log.engines.duckdb.rewriting import write_anew
from audit_core.log.engines.engine import LogEngine, highest, make_missing
from audit_core.log.engines.postgresql.arrow_rows import driver_errors
from audit_core.log.erasing.erased_rows import PERSONAL
from audit_core.log.numbering import NO_HEAD, Head
from audit_core.log.retention import Expiry
from audit_core.log.rollups import COUNTED_REVISION
from audit_core.log.schema import (
    Statement,
    audit_entry,
    entries,
    organization_head,
    state_change,
    unfinished_entry,
)
from audit_core.runtime.database_faults import Fault, fault_in_words

LOCKED_DOWN = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
}
"""Without these, SQL could read and write any file and read Python's variables."""


SETTINGS = (
    "SET GLOBAL TimeZone='UTC'",
    # The progress bar would write to standard output, which belongs to the command line.
    "SET enable_progress_bar=false",
    "SET lock_configuration=true",
)
"""The last one forbids to change any."""


class DuckDB(LogEngine):
    """DuckDB. Raises `SettingsError` for a URL without a file: memory would forget what it
    acknowledged."""

    shared = False
    keeps_counts = True

    def __init__(self, url: URL) -> None:
        super().__init__(url)
        if not url.database or url.database.startswith(":memory:"):
            raise SettingsError(
                "The log's URL names no file.",
                "Set SANDTRAIL_LOG_URL like duckdb:///data/log.duckdb.",
            )
        self.file = Path(url.database)
        self._ids = KnownIds()
        self._setting_up = Lock()

    def create_engine(self, *, memory_limit_mb: int) -> Engine:
        """All connections share one database."""
        engine = create_engine(
            self.url,
            connect_args={"config": {**LOCKED_DOWN, "memory_limit": f"{memory_limit_mb}MB"}},
            pool_size=8,
            max_overflow=24,
            pool_timeout=10,
        )
        event.listen(engine, "connect", self._set_up)
        engine.connect().close()
        return engine

    def _set_up(self, driver: Any, record: object) -> None:
        """Settings of the whole database, made by the first connection to it.

        Not only once in this process: DuckDB lets go of the database with the last connection,
        and opens it anew, without them, for the next one.
        """
        with self._setting_up:
            ((locked,),) = driver.execute("SELECT current_setting('lock_configuration')").fetchall()
            if not locked:
                for statement in SETTINGS:
                    driver.execute(statement)

    @contextmanager
    def reading(
        self, connection: Connection, scope: Scope | None, *, timeout_s: float
    ) -> Iterator[None]:
        """DuckDB has no time limit of its own: it is interrupted."""
        yield

    def interrupter(self, connection: Connection) -> Callable[[], None]:
        """DuckDB forgets an interrupt when its next statement begins."""
        driver: Any = connection.connection.driver_connection
        interrupt: Callable[[], None] = driver.interrupt
        return interrupt

    def fetch(self, connection: Connection, statement: Statement) -> pa.Table:
        """Without a Python object per cell."""
        values = {}
        if statement.get_execution_options().get(COUNTED_REVISION.key):
            # In the transaction of the statement itself: both see the same moment.
            values[COUNTED_REVISION.key] = rollups.counted_revision(connection)
        # DuckDB goes on working while rows are taken.
        with driver_errors(connection):
            table: pa.Table = connection.execute(statement, values).cursor.to_arrow_table()
        return table

    def prepare(self, connection: Connection, *, now: datetime) -> None:
        """And the counts, also of a log that has none yet."""
        super().prepare(connection, now=now)
        # Without its key, which the engine would hold against rows that are replaced.
        columns = (Column(item.name, item.type, nullable=False) for item in organization_head.c)
        make_missing(connection, Table(organization_head.name, MetaData(), *columns))
        newest = connection.execute(select(func.max(audit_entry.c.revision))).scalar()
        rollups.make_counts(connection, newest or 0)

    def begin_numbering(self, connection: Connection) -> None:
        """See `duckdb.numbering`."""
        numbering.begin(connection)

    def number_some(self, connection: Connection) -> bool:
        """See `duckdb.numbering`."""
        return numbering.number_some(connection)

    def heads(self, connection: Connection) -> dict[str, Head]:
        """Of the entries, and of those that were dropped."""
        heads = highest(connection, entries)
        for organization, head in highest(connection, organization_head).items():
            heads[organization] = head.joined(heads.get(organization, NO_HEAD))
        return heads

    def numbers(self, connection: Connection, *, after: int, now: datetime) -> Iterator[int]:
        """Above what is counted, too: entries with the highest numbers may be dropped by now."""
        return count(max(after, rollups.counted_revision(connection)) + 1)

    def keep_counts(
        self, connection: Connection, newest: int, replicated: pa.Table | None = None
    ) -> None:
        """See `counts`."""
        if replicated is not None:
            rollups.backfill(connection, replicated)
        rollups.add_counts(connection, newest)

    def drop_expired(self, connection: Connection, expiry: Expiry) -> None:
        """Counts too: a month begins with an hour."""
        expired = [
            select(at).where(expiry.expired(at, organization_id)).limit(1)
            for at, organization_id in (
                (entries.c.created_at, entries.c.organization_id),
                (state_change.c.changed_at, state_change.c.organization_id),
            )
        ]
        if not any(connection.execute(statement).first() for statement in expired):
            return
        self.raise_heads(connection, self.heads(connection))
        super().drop_expired(connection, expiry)
        rollups.drop_counts(connection, expiry)

    def existing(self, connection: Connection, arriving: pa.Table) -> pa.Table:
        """See `id_filter`."""
        return self._ids.find(connection, arriving)

    def insert(self, connection: Connection, table: Table, rows: pa.Table) -> None:
        """By way of Arrow."""
        if rows.num_rows:
            self._ids.note(connection, rows)
            insert_from_arrow(connection, table, rows)

    def replace_values(self, connection: Connection, before: pa.Table, after: pa.Table) -> None:
        """And the counts of the hours in which they were made."""
        times = pc.min_max(after.column("created_at")).as_py()
        since, until = (times[end].replace(tzinfo=UTC) for end in ("min", "max"))
        with arrow_view(connection, after.select(["seq", *PERSONAL])) as changed:
            # As a subquery: the engine then joins what is to be written, and no more.
            new = select(changed).subquery("new")
            for table in (audit_entry, unfinished_entry):
                connection.execute(
                    update(table)
                    .where(table.c.seq == new.c.seq, table.c.created_at.between(since, until))
                    .values({name: new.c[name] for name in PERSONAL})
                )
        rollups.count_anew(connection, after)

    def write_file_anew(self, *, memory_limit_mb: int, now: datetime) -> None:
        """See `rewriting`."""
        assert self.file is not None  # noqa: S101 - it has one
        write_anew(self.file, memory_limit_mb=memory_limit_mb, now=now)

    def insert_changes(self, connection: Connection, rows: pa.Table) -> None:
        """By way of Arrow."""
        insert_from_arrow(connection, state_change, rows)

    def change_heads(self, connection: Connection) -> dict[str, datetime]:
        """Of the changes themselves: asked once, when the first reader comes."""
        column = state_change.c
        newest = func.max(column.received_at).label("newest")
        rows = connection.execute(
            select(column.organization_id, newest).group_by(column.organization_id)
        )
        return {row.organization_id: row.newest.replace(tzinfo=UTC) for row in rows}

    def keep_heads(self, connection: Connection, heads: Mapping[str, Head]) -> None:
        """There is no other process."""

    def raise_heads(self, connection: Connection, heads: Mapping[str, Head]) -> None:
        """Reads take the highest of all rows of an organization."""
        rows = [head.as_row(organization) for organization, head in heads.items()]
        if rows:
            connection.execute(insert(organization_head), rows)

    def fault(self, error: DBAPIError) -> Fault:
        """By the driver's classes, and by its words where many things share a class."""
        if isinstance(error.orig, duckdb.InterruptException):
            return Fault.STOPPED
        if isinstance(error.orig, duckdb.FatalException):
            return Fault.INVALIDATED
        if isinstance(error.orig, duckdb.OutOfMemoryException):
            return Fault.NO_MEMORY
        # The path is part of many messages, and may hold any of the words.
        words = str(error.orig).replace(str(self.file), "").lower()
        return next(
            (fault for part, fault in _FAULTS if part in words),
            fault_in_words(words),
        )


_FAULTS = (
    # Not just "lock": the texts about damaged blocks hold that too.
    ("could not set lock on file", Fault.HELD_ELSEWHERE),
    ("not a valid duckdb database file", Fault.OTHER_KIND),
    # A file of SQLite, or of another kind that DuckDB would load an extension for.
    ("loading external extensions is disabled", Fault.OTHER_KIND),
    ("read a database file with version number", Fault.TOO_NEW),
    ("could not read enough bytes", Fault.CUT_SHORT),
    ("corrupt", Fault.DAMAGED),
    ("checksum", Fault.DAMAGED),
    ("failed to deserialize", Fault.DAMAGED),
    ("no such file or directory", Fault.NO_FOLDER),
    ("not a directory", Fault.NO_FOLDER),
)
"""Parts of DuckDB's messages, lower case, in the order in which they count."""
