"""The log's tables in ClickHouse, as DDL: on one node, or spread over a cluster.

One table holds all entries, finished or not. Two rows with the same organization, time and id are
versions of one entry, of which reads with FINAL see one: so sending twice stores once, and
finishing replaces, whoever writes at the same time.

On a cluster the entries of an organization stand on one shard, since they are spread by a hash of
it: FINAL, which each shard answers for itself, is right there as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby

from clickhouse_connect.driver.binding import format_str, quote_identifier
from sqlalchemy import BigInteger, Column, Integer

from audit_core.domain.entries import UNANSWERED_STATUS
from audit_core.log.numbering import HEAD_NUMBERS
from audit_core.log.retention import Expiry, next_month
from audit_core.log.schema import (
    UtcTime,
    audit_entry,
    erased_part,
    log_check,
    log_schema,
    organization_head,
    unfinished_entry,
)

FIRST_YEAR, LAST_YEAR = 2020, 2049
"""Whose quarters of months have a partition each. Entries may be dated from 1970 to 2200 by
whoever sends them: what lies outside goes to one partition, so that nobody can make thousands."""

OTHER = 0
"""The partition of what lies outside."""

ID_HASH = "id_hash"
"""The CRC-32 of an entry's id: a narrow column in which to look for many ids at once."""

VERSION = "version"
"""Which of several versions of an entry is seen: the one with the highest number. That is the
furthest in progress; of several finished ones the first, since a finished entry never changes."""

ROWS_AT_ONCE = 1000
"""How many rows a statement deletes by their keys."""

_PROGRESS = 2**60
"""Above every revision."""

_VERSION = (
    f"multiIf(status_code != {UNANSWERED_STATUS}, {3 * _PROGRESS} - revision, "
    f"status_code = {UNANSWERED_STATUS}, {_PROGRESS} + revision, revision)"
)

DURABLE = {
    "fsync_after_insert": "1",
    "fsync_part_directory": "1",
    "min_rows_to_fsync_after_merge": "1",
    "min_compressed_bytes_to_fsync_after_merge": "1",
}
"""Acknowledged means on the disk: as delivered, ClickHouse leaves that to the operating system."""

MERGED_SOON = {
    "min_age_to_force_merge_seconds": "300",
    "min_age_to_force_merge_on_partition_only": "1",
}
"""A partition to which nothing was added for a while becomes one part, which FINAL costs nothing.
"""

_REPEATED = {
    "actor_id",
    "actor_email",
    "actor_api_key_prefix",
    "actor_api_key_suffix",
    "organization_id",
    "action",
    "target_type",
    "ip_address",
    "user_agent",
    "source",
}
"""Columns of few different values: each is stored once for a part."""

_CODECS = {
    "created_at": "T64, LZ4",
    "seq": "Delta, LZ4",
    "organization_seq": "Delta, LZ4",
    "status_code": "LZ4",
    "target_id": "LZ4",
    "metadata": "ZSTD(3)",
}

VIEW = f"{organization_head.name}_view"
"""What keeps the heads with each insert."""

SETTLED = "settled"
"""The column of heads that says up to which `organization_seq` a number that no entry has is none
to be given any more: its entry was dropped, or stands in another log."""

HIGHEST = "SimpleAggregateFunction(max, Int64)"

_LOCAL = "_local"


def database(name: str, cluster: str | None = None) -> str:
    """Makes the database."""
    return f"CREATE DATABASE IF NOT EXISTS {quote_identifier(name)}{on(cluster)}"


def version_table(cluster: str | None = None) -> str:
    """Makes the table that tells the version of the others: on each node of a cluster alike."""
    columns = ", ".join(f"{column.name} {column_type(column)}" for column in log_schema.columns)
    return everywhere(log_schema.name, columns, f"ORDER BY {log_schema.c.version.name}", cluster)


def everywhere(
    name: str, columns: str, layout: str, cluster: str | None, *, version: str | None = None
) -> str:
    """Makes a table that has the same rows on each node of a cluster. With `version` the row with
    the highest value in that column takes the place of others."""
    path = (f"'/clickhouse/tables/all/{{database}}/{name}'", "'{shard}-{replica}'")
    kind = "MergeTree" if version is None else "ReplacingMergeTree"
    arguments = [*(path if cluster else ()), *([version] if version else ())]
    engine = f"{'Replicated' if cluster else ''}{kind}({', '.join(arguments)})"
    return (
        f"CREATE TABLE IF NOT EXISTS {name}{on(cluster)} ({columns}) "
        f"ENGINE = {engine} {layout}{settings_of(DURABLE)}"
    )


def tables(cluster: str | None = None) -> list[str]:
    """Makes every other table that is missing, in this order."""
    entry, head = audit_entry.name, organization_head.name
    highest = ", ".join(f"max({name}) AS {name}" for name in HEAD_NUMBERS)
    statements = [
        _entries(cluster),
        _unfinished(cluster),
        _heads(cluster),
        _log_check(cluster),
        _erased_parts(cluster),
        f"CREATE MATERIALIZED VIEW IF NOT EXISTS {VIEW}{on(cluster)} "  # noqa: S608 - our names
        f"TO {local(head, cluster)} "
        f"AS SELECT organization_id, {highest} "
        f"FROM {local(entry, cluster)} "
        "GROUP BY organization_id",
    ]
    if cluster:
        statements += [
            f"CREATE TABLE IF NOT EXISTS {name}{on(cluster)} AS {local(name, cluster)} "
            f"ENGINE = Distributed({quote_identifier(cluster)}, currentDatabase(), "
            f"{local(name, cluster)}, cityHash64(organization_id))"
            for name in (entry, head)
        ]
    return statements


def local(name: str, cluster: str | None) -> str:
    """The table that holds the rows of one node."""
    return name + _LOCAL if cluster else name


def partition_before(earliest: datetime) -> int:
    """Partitions from 1 to below this number hold only what was made before the beginning of a
    month (aware)."""
    month = earliest.astimezone(UTC)
    return (month.year * 100 + month.month) * 10


def partitions(cluster: str | None = None) -> str:
    """Lists the partitions that there are."""
    parts = (
        f"clusterAllReplicas({format_str(cluster)}, system.parts)" if cluster else "system.parts"
    )
    name = local(audit_entry.name, cluster)
    return (
        f"SELECT DISTINCT partition FROM {parts} "  # noqa: S608 - our own names
        f"WHERE active AND database = currentDatabase() AND table = {format_str(name)}"
    )


def drop_partition(partition: int, cluster: str | None = None) -> str:
    """Drops one partition, if it is there."""
    name = local(audit_entry.name, cluster)
    return f"ALTER TABLE {name}{on(cluster)} DROP PARTITION {partition:d}"


def goes_whole(partition: int, expiry: Expiry) -> bool:
    """Whether nothing of a partition stays, of those that `partition_before` names."""
    months = {month.year * 100 + month.month for month in expiry.organizations}
    return partition != OTHER and partition // 10 not in months


def delete_expired(partition: int, expiry: Expiry, cluster: str | None = None) -> str:
    """Deletes what goes of one partition, row by row."""
    name = local(audit_entry.name, cluster)
    return (
        f"DELETE FROM {name}{on(cluster)} IN PARTITION {partition:d} "  # noqa: S608 - our own names
        f"WHERE {expired('created_at', expiry)}"
    )


def expired(made_at: str, expiry: Expiry) -> str:
    """Whether a row goes; `made_at` is the column of its time. See `Expiry.expired`."""
    held = " OR ".join(
        f"({made_at} >= {instant(month)} AND {made_at} < {instant(next_month(month))} "
        f"AND organization_id IN ({', '.join(map(format_str, organizations))}))"
        for month, organizations in expiry.organizations.items()
    )
    before = f"{made_at} < {instant(expiry.earliest)}"
    return f"{before} AND NOT ({held})" if held else before


def delete_rows(rows: Iterable[tuple[int, datetime]], cluster: str | None = None) -> Iterator[str]:
    """Deletes the rows with these seqs and times, partition by partition."""
    name = local(audit_entry.name, cluster)
    for partition, found in groupby(sorted(rows, key=_partition_of), _partition_of):
        listed = list(found)
        for start in range(0, len(listed), ROWS_AT_ONCE):
            keys = ", ".join(
                f"({seq:d}, {instant(time)})" for seq, time in listed[start : start + ROWS_AT_ONCE]
            )
            yield (
                f"DELETE FROM {name}{on(cluster)} IN PARTITION {partition} "  # noqa: S608 - our own
                f"WHERE (seq, created_at) IN ({keys})"
            )


def _partition_of(row: tuple[int, datetime]) -> int:
    """What `partition_key` gives for a row."""
    time = row[1].astimezone(UTC)
    if not FIRST_YEAR <= time.year <= LAST_YEAR:
        return OTHER
    return (time.year * 100 + time.month) * 10 + (time.day - 1) // 8


def count_expired(partition: int, expiry: Expiry) -> str:
    """Counts what `delete_expired` would delete."""
    return (
        f"SELECT count() FROM {audit_entry.name} "  # noqa: S608 - our own names
        f"WHERE {partition_key()} = {partition:d} AND {expired('created_at', expiry)}"
    )


def _entries(cluster: str | None) -> str:
    name = local(audit_entry.name, cluster)
    lines = [
        *(
            f"{column.name} {column_type(column)} {_codec(column)}"
            for column in audit_entry.columns
        ),
        f"{VERSION} Int64 MATERIALIZED {_VERSION} CODEC(Delta, ZSTD(1))",
        f"{ID_HASH} UInt32 MATERIALIZED CRC32(id) CODEC(NONE)",
        "INDEX id_bloom id TYPE bloom_filter(0.001) GRANULARITY 1",
        "INDEX target_id_bloom target_id TYPE bloom_filter(0.001) GRANULARITY 1",
    ]
    return (
        f"CREATE TABLE IF NOT EXISTS {name}{on(cluster)} ({', '.join(lines)}) "
        f"ENGINE = {table_engine('ReplacingMergeTree', name, cluster, VERSION)} "
        f"PARTITION BY {partition_key()} "
        "PRIMARY KEY (organization_id, created_at) ORDER BY (organization_id, created_at, id)"
        f"{settings_of({**DURABLE, **MERGED_SOON})}"
    )


def partition_key() -> str:
    """The partition of an entry, as a number."""
    span = (
        f"created_at >= {instant(datetime(FIRST_YEAR, 1, 1, tzinfo=UTC))} "
        f"AND created_at < {instant(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC))}"
    )
    quarter = "toYYYYMM(created_at) * 10 + intDiv(toDayOfMonth(created_at) - 1, 8)"
    return f"if({span}, {quarter}, {OTHER})"


def _unfinished(cluster: str | None) -> str:
    """Always empty, and nothing to read: unfinished entries stand among the others."""
    columns = ", ".join(
        f"{column.name} {column_type(column)}" for column in unfinished_entry.columns
    )
    name = unfinished_entry.name
    return f"CREATE TABLE IF NOT EXISTS {name}{on(cluster)} ({columns}) ENGINE = Null"


def _heads(cluster: str | None) -> str:
    name = local(organization_head.name, cluster)
    numbers = ", ".join(f"{name} {HIGHEST}" for name in (*HEAD_NUMBERS, SETTLED))
    return (
        f"CREATE TABLE IF NOT EXISTS {name}{on(cluster)} (organization_id String, {numbers}) "
        f"ENGINE = {table_engine('AggregatingMergeTree', name, cluster)} ORDER BY organization_id"
        f"{settings_of(DURABLE)}"
    )


def _log_check(cluster: str | None) -> str:
    """On each node of its own: it tells of the node that one is connected to."""
    columns = ", ".join(f"{column.name} {column_type(column)}" for column in log_check.columns)
    return (
        f"CREATE TABLE IF NOT EXISTS {log_check.name}{on(cluster)} ({columns}) "
        f"ENGINE = ReplacingMergeTree ORDER BY tuple(){settings_of(DURABLE)}"
    )


def _erased_parts(cluster: str | None) -> str:
    columns = ", ".join(f"{column.name} {column_type(column)}" for column in erased_part.columns)
    return everywhere(erased_part.name, columns, "ORDER BY number", cluster)


def table_engine(kind: str, name: str, cluster: str | None, *arguments: str) -> str:
    """The engine of a table, replicated on a cluster."""
    if cluster:
        keeper_arguments = (f"'/clickhouse/tables/{{shard}}/{{database}}/{name}'", "'{replica}'")
        kind, arguments = f"Replicated{kind}", (*keeper_arguments, *arguments)
    return f"{kind}({', '.join(arguments)})"


def column_type(column: Column[object]) -> str:
    """ClickHouse's type for a column."""
    if isinstance(column.type, UtcTime):
        name = "DateTime64(6, 'UTC')"
    elif isinstance(column.type, BigInteger):
        name = "Int64"
    elif isinstance(column.type, Integer):
        name = "Int32"
    else:
        name = "String"
    if column.nullable:
        name = f"Nullable({name})"
    return f"LowCardinality({name})" if column.name in _REPEATED else name


def _codec(column: Column[object]) -> str:
    """What charts and lists read of every row is quick to unpack, the rest is small."""
    if column.name in _CODECS:
        return f"CODEC({_CODECS[column.name]})"
    if isinstance(column.type, UtcTime | BigInteger):
        return "CODEC(Delta, ZSTD(1))"
    return "CODEC(ZSTD(1))"


def instant(time: datetime) -> str:
    """A moment as a literal."""
    return f"toDateTime64('{time.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}', 6, 'UTC')"


def settings_of(settings: dict[str, str]) -> str:
    """The settings of a table, as its DDL ends."""
    return " SETTINGS " + ", ".join(f"{name} = {value}" for name, value in settings.items())


def on(cluster: str | None) -> str:
    """Has a statement of the database run on each node."""
    return f" ON CLUSTER {format_str(cluster)}" if cluster else ""
