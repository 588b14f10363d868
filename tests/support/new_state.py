"""A new state on a SQLite file: migrated once in a process, and copied from then on."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from audit_core.state.database import State, open_state


def new_state(file: Path) -> State:
    """The state in a file that does not exist yet; whoever calls this closes it."""
    file.write_bytes(_migrated())
    file.chmod(0o600)
    return open_state(f"sqlite:///{file}")


@cache
def _migrated() -> bytes:
    """The file of a state in which nothing has happened."""
    with TemporaryDirectory(prefix="sandtrail-state-") as folder:
        file = Path(folder) / "state.sqlite"
        state = open_state(f"sqlite:///{file}")
        state.merge_write_ahead_log()
        state.close()
        return file.read_bytes()
