"""What differs between the engines of the log: no file outside this folder names one."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from audit_core.domain.errors import SettingsError
from audit_core.log.engines.duckdb.engine import DuckDB
from audit_core.log.engines.engine import LogEngine
from audit_core.log.engines.postgresql.engine import PostgreSQL


def _clickhouse(url: URL) -> LogEngine:
    # Imported when asked for: its driver takes a tenth of the time that each command needs to
    # start, whichever engine it opens.
    from audit_core.log.engines.clickhouse.engine import ClickHouse

    return ClickHouse(url)


ENGINES: dict[str, Callable[[URL], LogEngine]] = {
    "duckdb": DuckDB,
    "postgresql": PostgreSQL,
    "clickhousedb": _clickhouse,
}
"""How each engine is made of its URL, by the first word of that."""

EXAMPLES = (
    "Write it like duckdb:///data/log.duckdb, postgresql+psycopg://USER:PASSWORD@HOST/NAME or "
    "clickhousedb://USER:PASSWORD@HOST:8123/NAME."
)


def engine_for(text: str) -> LogEngine:
    """The engine that a URL names.

    Raises `SettingsError` for what is no URL or names no known engine.
    """
    try:
        url: URL = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise SettingsError("The log's URL (SANDTRAIL_LOG_URL) is no URL.", EXAMPLES) from error
    engine = ENGINES.get(url.get_backend_name())
    if engine is None:
        raise SettingsError(
            f"The log's URL (SANDTRAIL_LOG_URL) names the engine {url.get_backend_name()!r}, "
            "which cannot hold the log.",
            EXAMPLES,
        )
    return engine(url)
