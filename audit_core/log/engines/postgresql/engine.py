"""PostgreSQL: a log on a server, shared by several processes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import (
    Connection,
    Engine,
    Select,
    Table,
    Text,
    create_engine,
    event,
    func,
    insert,
    literal,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, OperationalError

from audit_core.domain.access import Scope
from audit_core.domain.errors import SettingsError
from audit_core.log.engines.engine import LogEngine, found_rows
from audit_core.log.engines.postgresql import numbering
from audit_core.log.engines.postgresql.addresses import add_addresses, drop_addresses
from audit_core.log.engines.postgresql.arrow_rows import as_arrow, copy_rows, driver_errors
from audit_core.log.engines.postgresql.partitions import (
    drop_months,
    has_expired,
    is_made,
    make_arriving,
    make_months,
    make_tables,
)
from audit_core.log.engines.postgresql.rewriting import replace_values, write_anew
from audit_core.log.engines.postgresql.row_security import local, reading_role, seen
from audit_core.log.engines.postgresql.session_settings import PREFERRED, REQUIRED, THROUGH_MOST
from audit_core.log.engines.postgresql.state_changes import insert_changes
from audit_core.log.numbering import HEAD_NUMBERS, Head
from audit_core.log.retention import Expiry
from audit_core.log.schema import (
    FOUND,
    KEY,
    READS_MOST,
    VERSION,
    Statement,
    audit_entry,
    organization_head,
    unfinished_entry,
)
from audit_core.runtime.database_faults import Fault, fault_of_postgresql

OLDEST = 17
"""The first version with the collation of `functions.ContainsFolded`."""

NONCHARACTER = "\uffff"
"""A code point that Unicode promises never to make a character."""

_TURN = 7_220_714_114
"""Any number that nothing else in the same database locks."""

_NOW = "sandtrail_now"
"""Where a connection keeps the time of the append that it is in."""

_INTERRUPTED = "sandtrail_interrupted"
"""Whether a request to cancel was sent for a connection."""

_CANCEL_S = 2.0
"""How long the server may take to answer such a request, in seconds."""


class PostgreSQL(LogEngine):
    """PostgreSQL 17 or newer, by the driver psycopg."""

    keeps_addresses = True
    keeps_heads = True

    def __init__(self, url: URL) -> None:
        super().__init__(url.set(drivername="postgresql+psycopg"))
        self._reader: str | None = None

    def create_engine(self, *, memory_limit_mb: int) -> Engine:
        """Connects once, to see whether the server has what is needed."""
        try:
            engine = create_engine(
                self.url,
                connect_args=self._connect_args(),
                pool_size=8,
                max_overflow=24,
                pool_timeout=10,
                pool_pre_ping=True,
                hide_parameters=True,
            )
        except (ImportError, NoSuchModuleError) as error:
            raise SettingsError(
                "The driver for PostgreSQL is not installed.",
                "Install it into .venv: pip install 'psycopg[binary]'.",
            ) from error
        event.listen(engine, "before_cursor_execute", _without_nul, retval=True)
        try:
            with engine.connect() as connection:
                _require_fit(connection)
        except BaseException:
            engine.dispose()
            raise
        return engine

    def _connect_args(self) -> dict[str, Any]:
        options = self.url.query
        preferred, required = (
            " ".join(f"-c {name}={value}" for name, value in settings.items())
            for settings in (PREFERRED, REQUIRED)
        )
        defaults = {"connect_timeout": 10, "application_name": "sandtrail"}
        return {
            **{name: value for name, value in defaults.items() if name not in options},
            "options": f"{preferred} {options.get('options', '')} {required}",
            # Without it, texts of a database of another encoding come as bytes.
            "client_encoding": "utf8",
            # A plan that does not know the values knows neither months nor organization.
            "prepare_threshold": None,
        }

    def prepare_schema(self, connection: Connection) -> int | None:
        """Alone if there is something to make: another process may open the same new log. Else
        without a turn, for which a writer of many entries would make it wait."""
        if is_made(connection):
            return VERSION
        _take_turn(connection)
        with _allowed():
            return super().prepare_schema(connection)

    def prepare(self, connection: Connection, *, now: datetime) -> None:
        """Its own layout: see `months` and `wall`."""
        with _allowed():
            make_tables(connection)
            self._reader = reading_role(connection)

    @contextmanager
    def reading(
        self, connection: Connection, scope: Scope | None, *, timeout_s: float
    ) -> Iterator[None]:
        """All is set in one round trip, for the one transaction that is undone at the end."""
        timeout_ms = min(max(int(timeout_s * 1000), 1), 2**31 - 1)
        settings = [
            local("statement_timeout", str(timeout_ms)),
            local("transaction_read_only", "on"),
            *seen(scope),
        ]
        if self._reader is not None:
            settings.append(local("role", self._reader))
        connection.execute(select(*settings))
        # A connection that was cut off has none any more.
        info = connection.info
        try:
            yield
        finally:
            if info.pop(_INTERRUPTED, False) and not connection.invalidated:
                connection.invalidate()

    def interrupter(self, connection: Connection) -> Callable[[], None]:
        """By a request of its own to the server, which may come late: the connection is not
        used again."""
        driver: Any = connection.connection.driver_connection

        def interrupt() -> None:
            connection.info[_INTERRUPTED] = True
            driver.cancel_safe(timeout=_CANCEL_S)

        return interrupt

    def fetch(self, connection: Connection, statement: Statement) -> pa.Table:
        """Past SQLAlchemy's work on each cell."""
        if READS_MOST.items() <= statement.get_execution_options().items():
            connection.execute(select(*(local(*one) for one in THROUGH_MOST.items())))
        with driver_errors(connection):
            return as_arrow(connection.execute(statement).cursor)

    def begin_numbering(self, connection: Connection) -> None:
        """See `numbering`."""
        with _allowed():
            numbering.begin(connection)

    def number_some(self, connection: Connection) -> bool:
        """See `numbering`."""
        if not numbering.under_way(connection):
            return False
        _take_turn(connection)
        return numbering.number_some(connection)

    def own_heads(
        self, connection: Connection, organizations: Collection[str], known: Mapping[str, Head]
    ) -> dict[str, Head]:
        """As the table has them now: another process may have written meanwhile."""
        statement = select(organization_head).where(
            organization_head.c.organization_id.in_(organizations)
        )
        return {
            row.organization_id: Head(**{name: getattr(row, name) for name in HEAD_NUMBERS})
            for row in connection.execute(statement)
        }

    def numbers(self, connection: Connection, *, after: int, now: datetime) -> Iterator[int]:
        """Above what is committed: another process may have written since `after`."""
        _take_turn(connection)
        connection.info[_NOW] = now
        highest = connection.execute(select(func.max(organization_head.c.revision))).scalar()
        return count(max(after, highest or 0) + 1)

    def existing(self, connection: Connection, arriving: pa.Table) -> pa.Table:
        """By the ids alone: with the organization as well, the planner may take its index."""
        ids = list(set(arriving.column("id").to_pylist()))
        return found_rows(
            arriving,
            {
                (organization, id): (seq, number, created_at.replace(tzinfo=None), status)
                for table in (audit_entry, unfinished_entry)
                for organization, id, seq, number, created_at, status in connection.execute(
                    _with_ids(table, ids)
                )
            },
        )

    def insert(self, connection: Connection, table: Table, rows: pa.Table) -> None:
        """By COPY, which row-level security forbids on the table itself: by way of another."""
        if not rows.num_rows:
            return
        if table is audit_entry:
            months = pc.unique(pc.floor_temporal(rows.column("created_at"), unit="month"))
            make_months(connection, months.to_pylist(), connection.info[_NOW])
        arriving = make_arriving(connection, table)
        copy_rows(connection, arriving, rows)
        columns = [arriving.c[name] for name in rows.column_names]
        connection.execute(insert(table).from_select(rows.column_names, select(*columns)))
        add_addresses(connection, arriving.name)

    def replace_values(self, connection: Connection, before: pa.Table, after: pa.Table) -> None:
        """And the spellings of addresses that no entry has any more."""
        arriving = make_arriving(connection, audit_entry)
        copy_rows(connection, arriving, after)
        replace_values(connection, arriving, before)

    def write_anew(
        self, engine: Engine, months: Sequence[datetime], clock: Callable[[], datetime]
    ) -> None:
        """By `VACUUM FULL`."""
        write_anew(engine, months, clock)

    def keep_heads(self, connection: Connection, heads: Mapping[str, Head]) -> None:
        """In the table that `heads` reads."""
        if not heads:
            return
        statement = upsert(organization_head).values(
            [head.as_row(organization) for organization, head in heads.items()]
        )
        newest = {
            name: func.greatest(organization_head.c[name], statement.excluded[name])
            for name in HEAD_NUMBERS
        }
        key = organization_head.c.organization_id
        connection.execute(statement.on_conflict_do_update(index_elements=[key], set_=newest))

    def known_changes(self, connection: Connection, arriving: pa.Table) -> set[tuple[str, str]]:
        """The transaction must see every organization."""
        connection.execute(select(*seen(None)))
        return super().known_changes(connection, arriving)

    def insert_changes(self, connection: Connection, rows: pa.Table) -> None:
        """See `state_changes`."""
        insert_changes(connection, rows)

    def raise_heads(self, connection: Connection, heads: Mapping[str, Head]) -> None:
        """As `keep_heads`."""
        self.keep_heads(connection, heads)

    def has_expired(self, connection: Connection, expiry: Expiry) -> bool:
        """The turn is taken only if so: it may be long in coming."""
        connection.execute(select(*seen(None)))
        if not has_expired(connection, expiry):
            return False
        _take_turn(connection)
        return True

    def drop_expired(self, connection: Connection, expiry: Expiry) -> None:
        """Whole partitions; only those rows one by one that have no month of their own, or whose
        month another organization holds."""
        connection.execute(select(*seen(None)))
        if not has_expired(connection, expiry):
            return
        _take_turn(connection)
        drop_months(connection, expiry)
        super().drop_expired(connection, expiry)
        drop_addresses(connection)

    def fault(self, error: DBAPIError) -> Fault:
        """By the SQLSTATE; what comes without one comes from the connection."""
        state = getattr(error.orig, "sqlstate", None)
        found = fault_of_postgresql(state, str(error.orig))
        unanswered = state is None and isinstance(error, OperationalError)
        return Fault.NO_ANSWER if unanswered and found is Fault.OTHER else found


_FORBIDDEN = "42501"


def _take_turn(connection: Connection) -> None:
    """Wait until no other writer's transaction is under way; this one sees everything.

    Locks are always taken in this order: the turn first.
    """
    settings = [
        *seen(None),
        # Few keys against millions of rows: only the way by the index is ever right.
        *(local(f"enable_{way}", "off") for way in ("seqscan", "hashjoin", "mergejoin")),
    ]
    connection.execute(select(func.pg_advisory_xact_lock(literal(_TURN)), *settings))


def _with_ids(table: Table, ids: list[str]) -> Select[*tuple[Any, ...]]:
    unnested = func.unnest(literal(ids, ARRAY(Text))).table_valued("id")
    arriving = unnested.render_derived(name="arriving")
    columns = (table.c[name] for name in (*KEY, *FOUND.names[1:]))
    return select(*columns).join(arriving, table.c.id == arriving.c.id)


def _require_fit(connection: Connection) -> None:
    version = int((connection.dialect.server_version_info or (0,))[0])
    if version < OLDEST:
        raise SettingsError(
            f"The server of the log runs PostgreSQL {version}; {OLDEST} or newer is needed.",
            "Upgrade it, or name another server in SANDTRAIL_LOG_URL.",
        )
    encoding = connection.execute(text("SHOW server_encoding")).scalar()
    if encoding != "UTF8":
        raise SettingsError(
            f"The log's database has the encoding {encoding}; the log needs UTF8.",
            "Make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and name it in "
            "SANDTRAIL_LOG_URL.",
        )


def _without_nul(
    connection: Connection, cursor: object, statement: str, parameters: Any, *rest: object
) -> tuple[str, Any]:
    """PostgreSQL refuses NUL even in what is searched for. No text holds it, nor the noncharacter
    that is searched for instead."""
    if isinstance(parameters, dict):
        parameters = {
            name: value.replace("\0", NONCHARACTER) if isinstance(value, str) else value
            for name, value in parameters.items()
        }
    return statement, parameters


@contextmanager
def _allowed() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _FORBIDDEN:
            raise
        raise SettingsError(
            "The role in the log's URL (SANDTRAIL_LOG_URL) may not make or change the log's tables "
            "in that database.",
            "Make it the owner of the database and of what is in it, or name another role.",
        ) from error
