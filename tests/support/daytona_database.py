"""Daytona's PostgreSQL as its migrations make it, as far as the audit log goes."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, create_engine, text

from tests.contract.engines import Engines

COLUMNS = {
    "id": "uuid NOT NULL DEFAULT gen_random_uuid()",
    "actorId": "character varying NOT NULL",
    "actorEmail": "character varying NOT NULL DEFAULT ''",
    "organizationId": "character varying",
    "action": "character varying NOT NULL",
    "targetType": "character varying",
    "targetId": "character varying",
    "statusCode": "integer",
    "errorMessage": "character varying",
    "ipAddress": "character varying",
    "userAgent": "text",
    "source": "character varying",
    "metadata": "jsonb",
    "createdAt": "timestamp with time zone NOT NULL DEFAULT now()",
}
INDEXES = ('"createdAt"', '"organizationId", "createdAt"', '"targetId", "createdAt"')


class DaytonaTables:
    """Daytona's side: rows that are written, late, and finished."""

    def __init__(self, url: str, seed: int = 1) -> None:
        self.url = url
        self.engine: Engine = create_engine(url)
        self.rows: dict[str, dict[str, Any]] = {}
        """What the table holds, by id."""
        self._chance = random.Random(seed)  # noqa: S311
        columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
        self.run(
            f'CREATE TABLE "audit_log" ({columns}, PRIMARY KEY ("id"))',
            *(f'CREATE INDEX ON "audit_log" ({index})' for index in INDEXES),
        )

    def run(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))

    def row(self, created_at: datetime, **fields: Any) -> dict[str, Any]:
        """A row that is not written yet."""
        number = self._chance.getrandbits(128)
        return {
            "id": str(UUID(int=number, version=4)),
            "actorId": "user-1",
            "actorEmail": "ann@example.org",
            "organizationId": "org-a",
            "action": "start",
            "targetType": "sandbox",
            "targetId": f"box-{number % 9}",
            "statusCode": 200,
            "errorMessage": None,
            "ipAddress": "192.0.2.7",
            "userAgent": "sdk/1.0",
            "source": "cli",
            "metadata": {"body": {"name": f"n-{number % 5}", "ratio": 1.5}},
            "createdAt": created_at,
            **fields,
        }

    def write(self, *rows: dict[str, Any]) -> None:
        """Add rows, or change those that are there."""
        names = ", ".join(f'"{name}"' for name in COLUMNS)
        values = ", ".join(
            f"CAST(:{name} AS jsonb)" if name == "metadata" else f":{name}" for name in COLUMNS
        )
        changed = ", ".join(f'"{name}" = excluded."{name}"' for name in COLUMNS)
        statement = text(
            f'INSERT INTO "audit_log" ({names}) VALUES ({values}) '  # noqa: S608
            f"ON CONFLICT (id) DO UPDATE SET {changed}"
        )
        given = [
            {**row, "metadata": None if row["metadata"] is None else json.dumps(row["metadata"])}
            for row in rows
        ]
        with self.engine.begin() as connection:
            connection.execute(statement, given)
        self.rows |= {row["id"]: row for row in rows}

    def past(self, count: int, now: datetime, **fields: Any) -> list[dict[str, Any]]:
        """Rows of the last days, several of them at one time, to the microsecond."""
        times = [
            now
            - timedelta(hours=1, seconds=self._chance.randrange(10**6))
            - timedelta(microseconds=self._chance.randrange(10**6))
            for _ in range(max(1, count // 3))
        ]
        return [self.row(self._chance.choice(times), **fields) for _ in range(count)]


@contextmanager
def daytona_database(engines: Engines, name: str) -> Iterator[DaytonaTables]:
    """A database of Daytona's on the shared server."""
    tables = DaytonaTables(engines.url("postgresql", name))
    try:
        yield tables
    finally:
        tables.engine.dispose()
