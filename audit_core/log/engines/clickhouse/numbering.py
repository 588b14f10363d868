"""Numbers of their organization for entries in ClickHouse that were stored without them, as DDL
and statements.

What is to stand in the entries is noted in a table of its own, with the partition of each; then
one partition after the other is written once more with its numbers, and forgotten. An entry that
is written once more takes the place of the one before, so what was killed meanwhile is done again
or goes on, and nothing is there twice.
"""

from __future__ import annotations

from audit_core.log.engines.clickhouse.tables import (
    HIGHEST,
    SETTLED,
    VIEW,
    everywhere,
    local,
    on,
    partition_key,
)
from audit_core.log.schema import audit_entry, organization_head, unfinished_entry

UNNUMBERED = "unnumbered"
"""There only while a log is being numbered."""

_NEW = ("organization_seq", "organization_revision")


def begin(cluster: str | None = None) -> list[str]:
    """Brings tables of a version below 4 to the columns of this one, and notes the number of every
    entry, in this order.

    A program of an older version that still runs is refused when it appends.
    """
    entry, head = audit_entry.name, organization_head.name
    kinds = {local(entry, cluster): "Int64", entry: "Int64", unfinished_entry.name: "Int64"}
    kinds |= {local(head, cluster): HIGHEST, head: HIGHEST}
    columns = ", ".join(f"{name} Int64" for name in ("part", "seq", *_NEW))
    # The engine sorts on the disk what is more than this.
    outside = "max_bytes_before_external_sort = 300000000"
    return [
        # It names the columns of before; it is made anew with the other tables.
        f"DROP VIEW IF EXISTS {VIEW}{on(cluster)}",
        *(
            f"ALTER TABLE {name}{on(cluster)} ADD COLUMN IF NOT EXISTS {SETTLED} {HIGHEST}"
            for name in dict.fromkeys((local(head, cluster), head))
        ),
        *(
            f"ALTER TABLE {name}{on(cluster)} "
            + ", ".join(f"ADD COLUMN IF NOT EXISTS {column} {kind}" for column in _NEW)
            for name, kind in kinds.items()
        ),
        f"ALTER TABLE {local(entry, cluster)}{on(cluster)} "
        "ADD CONSTRAINT IF NOT EXISTS numbered CHECK organization_seq > 0",
        f"DROP TABLE IF EXISTS {UNNUMBERED}{on(cluster)} SYNC",
        everywhere(UNNUMBERED, columns, "PARTITION BY part ORDER BY seq", cluster),
        f"INSERT INTO {UNNUMBERED} SELECT part, seq, "  # noqa: S608 - our own names
        "row_number() OVER (PARTITION BY organization_id ORDER BY seq), "
        "row_number() OVER (PARTITION BY organization_id ORDER BY revision) "
        f"FROM (SELECT {partition_key()} AS part, organization_id, seq, revision FROM {entry}) "
        f"SETTINGS {outside}, max_partitions_per_insert_block = 0",
    ]


def exists() -> str:
    """Whether entries may be without numbers."""
    return f"EXISTS TABLE {UNNUMBERED}"


def next_partition() -> str:
    """The lowest partition that is left; one row, with 0 in `left` if none is."""
    return f"SELECT ifNull(min(part), 0) AS part, count() AS left FROM {UNNUMBERED}"  # noqa: S608


def number(partition: int, cluster: str | None = None) -> list[str]:
    """Writes the entries of one partition once more, with their numbers, and forgets it."""
    columns = audit_entry.c.keys()
    values = ", ".join(f"numbers.{name}" if name in _NEW else f"entry.{name}" for name in columns)
    return [
        f"INSERT INTO {audit_entry.name} ({', '.join(columns)}) "  # noqa: S608 - our own names
        f"SELECT {values} FROM "
        f"(SELECT * FROM {audit_entry.name} WHERE {partition_key()} = {partition:d}) AS entry "
        f"INNER JOIN (SELECT * FROM {UNNUMBERED} WHERE part = {partition:d}) AS numbers "
        "ON numbers.seq = entry.seq",
        f"ALTER TABLE {UNNUMBERED}{on(cluster)} DROP PARTITION {partition:d}",
    ]


def end(cluster: str | None = None) -> str:
    """Says that all entries have their numbers."""
    return f"DROP TABLE IF EXISTS {UNNUMBERED}{on(cluster)} SYNC"
