"""A new state on a SQLite file: migrated once in a process, and copied from then on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine

from audit_core.state import database
from audit_core.state.database import State, open_state


def new_state(file: Path) -> State:
    """The state in a file that does not exist yet; whoever calls this closes it."""
    file.write_bytes(_migrated())
    file.chmod(0o600)
    return open_state(f"sqlite:///{file}")


@contextmanager
def older_state(file: Path, revision: str) -> Iterator[Connection]:
    """A new state as that revision left it, to be filled by what the program of then wrote."""
    engine = create_engine(f"sqlite:///{file}")
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).with_name("migrations")))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        yield connection
    engine.dispose()


@cache
def _migrated() -> bytes:
    """The file of a state in which nothing has happened."""
    with TemporaryDirectory(prefix="sandtrail-state-") as folder:
        file = Path(folder) / "state.sqlite"
        state = open_state(f"sqlite:///{file}")
        state.merge_write_ahead_log()
        state.close()
        return file.read_bytes()
