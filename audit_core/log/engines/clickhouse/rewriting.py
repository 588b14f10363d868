"""Writing partitions anew: ClickHouse keeps each version of a row until its part is merged, and the
parts before the merge for some minutes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from clickhouse_connect.driver.binding import format_str
from sqlalchemy import Connection, Engine

from audit_core.log.engines.clickhouse.tables import (
    FIRST_YEAR,
    LAST_YEAR,
    OTHER,
    local,
    on,
)
from audit_core.log.engines.erased_parts import note_parts
from audit_core.log.schema import audit_entry

WAIT_S = 20.0
"""How long it is waited for the parts before a merge to go."""

LOOK_EVERY_S = 0.5

LIFETIME = "old_parts_lifetime"
"""How long, in seconds, the parts before a merge stay: for servers that do not sync the new one."""


def write_anew(
    engine: Engine,
    months: Sequence[datetime],
    clock: Callable[[], datetime],
    cluster: str | None,
) -> None:
    """See `LogEngine.write_anew`."""
    name = local(audit_entry.name, cluster)
    with engine.connect() as connection:
        _run(connection, f"ALTER TABLE {name}{on(cluster)} MODIFY SETTING {LIFETIME} = 1")
        try:
            done = _merged(connection, months, name, cluster)
        finally:
            _run(connection, f"ALTER TABLE {name}{on(cluster)} RESET SETTING {LIFETIME}")
    with engine.connect() as connection:
        note_parts(connection, done, rewritten=True, now=clock())


def partitions_of(month: datetime) -> list[int]:
    """The partitions that may hold entries of a month (its beginning, aware)."""
    if not FIRST_YEAR <= month.year <= LAST_YEAR:
        return [OTHER]
    return [(month.year * 100 + month.month) * 10 + quarter for quarter in range(4)]


def _merged(
    connection: Connection, months: Sequence[datetime], name: str, cluster: str | None
) -> list[datetime]:
    """Those months of which nothing old is left."""
    for month in months:
        for partition in partitions_of(month):
            if _count(connection, name, cluster, partition, "active"):
                _run(
                    connection,
                    f"OPTIMIZE TABLE {name}{on(cluster)} PARTITION {partition} FINAL "
                    "SETTINGS optimize_throw_if_noop = 1, optimize_skip_merged_partitions = 1, "
                    "alter_sync = 2",
                )
    merged_at = int(_run(connection, "SELECT toUnixTimestamp(now())").scalar())
    before = f"NOT active AND modification_time <= fromUnixTimestamp({merged_at})"
    ends_at = time.monotonic() + WAIT_S
    waiting = list(months)
    while waiting and time.monotonic() < ends_at:
        waiting = [
            month
            for month in waiting
            if any(
                _count(connection, name, cluster, partition, before)
                for partition in partitions_of(month)
            )
        ]
        if waiting:
            time.sleep(LOOK_EVERY_S)
    return [month for month in months if month not in waiting]


def _count(
    connection: Connection, name: str, cluster: str | None, partition: int, condition: str
) -> int:
    """How many parts of a partition fulfil a condition, on all nodes."""
    parts = (
        f"clusterAllReplicas({format_str(cluster)}, system.parts)" if cluster else "system.parts"
    )
    return int(
        _run(
            connection,
            f"SELECT count() FROM {parts} WHERE database = currentDatabase() "  # noqa: S608 - ours
            f"AND table = {format_str(name)} AND partition = '{partition}' AND {condition}",
        ).scalar()
    )


def _run(connection: Connection, statement: str) -> Any:
    return connection.exec_driver_sql(statement.replace("%", "%%"))
