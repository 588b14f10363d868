"""State changes in ClickHouse, as DDL: on one node, or spread over a cluster as entries are.

Two rows with the same organization, target, time and id are one change, of which reads with FINAL
see one: so sending twice stores once, whoever writes at the same time.
"""

from __future__ import annotations

from clickhouse_connect.driver.binding import quote_identifier

from audit_core.log.engines.clickhouse.tables import (
    DURABLE,
    MERGED_SOON,
    column_type,
    expired,
    local,
    on,
    settings_of,
    table_engine,
)
from audit_core.log.retention import Expiry
from audit_core.log.schema import state_change, state_change_head

VIEW = f"{state_change_head.name}_view"
"""What keeps the heads with each insert."""


def tables(cluster: str | None = None) -> list[str]:
    """Makes every table that is missing, in this order."""
    change, head = state_change.name, state_change_head.name
    statements = [
        _changes(cluster),
        _heads(cluster),
        f"CREATE MATERIALIZED VIEW IF NOT EXISTS {VIEW}{on(cluster)} "  # noqa: S608 - our names
        f"TO {local(head, cluster)} AS SELECT organization_id, max(received_at) AS newest "
        f"FROM {local(change, cluster)} GROUP BY organization_id",
    ]
    if cluster:
        statements += [
            f"CREATE TABLE IF NOT EXISTS {name}{on(cluster)} AS {local(name, cluster)} "
            f"ENGINE = Distributed({quote_identifier(cluster)}, currentDatabase(), "
            f"{local(name, cluster)}, cityHash64(organization_id))"
            for name in (change, head)
        ]
    return statements


def count_expired(expiry: Expiry) -> str:
    """Counts what `delete_expired` would delete."""
    return (
        f"SELECT count() FROM {state_change.name} "  # noqa: S608 - our own names
        f"WHERE {expired('changed_at', expiry)}"
    )


def delete_expired(expiry: Expiry, cluster: str | None = None) -> str:
    """Deletes the changes that go."""
    name = local(state_change.name, cluster)
    return (
        f"DELETE FROM {name}{on(cluster)} "  # noqa: S608 - our own names
        f"WHERE {expired('changed_at', expiry)}"
    )


def _changes(cluster: str | None) -> str:
    name = local(state_change.name, cluster)
    columns = ", ".join(f"{column.name} {column_type(column)}" for column in state_change.columns)
    return (
        f"CREATE TABLE IF NOT EXISTS {name}{on(cluster)} ({columns}) "
        f"ENGINE = {table_engine('ReplacingMergeTree', name, cluster)} "
        "ORDER BY (organization_id, target_type, target_id, changed_at, id)"
        f"{settings_of({**DURABLE, **MERGED_SOON})}"
    )


def _heads(cluster: str | None) -> str:
    name = local(state_change_head.name, cluster)
    return (
        f"CREATE TABLE IF NOT EXISTS {name}{on(cluster)} (organization_id String, "
        "newest SimpleAggregateFunction(max, DateTime64(6, 'UTC'))) "
        f"ENGINE = {table_engine('AggregatingMergeTree', name, cluster)} ORDER BY organization_id"
        f"{settings_of(DURABLE)}"
    )
