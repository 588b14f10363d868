"""Makes a log of version 3 of one of this version: as it was before entries were numbered by
organization."""

from __future__ import annotations

from audit_core.log.store import AuditLog

NEW = ("organization_seq", "organization_revision")
POSTGRESQL = ("audit_entry", "unfinished_entry", "organization_head")


def make_version_three(log: AuditLog) -> None:
    """The log must not be used afterwards, only closed."""
    kind = type(log._log_engine).__name__
    statements: list[str] = {
        "DuckDB": _embedded,
        "PostgreSQL": _postgresql,
        "ClickHouse": _clickhouse,
    }[kind]()
    with log._engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def _embedded() -> list[str]:
    return [
        "DROP TABLE organization_head",
        *_without(("audit_entry", "unfinished_entry")),
        "UPDATE log_schema SET version = 3",
    ]


def _postgresql() -> list[str]:
    return [*_without(POSTGRESQL), "UPDATE log_schema SET version = 3"]


def _clickhouse() -> list[str]:
    return [
        "DROP VIEW organization_head_view",
        *_without(POSTGRESQL),
        "CREATE MATERIALIZED VIEW organization_head_view TO organization_head AS "
        "SELECT organization_id, max(revision) AS revision FROM audit_entry "
        "GROUP BY organization_id",
        "TRUNCATE TABLE log_schema",
        "INSERT INTO log_schema VALUES (3, now64(6))",
    ]


def _without(tables: tuple[str, ...]) -> list[str]:
    return [f"ALTER TABLE {table} DROP COLUMN {name}" for table in tables for name in NEW]
