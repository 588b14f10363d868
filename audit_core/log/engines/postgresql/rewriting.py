"""Writing partitions anew: PostgreSQL keeps the old version of a row in its file until the place is
used again."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from audit_core.log.engines.postgresql.addresses import TABLE
from audit_core.log.engines.postgresql.partitions import partition_of
from audit_core.log.erasing.parts import note_parts
from audit_core.log.schema import unfinished_entry

LOGGER = logging.getLogger("sandtrail.log")

LOCK_WAIT = "10s"
"""How long a table is waited for. Who comes meanwhile waits behind, so it must not be for long: the
next call tries again."""

_NOT_NOW = ("55P03", "40P01")
"""A lock that was not to be had."""

_FORBIDDEN = "42501"

STATISTICS = "pg_statistic"
"""The planner's notes on columns hold their most common values."""


def write_anew(engine: Engine, months: Sequence[datetime], clock: Callable[[], datetime]) -> None:
    """See `LogEngine.write_anew`."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"SET lock_timeout = '{LOCK_WAIT}'")
        try:
            if not all(_written_anew(connection, (unfinished_entry.name, TABLE))):
                return
            done = [
                month
                for month in months
                if all(_written_anew(connection, (partition_of(connection, month),)))
            ]
            _write_statistics(connection)
        finally:
            connection.exec_driver_sql("RESET lock_timeout")
    with engine.begin() as connection:
        note_parts(connection, done, rewritten=True, now=clock())


def _written_anew(connection: Connection, tables: Iterable[str]) -> Iterable[bool]:
    """For each table whether nothing old is left of it."""
    for table in tables:
        left = _vacuumed(connection, table)
        if left is None:
            LOGGER.info("The table %s is in use: it is written anew later.", table)
        elif left:
            LOGGER.info(
                "Transactions that run since before still see %d old rows of %s: it is written "
                "anew once more.",
                left,
                table,
            )
        yield left == 0


def _vacuumed(connection: Connection, table: str) -> int | None:
    """How many old rows had to stay, since older transactions may read them; `None`: the table was
    not to be had."""
    driver: Any = connection.connection.driver_connection
    kept: list[int] = []

    def heed(notice: Any) -> None:
        # Its words are in the language of the server; the first number is that of the old rows.
        found = re.search(r"\d+", notice.message_detail or "")
        if found:
            kept.append(int(found[0]))

    driver.add_notice_handler(heed)
    try:
        connection.exec_driver_sql(f"VACUUM (FULL, VERBOSE, ANALYZE) {table}")
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in _NOT_NOW:
            raise
        return None
    finally:
        driver.remove_notice_handler(heed)
    return kept[0] if kept else 0


def _write_statistics(connection: Connection) -> None:
    try:
        _vacuumed(connection, STATISTICS)
    except DBAPIError as error:
        # Only the owner of the database may.
        if getattr(error.orig, "sqlstate", None) != _FORBIDDEN:
            raise
