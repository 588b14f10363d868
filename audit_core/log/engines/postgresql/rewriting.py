"""Other values for entries, and writing partitions anew: PostgreSQL keeps the old version of a row
in its file until the place is used again."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, Engine, Table, update
from sqlalchemy.exc import DBAPIError

from audit_core.log.engines.erased_parts import note_parts
from audit_core.log.engines.postgresql.addresses import TABLE, drop_addresses
from audit_core.log.engines.postgresql.partitions import partition_of
from audit_core.log.erasing.erased_rows import PERSONAL
from audit_core.log.schema import audit_entry, unfinished_entry

LOGGER = logging.getLogger("sandtrail.log")

LOCK_WAIT = "10s"
"""How long a table is waited for. Who comes meanwhile waits behind, so it must not be for long: the
next call tries again."""

_NOT_NOW = ("55P03", "40P01")
"""A lock that was not to be had."""

_FORBIDDEN = "42501"

STATISTICS = "pg_statistic"
"""The planner's notes on columns hold their most common values."""


PLACE = ("organization_id", "created_at", "seq")
"""By which an entry is found in an index."""


def replace_values(connection: Connection, arriving: Table, before: pa.Table) -> None:
    """Give entries the values that they have in a table of this session; `before` is as they are.
    See `LogEngine.replace_values`."""
    times = pc.min_max(before.column("created_at")).as_py()
    since, until = (times[end].replace(tzinfo=UTC) for end in ("min", "max"))
    for table in (audit_entry, unfinished_entry):
        same = (table.c[name] == arriving.c[name] for name in PLACE)
        connection.execute(
            update(table)
            .where(*same, table.c.created_at.between(since, until))
            .values({name: arriving.c[name] for name in PERSONAL})
        )
    organization_id = before.column("organization_id")[0].as_py()
    spellings = pc.unique(before.column("actor_email")).to_pylist()
    drop_addresses(connection, organization_id, spellings)


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
