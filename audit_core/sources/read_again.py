"""After a log has lost something, or an older one was put back."""

from __future__ import annotations

from sqlalchemy import Connection, update

from audit_core.state.import_checkpoints import forget_imports
from audit_core.state.tables import source_progress


def read_all_again(connection: Connection) -> None:
    """Have every source, and every import of a database, be read from its beginning.

    A checkpoint says what was read, which is more than the log holds by now. What the log does
    hold is known, and stays as it is. Processes that read a source begin anew too.
    """
    connection.execute(
        update(source_progress).values(checkpoint=None, holder=None, held_until=None)
    )
    forget_imports(connection)
