"""What is told of writes before the log forgets them: an entry that is replaced by its finished
version, or what has become too old to be kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import pyarrow as pa
from sqlalchemy import Connection

from audit_core.log.engines.engine import LogEngine
from audit_core.log.schema import Statement


class WriteKeeper(Protocol):
    """Keeps of writes, outside the log, what must outlive them. What it is told of may still stay
    in the log after all, if the commit fails that was to follow."""

    def replacing(self, rows: pa.Table) -> None:
        """These rows, of the shape `schema.ARROW` and of several organizations, are about to be
        replaced. Returns once what is needed of them is kept. Raises `AuditError`."""

    def dropping(self, earliest: datetime, fetch: Callable[[Statement], pa.Table]) -> None:
        """All entries made before `earliest` are about to be dropped; `fetch` reads the log as it
        is before. Returns once what is needed of them is kept. Raises `AuditError`."""


def drop_expired(
    log_engine: LogEngine,
    connection: Connection,
    earliest: datetime,
    keeper: WriteKeeper | None,
) -> None:
    """Drop what was made before `earliest`, and tell the keeper first."""
    if keeper is not None and log_engine.has_expired(connection, earliest):
        keeper.dropping(earliest, lambda statement: log_engine.fetch(connection, statement))
    log_engine.drop_before(connection, earliest)
