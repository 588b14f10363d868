"""How long each statement takes, warm, beside the hand-written SQL in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from statistics import median
from typing import Any

from sqlalchemy import func, select

from audit_core.access import Scope
from audit_core.log.schema import Statement, entries
from audit_core.log.store import AuditLog, Limits, open_log
from audit_core.query.cursors import Cursor
from benchmarks.prepared import Prepared
from benchmarks.questions import Facts, Question, questions

REPEATS = 7
ENOUGH_S = 4.0
"""A statement is not repeated for longer than this."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One statement on one engine; medians in milliseconds."""

    name: str
    page: bool
    cold_ms: float
    """The first time after opening."""
    ours_ms: float
    by_hand_ms: float

    @property
    def ratio(self) -> float:
        """How many times as long ours takes."""
        return self.ours_ms / self.by_hand_ms


def measure(engine: str, prepared: Prepared) -> list[Timing]:
    """Every question on one engine. Ours is the whole way: scope, limits, Arrow."""
    log = open_log(prepared.log_url, limits=Limits(query_timeout_s=600))
    scope = Scope(organization_id=prepared.organization_id)
    timings = []
    with _by_hand(engine, log) as run:
        for question in questions(_facts(log, scope)):
            timings.append(_timing(log, scope, question, question.by_hand[engine], run))
    log.close()
    return timings


def _timing(
    log: AuditLog, scope: Scope, question: Question, sql: str, run: Callable[[str], object]
) -> Timing:
    def ours() -> object:
        return log.fetch(question.statement, scope, max_rows=question.most)

    cold_ms = _elapsed_ms(ours)
    run(sql)
    times: tuple[list[float], list[float]] = ([], [])
    started = time.perf_counter()
    for _ in range(REPEATS):
        times[0].append(_elapsed_ms(ours))
        times[1].append(_elapsed_ms(lambda: run(sql)))
        if time.perf_counter() - started > ENOUGH_S:
            break
    return Timing(
        name=question.name,
        page=question.page,
        cold_ms=cold_ms,
        ours_ms=median(times[0]),
        by_hand_ms=median(times[1]),
    )


def _elapsed_ms(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1000


@contextmanager
def _by_hand(engine: str, log: AuditLog) -> Iterator[Callable[[str], object]]:
    """Runs SQL on the driver itself, in the way its manual shows first."""
    connection = log._engine.raw_connection()
    driver: Any = connection.driver_connection

    def duckdb(sql: str) -> object:
        return driver.execute(sql).to_arrow_table()

    def postgresql(sql: str) -> object:
        with driver.cursor() as cursor:
            return cursor.execute(sql).fetchall()

    def clickhouse(sql: str) -> object:
        return driver.client.query_arrow(sql)

    if engine == "postgresql":
        with driver.cursor() as cursor:
            cursor.execute("SET sandtrail.every_organization = 'on'")
    try:
        yield {"duckdb": duckdb, "postgresql": postgresql, "clickhouse": clickhouse}[engine]
    finally:
        connection.close()


def _facts(log: AuditLog, scope: Scope) -> Facts:
    def first(statement: Statement) -> dict[str, Any]:
        return dict(log.fetch(statement, scope, max_rows=1).table.to_pylist()[0])

    own = entries.c.organization_id == scope.organization_id

    def commonest(column: Any) -> str:
        ranked = select(column.label("value")).where(own, column.is_not(None), column != "")
        return str(first(ranked.group_by(column).order_by(func.count().desc(), column))["value"])

    ends = first(select(func.min(entries.c.created_at).label("first")).where(own))
    middle = select(entries.c.id, entries.c.created_at, entries.c.seq).where(own)
    since = ends["first"].replace(tzinfo=UTC)
    deep = first(
        middle.where(entries.c.created_at > since.replace(day=28)).order_by(
            entries.c.created_at, entries.c.seq
        )
    )
    return Facts(
        organization_id=scope.organization_id or "",
        target_id=commonest(entries.c.target_id),
        actor=commonest(entries.c.actor_email),
        earliest=since,
        deep=Cursor(created_at=deep["created_at"].replace(tzinfo=UTC), seq=deep["seq"]),
        last_seq=log.last_seq(),
        entry_id=deep["id"],
    )
