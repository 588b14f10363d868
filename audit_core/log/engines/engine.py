"""What the store asks of an engine: one class for each, chosen by the log's URL."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, Engine, Table, delete, func, insert, select, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable
from sqlalchemy.sql.expression import FromClause

from audit_core.domain.access import Scope
from audit_core.log.numbering import HEAD_NUMBERS, NO_HEAD, Head
from audit_core.log.retention import Expiry
from audit_core.log.schema import (
    ARROW,
    FOUND,
    KEY,
    VERSION,
    Statement,
    audit_entry,
    entries,
    log_check,
    log_schema,
    metadata,
    organization_head,
    state_change,
    state_change_head,
    unfinished_entry,
)
from audit_core.runtime.database_faults import Database, Fault, log_named

SEQS_AT_ONCE = 1000
"""How many entries a statement names by their seq."""


def make_missing(connection: Connection, *tables: Table) -> None:
    """Make those of the tables whose names no table has. DuckDB would take longer to be asked for
    each than to make it."""
    for table in tables:
        connection.execute(CreateTable(table, if_not_exists=True))


class LogEngine(ABC):
    """One engine, at one URL. Runs statements only on connections that the store hands it."""

    shared = True
    """Whether several processes may have the log open at once."""

    keeps_addresses = False
    keeps_counts = False
    """Whether it keeps counts of entries by the hour, for reads that count many of them."""

    keeps_heads = False
    """Whether `schema.organization_head` has the heads at every moment, in the transaction of the
    entries that moved them."""

    file: Path | None = None
    """The file of an embedded log; `None` for an engine that runs elsewhere."""

    def __init__(self, url: URL) -> None:
        self.url = url

    @property
    def name(self) -> str:
        """How the log is called in messages: never with a credential or a folder."""
        if self.file is not None:
            return self.file.name
        return f"{self.url.database} on {self.url.host}" if self.url.host else "on this machine"

    @abstractmethod
    def create_engine(self, *, memory_limit_mb: int) -> Engine:
        """An engine whose connections are locked down and in UTC.

        Raises `SettingsError` if the driver is missing, or the server lacks what is needed.
        """

    def prepare_schema(self, connection: Connection) -> int | None:
        """Make the table that tells the log's version; the version found, `None` for a new log."""
        make_missing(connection, log_schema)
        found: int | None = connection.execute(select(func.max(log_schema.c.version))).scalar()
        return found

    def note_version(self, connection: Connection, *, now: datetime) -> None:
        """Say that the tables are of the version of this program."""
        connection.execute(log_schema.insert().values(version=VERSION, applied_at=now))

    def prepare(self, connection: Connection, *, now: datetime) -> None:
        """Make every table that is missing."""
        make_missing(connection, *metadata.sorted_tables)

    @abstractmethod
    def reading(
        self, connection: Connection, scope: Scope | None, *, timeout_s: float
    ) -> AbstractContextManager[None]:
        """While it lasts, what runs on the connection is stopped after `timeout_s`, and sees, on
        an engine that has a wall of its own, no more than the scope; `None` is the program's own
        work, which may see everything."""

    @abstractmethod
    def interrupter(self, connection: Connection) -> Callable[[], None]:
        """What ends the statement that runs on the connection, with the error `STOPPED`.

        It is called from another thread while `reading` lasts, perhaps more than once, perhaps
        between two statements.
        """

    @abstractmethod
    def fetch(self, connection: Connection, statement: Statement) -> pa.Table:
        """All rows of the statement. Times are UTC without a zone."""

    @property
    def where(self) -> str:
        """Where the log is, for the operator's terminal only: a path, or all but the password."""
        return str(self.file) if self.file else self.url.render_as_string(hide_password=True)

    @property
    def described(self) -> Database:
        """How the log is spoken of when something is wrong with it."""
        return log_named(self.name)

    @abstractmethod
    def fault(self, error: DBAPIError) -> Fault:
        """What the error means."""

    @abstractmethod
    def begin_numbering(self, connection: Connection) -> None:
        """Set out to number the entries of a log of a version below 4, which have no numbers of
        their organization yet: in the transaction that makes it version 4."""

    @abstractmethod
    def number_some(self, connection: Connection) -> bool:
        """Number some of the entries that `begin_numbering` set out to number, by the order of
        their arrival; `False` if all are. Killed between two calls, it goes on where it was."""

    def heads(self, connection: Connection) -> dict[str, Head]:
        """The highest numbers of each organization, by its id ('' for none)."""
        return highest(connection, organization_head)

    def own_heads(
        self, connection: Connection, organizations: Collection[str], known: Mapping[str, Head]
    ) -> dict[str, Head]:
        """The highest numbers of some organizations ('' for none), as of the turn that `numbers`
        gave this transaction. `known` is what this process knows."""
        return {organization: known.get(organization, NO_HEAD) for organization in organizations}

    def numbers(self, connection: Connection, *, after: int, now: datetime) -> Iterator[int]:
        """Numbers for this append, increasing, above `after` and above all that are committed.

        Where several processes write, the connection's transaction has its turn from here on:
        who gets lower numbers commits first.
        """
        return count(after + 1)

    @abstractmethod
    def existing(self, connection: Connection, arriving: pa.Table) -> pa.Table:
        """What the log holds of the keys of entries of the shape `schema.ARRIVING`: a table of
        the shape `schema.FOUND`, in no order; rows of a key that is not stored are left out."""

    def stored_entries(
        self, connection: Connection, organization_id: str, since: datetime, until: datetime
    ) -> pa.Table:
        """What the log holds of an organization ('' for none), made from `since` to `until`, both
        inclusive: `id`, `seq`, `revision`, `created_at`, in no order."""
        column = entries.c
        statement = select(column.id, column.seq, column.revision, column.created_at).where(
            column.organization_id == organization_id,
            column.created_at >= since,
            column.created_at <= until,
        )
        return self.fetch(connection, statement)

    def unfinished(self, connection: Connection, found: pa.Table) -> pa.Table:
        """Unfinished entries, found as rows of the shape `schema.FOUND`: whole ones of the shape
        `schema.ARROW`, in no order."""
        times = pc.min_max(found.column("created_at")).as_py()
        since, until = (times[end].replace(tzinfo=UTC) for end in ("min", "max"))
        seqs = found.column("seq").to_pylist()
        parts = [
            self.fetch(
                connection,
                select(entries).where(
                    entries.c.created_at.between(since, until),
                    entries.c.seq.in_(seqs[start : start + SEQS_AT_ONCE]),
                ),
            )
            for start in range(0, len(seqs), SEQS_AT_ONCE)
        ]
        return pa.concat_tables([part.select(ARROW.names).cast(ARROW) for part in parts])

    @abstractmethod
    def insert(self, connection: Connection, table: Table, rows: pa.Table) -> None:
        """Add the rows to the table within the connection's transaction."""

    def forget_unfinished(self, connection: Connection, seqs: list[int]) -> None:
        """Take the entries with these seqs out of `unfinished_entry`: they are finished."""
        for start in range(0, len(seqs), SEQS_AT_ONCE):
            connection.execute(
                delete(unfinished_entry).where(
                    unfinished_entry.c.seq.in_(seqs[start : start + SEQS_AT_ONCE])
                )
            )

    def forget_retimed(  # noqa: B027 - most engines took them out with `forget_unfinished`
        self, connection: Connection, stored: pa.Table
    ) -> None:
        """Take out what is stored under another time by now: rows with at least `seq` and
        `created_at` as they were, whose entries were inserted with a finer time."""

    def known_changes(self, connection: Connection, arriving: pa.Table) -> set[tuple[str, str]]:
        """The organizations and ids of those state changes, of the shape `schema.STATE_CHANGES`,
        that are stored: sent again, a change has the same time."""
        times = pc.min_max(arriving.column("changed_at")).as_py()
        since, until = (times[end].replace(tzinfo=UTC) for end in ("min", "max"))
        organizations, ids = (sorted(set(arriving.column(name).to_pylist())) for name in KEY)
        column = state_change.c
        found: set[tuple[str, str]] = set()
        for start in range(0, len(ids), SEQS_AT_ONCE):
            statement = select(column.organization_id, column.id).where(
                column.organization_id.in_(organizations),
                column.changed_at.between(since, until),
                column.id.in_(ids[start : start + SEQS_AT_ONCE]),
            )
            found |= {(row.organization_id, row.id) for row in connection.execute(statement)}
        return found

    @abstractmethod
    def insert_changes(self, connection: Connection, rows: pa.Table) -> None:
        """Add state changes, of the shape `schema.STATE_CHANGES`, and tell other processes of them,
        where there are any. One that another process has just added does no harm."""

    def change_heads(self, connection: Connection) -> dict[str, datetime]:
        """When the newest state change of each organization was received."""
        head = state_change_head.c
        statement = select(head.organization_id, func.max(head.newest).label("newest"))
        rows = connection.execute(statement.group_by(head.organization_id))
        return {row.organization_id: row.newest.replace(tzinfo=UTC) for row in rows}

    @abstractmethod
    def keep_heads(self, connection: Connection, heads: Mapping[str, Head]) -> None:
        """Tell other processes the new heads, where there are any; the same transaction."""

    @abstractmethod
    def raise_heads(self, connection: Connection, heads: Mapping[str, Head]) -> None:
        """Keep heads for good, though the entries that have their numbers may not be here: they
        were dropped, or are of another log. Lower ones than are known do no harm."""

    def let_go(self, engine: Engine) -> None:  # noqa: B027 - most engines hold on to nothing
        """The log is being closed: nothing will be appended any more."""

    def keep_counts(  # noqa: B027 - most engines keep none
        self, connection: Connection, newest: int, replicated: pa.Table | None = None
    ) -> None:
        """Count what was just stored up to the revision `newest`, in the same transaction.

        `replicated` are finished entries, of the shape `schema.ARROW`, that were stored with
        revisions of their own.
        """

    @abstractmethod
    def replace_values(self, connection: Connection, before: pa.Table, after: pa.Table) -> None:
        """Give entries other values, and what is derived from them, within the connection's
        transaction: only by erasing a person.

        `before` and `after` are the same entries, of the shape `schema.ARROW`, as they are stored
        and as they shall be; numbers, times, organization and id stay. `numbers` was called."""

    def write_anew(  # noqa: B027 - what an embedded engine has open it cannot write anew
        self, engine: Engine, months: Sequence[datetime], clock: Callable[[], datetime]
    ) -> None:
        """Write anew, without holding up others for long, what holds entries of these months (their
        beginnings, aware), and note each that is through; the others are left for another time."""

    def write_file_anew(  # noqa: B027 - what runs elsewhere is written anew while it is open
        self, *, memory_limit_mb: int, now: datetime
    ) -> None:
        """Write an embedded log's file anew, which nobody has open: afterwards it holds no byte of
        what was erased or dropped, and says so. Killed at any point it leaves the old file or the
        new one. Raises `StorageFullError` where there is no room for both, else
        `StoreUnavailableError`: the old file stays."""

    def touch(self, connection: Connection, now: datetime) -> None:
        """Write something that nobody reads, to see whether the log takes writes."""
        if not connection.execute(update(log_check).values(checked_at=now)).rowcount:
            connection.execute(insert(log_check).values(checked_at=now))

    def has_expired(self, connection: Connection, expiry: Expiry) -> bool:
        """Whether there are entries that go. If so, the transaction sees every organization, and
        no other one appends until its end."""
        expired = expiry.expired(entries.c.created_at, entries.c.organization_id)
        statement = select(entries.c.created_at).where(expired).limit(1)
        return connection.execute(statement).first() is not None

    def drop_expired(self, connection: Connection, expiry: Expiry) -> None:
        """Drop what goes, and nothing else."""
        for table in (audit_entry, unfinished_entry):
            expired = expiry.expired(table.c.created_at, table.c.organization_id)
            connection.execute(delete(table).where(expired))
        column = state_change.c
        expired = expiry.expired(column.changed_at, column.organization_id)
        connection.execute(delete(state_change).where(expired))


def highest(connection: Connection, rows: FromClause) -> dict[str, Head]:
    """The highest numbers of each organization among rows that have them."""
    statement = select(
        rows.c.organization_id, *(func.max(rows.c[name]).label(name) for name in HEAD_NUMBERS)
    ).group_by(rows.c.organization_id)
    return {
        row.organization_id: Head(**{name: getattr(row, name) for name in HEAD_NUMBERS})
        for row in connection.execute(statement)
    }


def found_rows(
    arriving: pa.Table, existing: Mapping[tuple[str, str], Sequence[object]]
) -> pa.Table:
    """A table of the shape `schema.FOUND`: for each arriving row whose organization and id have
    an existing entry that entry, given as the columns of `FOUND` behind the row's index."""
    keys = zip(*(arriving.column(name).to_pylist() for name in KEY), strict=True)
    rows = [(row, *existing[key]) for row, key in enumerate(keys) if key in existing]
    columns = zip(*rows, strict=True) if rows else ((),) * len(FOUND)
    return pa.table(
        [pa.array(values, field.type) for values, field in zip(columns, FOUND, strict=True)],
        schema=FOUND,
    )
