"""What happens to a log before anybody reads or writes it: its tables are made, and brought to
the version of this program."""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy import Connection, Engine

from audit_core.domain.errors import AuditError, SchemaTooNewError
from audit_core.log.engines.engine import LogEngine
from audit_core.log.retention import Holds
from audit_core.log.schema import VERSION
from audit_core.log.writes.forgetting import WriteKeeper, drop_expired

LOGGER = logging.getLogger("sandtrail.log")

NUMBERED_VERSION = 4
"""The first version of a log whose entries have numbers of their organization."""


def prepare(
    log_engine: LogEngine,
    engine: Engine,
    *,
    now: datetime,
    earliest: datetime | None,
    keeper: WriteKeeper | None,
    holds: Holds | None,
) -> None:
    """Make what is missing, and drop what was made before `earliest`; `None`: nothing. The keeper
    is told of it first.

    A log of a version below `NUMBERED_VERSION` is numbered, part by part: one that was killed
    meanwhile goes on with the next part. Raises `SchemaTooNewError`: a log of a newer program is
    left as it is.
    """
    with engine.begin() as connection:
        _make_tables(log_engine, connection, now)
    numbering = True
    while numbering:
        with engine.begin() as connection:
            numbering = log_engine.number_some(connection)
    if earliest is not None:
        with engine.begin() as connection:
            drop_expired(log_engine, connection, earliest, keeper, holds)


def write_file_anew(log_engine: LogEngine, memory_limit_mb: int, *, now: datetime) -> None:
    """Without what was erased; see `LogEngine.write_file_anew`. Where that is not possible now, it
    stays as it is, and the next start tries again."""
    try:
        log_engine.write_file_anew(memory_limit_mb=memory_limit_mb, now=now)
    except AuditError as error:
        LOGGER.warning("Erased bytes stay in the log's file: %s %s", error.message, error.hint)


def _make_tables(log_engine: LogEngine, connection: Connection, now: datetime) -> None:
    found = log_engine.prepare_schema(connection)
    if found is not None and found > VERSION:
        raise SchemaTooNewError(
            f"The log {log_engine.name} has schema version {found}; "
            f"this program knows versions up to {VERSION}.",
            "Use the newer program that wrote it.",
        )
    if found is not None and found < NUMBERED_VERSION:
        log_engine.begin_numbering(connection)
    log_engine.prepare(connection, now=now)
    if found is None or found < VERSION:
        log_engine.note_version(connection, now=now)
