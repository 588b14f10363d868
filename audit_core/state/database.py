"""The state database, opened: SQLite with a write-ahead log, or PostgreSQL."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, Table, create_engine, event, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry

from audit_core.domain.errors import (
    AuditError,
    SchemaTooNewError,
    SettingsError,
    StoreUnavailableError,
)
from audit_core.runtime.database_faults import (
    REPORTER,
    Fault,
    described_error,
    fault_of_postgresql,
    fault_of_system,
    state_named,
)
from audit_core.state.tables import health_check

BUSY_TIMEOUT_S = 15
"""How long a writer waits for the one before it."""

_NAMING_PEOPLE = (
    *("actor_key", "rejection", "export"),
    *("finding", "alert", "alert_event", "notification", "own_rule", "rule_mute"),
)
"""Tables whose rows hold values of entries: what erasing takes out of them must not be left behind
in the server's files."""

_MIGRATIONS = Path(__file__).with_name("migrations")
_LOCKS = {"state": 7_220_714_113, "access record": 7_220_714_114, "tree": 7_220_714_115}
"""Any numbers that nothing else in the same PostgreSQL database locks."""


class State:
    """The state, opened. Safe to use from many threads; made by `open_state`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writing_engine = engine.execution_options(sandtrail_writes=True)
        self.before_close: list[Callable[[], None]] = []
        """Called once, in turn, before the database is let go of."""

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A write transaction: committed at the end, undone by an exception.

        On SQLite it waits here for other writers, so what is read in it stays true until its
        commit. Raises `StoreUnavailableError`.
        """
        with self._translating(), self._writing_engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read transaction that waits for no writer; a write in it fails.

        Raises `StoreUnavailableError`.
        """
        with self._translating(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A read transaction in which all reads see one moment. Raises
        `StoreUnavailableError`."""
        engine = self.engine
        if engine.dialect.name == "postgresql":
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        with self._translating(), engine.connect() as connection:
            yield connection

    def merge_write_ahead_log(self) -> None:
        """Let an SQLite file hold all by itself, so that it may be copied once it is closed."""
        with closing(self.engine.raw_connection()) as connection:
            connection.cursor().execute("PRAGMA journal_mode = DELETE").close()

    def write_anew(self) -> bool:
        """Write anew what holds bytes of deleted rows: `True` once none is left. A server's own
        write-ahead log is beyond this program. Raises `StoreUnavailableError`."""
        with self._translating():
            if self.engine.dialect.name == "postgresql":
                return _vacuum_server(self.engine)
            return _vacuum_file(self.engine)

    def ping(self) -> None:
        """Raises `StoreUnavailableError` unless the database answers."""
        with self.read() as connection:
            connection.execute(select(1))

    def check(self, now: datetime) -> None:
        """Raises `StoreUnavailableError` unless the database takes writes: makes one."""
        with self.begin() as connection:
            if not connection.execute(update(health_check).values(checked_at=now)).rowcount:
                connection.execute(insert(health_check).values(id=1, checked_at=now))

    def close(self) -> None:
        """Let go of the database. Calling it twice is harmless."""
        while self.before_close:
            self.before_close.pop(0)()
        self.engine.dispose()

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeoutError as error:
            raise StoreUnavailableError(
                "Too many uses of the state database are under way.", "Try again in a moment."
            ) from error
        except DBAPIError as error:
            raise _translated(error, self.engine.url) from error


def open_state(url: str) -> State:
    """Open the state database, creating it (mode 0600) and its tables when missing.

    Brings an older database up to date. Raises `SettingsError` for an address that cannot be
    used, `SchemaTooNewError` for a database of a newer program, else `StoreUnavailableError`.
    """
    parsed = _parse(url)
    if _is_sqlite(parsed):
        _prepare_file(Path(parsed.database or ""))
    state = State(_create_engine(parsed))
    try:
        with state._translating():
            if _is_sqlite(parsed):
                _use_write_ahead_log(state.engine)
        with state.begin() as connection:
            _migrate(connection, _name_of(parsed))
    except BaseException:
        state.close()
        raise
    return state


def insert_into(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that can say what becomes of rows that are there already (`on_conflict_…`)."""
    on_postgresql = connection.dialect.name == "postgresql"
    return postgresql.insert(table) if on_postgresql else sqlite.insert(table)


def take_turns(
    connection: Connection, *, of: Literal["state", "access record", "tree"] = "state"
) -> None:
    """Wait until no other transaction that called this for the same thing is under way.

    For what reads first and writes by what it read. On SQLite each write transaction is
    alone anyway, so this does nothing there. A transaction that takes both turns takes that of
    the access record last.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCKS[of]})


def _parse(url: str) -> URL:
    hint = (
        "Set SANDTRAIL_STATE_URL to an address like sqlite:///data/state.sqlite, or like "
        "postgresql+psycopg://USER:PASSWORD@HOST/NAME."
    )
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise SettingsError("SANDTRAIL_STATE_URL is no database address.", hint) from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise SettingsError(
            f"SANDTRAIL_STATE_URL names the engine {parsed.get_backend_name()}, "
            "which cannot hold the state.",
            hint,
        )
    if _is_sqlite(parsed) and parsed.database in (None, "", ":memory:"):
        raise SettingsError("SANDTRAIL_STATE_URL names no file.", hint)
    return parsed


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _prepare_file(path: Path) -> None:
    """Create the folder, and an empty file that only its owner can read."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        # SQLite gives its -wal and -shm files the mode of this one. Only a file that did not
        # exist is opened here: closing another handle would drop SQLite's locks on it.
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as error:
        REPORTER.report(str(path), error)
        raise described_error(fault_of_system(error), state_named(path.name)) from error


def _create_engine(url: URL) -> Engine:
    sqlite = _is_sqlite(url)
    try:
        engine = create_engine(
            url,
            pool_size=8,
            max_overflow=24,
            pool_timeout=BUSY_TIMEOUT_S,
            pool_pre_ping=not sqlite,
            hide_parameters=True,
            connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False} if sqlite else {},
        )
    except (ImportError, NoSuchModuleError) as error:
        raise SettingsError(
            f"The driver for {url.drivername} is not installed.",
            "Install it into .venv (for PostgreSQL: pip install 'psycopg[binary]').",
        ) from error
    if sqlite:
        event.listen(engine, "connect", _prepare_connection)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare_connection(driver_connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    # The driver's own BEGIN would be deferred, and would come after the first read.
    driver_connection.isolation_level = None
    cursor = driver_connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    # FULL: what was committed survives a power cut.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("sandtrail_writes", False)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
        # A transaction that reads first and writes later could not wait for its turn.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
    elif not writes:
        connection.exec_driver_sql("SET TRANSACTION READ ONLY")


def _use_write_ahead_log(engine: Engine) -> None:
    """Readers then never wait for a writer, nor a writer for readers. It stays in the file."""
    attempts = BUSY_TIMEOUT_S * 20
    for attempt in range(attempts):
        try:
            with closing(engine.raw_connection()) as driver_connection:
                driver_connection.cursor().execute("PRAGMA journal_mode = WAL").close()
            return
        except sqlite3.Error as error:
            # This statement does not heed the time-out; another process may be doing the same.
            if not _is_busy(error) or attempt == attempts - 1:
                raise DBAPIError("", None, error) from error
        time.sleep(0.05)


def _vacuum_file(engine: Engine) -> bool:
    with closing(engine.raw_connection()) as driver_connection:
        cursor = driver_connection.cursor()
        try:
            cursor.execute("PRAGMA query_only = OFF")
            cursor.execute("VACUUM")
            for _ in range(20):
                # Also what stands beside the file: while somebody reads it is not let go of.
                (busy, *_) = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                if not busy:
                    return True
                time.sleep(0.1)
            return False
        except sqlite3.Error as error:
            raise DBAPIError("", None, error) from error
        finally:
            cursor.close()


def _vacuum_server(engine: Engine) -> bool:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("SET lock_timeout = '10s'")
        try:
            for table in _NAMING_PEOPLE:
                connection.exec_driver_sql(f"VACUUM FULL {table}")
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != "55P03":
                raise
            return False
        finally:
            connection.exec_driver_sql("RESET lock_timeout")
    return True


def _migrate(connection: Connection, name: str) -> None:
    take_turns(connection)
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    script = ScriptDirectory.from_config(config)
    known = {revision.revision for revision in script.walk_revisions()}
    found = MigrationContext.configure(connection).get_current_revision()
    if found is not None and found not in known:
        raise SchemaTooNewError(
            f"The state database {name} has schema revision {found}; "
            f"this program knows revisions up to {script.get_current_head()}.",
            "Upgrade the program to the version that wrote it, or set SANDTRAIL_STATE_URL.",
        )
    if found != script.get_current_head():
        command.upgrade(config, "head")


def _is_busy(error: BaseException | None) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _name_of(url: URL) -> str:
    """How the state is called in messages: never with a credential or a folder."""
    if _is_sqlite(url):
        return Path(url.database or "").name
    return f"{url.database} on {url.host or 'this machine'}"


def _translated(error: DBAPIError, url: URL) -> AuditError:
    name, original = _name_of(url), error.orig or error
    if _is_sqlite(url):
        where, fault = url.database or "", _sqlite_fault(original, Path(url.database or ""))
    else:
        where = url.render_as_string(hide_password=True)
        fault = fault_of_postgresql(getattr(original, "sqlstate", None), str(original))
        if fault is Fault.OTHER and isinstance(error, OperationalError):
            fault = Fault.NO_ANSWER
    REPORTER.report(where, original, password=url.password)
    if fault is Fault.HELD_ELSEWHERE:
        return StoreUnavailableError(
            f"The state database {name} was being written for more than {BUSY_TIMEOUT_S} seconds.",
            "Try again; if it stays so, find the other process that uses the file.",
        )
    return described_error(fault, state_named(name))


def _sqlite_fault(error: BaseException, file: Path) -> Fault:
    """By SQLite's code, and where that leaves several things open, by what is there."""
    if _is_busy(error):
        return Fault.HELD_ELSEWHERE
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    known = _SQLITE_FAULTS.get(code, Fault.OTHER)
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY):
        try:
            free = shutil.disk_usage(file.parent).free
            if os.statvfs(file.parent).f_flag & os.ST_RDONLY:
                return Fault.READ_ONLY
        except OSError as problem:
            return fault_of_system(problem)
        if free < _LEAST_FREE:
            return Fault.FULL
        effective = os.access in os.supports_effective_ids
        allowed = all(
            os.access(path, os.R_OK | os.W_OK, effective_ids=effective)
            for path in (file.parent, file)
        )
        return known if allowed else Fault.FORBIDDEN
    return known


_LEAST_FREE = 2**16
"""Bytes that SQLite needs for the file that readers share."""

_SQLITE_FAULTS = {
    sqlite3.SQLITE_NOTADB: Fault.OTHER_KIND,
    sqlite3.SQLITE_CORRUPT: Fault.DAMAGED,
    sqlite3.SQLITE_FULL: Fault.FULL,
    sqlite3.SQLITE_PERM: Fault.FORBIDDEN,
    sqlite3.SQLITE_READONLY: Fault.READ_ONLY,
    sqlite3.SQLITE_IOERR: Fault.BROKEN_DISK,
    sqlite3.SQLITE_NOMEM: Fault.NO_MEMORY,
}
"""By SQLite's primary codes."""
