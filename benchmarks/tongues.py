"""How each engine says what a person would write by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from benchmarks.prepared import UNTIL
from benchmarks.question import TEXT


@dataclass(frozen=True, kw_only=True)
class Tongue:
    """How one engine says it."""

    tables: tuple[str, ...]
    micros: str
    contains: str
    quotient: str
    instant: str

    def entries(self, columns: str) -> str:
        """What to select these columns from."""
        if len(self.tables) == 1:
            return self.tables[0]
        parts = (f"SELECT {columns} FROM {table}" for table in self.tables)
        return f"({' UNION ALL '.join(parts)}) AS entry"


TONGUES: dict[str, Tongue] = {
    "duckdb": Tongue(
        tables=("audit_entry", "unfinished_entry"),
        micros="epoch_us(created_at)",
        contains="contains(lower({column}), '{text}')",
        quotient="({number}) // {by}",
        instant="TIMESTAMP '{instant}'",
    ),
    "postgresql": Tongue(
        tables=("audit_entry", "unfinished_entry"),
        micros="(extract(epoch FROM created_at) * 1000000)::bigint",
        contains="strpos(lower({column}), '{text}') > 0",
        quotient="({number}) / {by}",
        instant="TIMESTAMP '{instant}'",
    ),
    "clickhouse": Tongue(
        tables=("audit_entry FINAL",),
        micros="toUnixTimestamp64Micro(created_at)",
        contains="position(lowerUTF8({column}), '{text}') > 0",
        quotient="intDiv({number}, {by})",
        instant="toDateTime64('{instant}', 6, 'UTC')",
    ),
}

WHOLE = (
    "seq, revision, id, actor_id, actor_email, actor_api_key_prefix, actor_api_key_suffix, "
    "organization_id, action, target_type, target_id, status_code, error_message, ip_address, "
    "user_agent, source, metadata, created_at, received_at"
)
COLUMNS = (
    "organization_id, created_at, action, target_type, target_id, status_code, actor_id, "
    "actor_email, actor_api_key_prefix, actor_api_key_suffix, error_message, ip_address, source"
)
ACTOR = "CASE WHEN actor_email <> '' THEN actor_email ELSE actor_id END"
FACETS = (
    ("action", "target_type", "status_code", "source"),
    ("actor_email", "actor_id", "actor_api_key_prefix", "actor_api_key_suffix"),
    ("ip_address",),
)
FAILED = "status_code BETWEEN 400 AND 599"


def since(length: timedelta) -> Callable[[Tongue], str]:
    return lambda tongue: f"created_at >= {instant(tongue, UNTIL - length)}"


def text(tongue: Tongue) -> str:
    columns = ("error_message", "target_id", "actor_email", "actor_id")
    parts = (tongue.contains.format(column=column, text=TEXT) for column in columns)
    return f"({' OR '.join(parts)})"


def instant(tongue: Tongue, instant: datetime) -> str:
    return tongue.instant.format(instant=f"{instant:%Y-%m-%d %H:%M:%S.%f}")


def by_hand(write: Callable[[Tongue], str]) -> dict[str, str]:
    return {engine: write(tongue) for engine, tongue in TONGUES.items()}
