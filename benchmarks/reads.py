"""How long each statement takes, warm, beside the hand-written SQL in the same run."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, timedelta
from statistics import median
from typing import Any

from sqlalchemy import func, select, text

from audit_core.domain.access import Scope
from audit_core.explore.reader import Reader
from audit_core.log.schema import Statement, entries
from audit_core.log.store import AuditLog, Limits, open_log
from audit_core.query.keyset import Cursor
from benchmarks.prepared import Prepared
from benchmarks.question import Facts, Question
from benchmarks.questions import questions

REPEATS = 7
ENOUGH_S = 4.0
"""A statement is not repeated for longer than this."""


MIDDLE = timedelta(days=45)
"""How far from the beginning of the log its middle is."""

MAX_OF_PERSON = 100_000
"""How many entries the person has whose page is measured: those who have more are programs."""

SLACK_MS = 3.0
"""What ours may take longer in any case: it makes objects of the rows, and stands under limits."""
MAX_RATIO = 1.3


@dataclass(frozen=True, kw_only=True)
class Timing:
    """One question on one engine; medians in milliseconds."""

    name: str
    target_ms: float | None
    """`None`: no page asks it."""
    cold_ms: float
    """The first time after opening."""
    ours_ms: float
    by_hand_ms: float
    processor_ms: float
    """Of ours, over all threads of this process: other work on the machine changes it little."""
    by_hand_processor_ms: float

    @property
    def ratio(self) -> float:
        """How many times as long ours takes."""
        return self.ours_ms / self.by_hand_ms

    @property
    def met(self) -> bool:
        """Whether it is within the target, and not much slower than by hand."""
        most_ms = max(self.by_hand_ms * MAX_RATIO, self.by_hand_ms + SLACK_MS)
        return self.ours_ms <= most_ms and self.ours_ms <= (self.target_ms or self.ours_ms)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """All questions on one engine, in a process of their own."""

    timings: list[Timing]
    opened_s: float
    peak_mb: float
    """The most memory that the whole process had, from its start on; without a server's."""


def measure(engine: str, prepared: Prepared) -> Measured:
    """Every question on one engine, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as processes:
        return processes.submit(_measure, engine, prepared).result()


def _measure(engine: str, prepared: Prepared) -> Measured:
    started = time.perf_counter()
    log = open_log(prepared.log_url, limits=Limits(query_timeout_s=600))
    opened_s = time.perf_counter() - started
    reader, scope = Reader(log), Scope(organization_id=prepared.organization_id)
    facts = facts_of(log, scope)
    # Ours first and alone: by hand, more memory may be needed.
    asked = questions(facts)
    ours = [(_elapsed_ms(lambda: item.ask(reader)), item) for item in asked]  # noqa: B023
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with _by_hand(engine, log) as run:
        timings = [
            _timing(reader, question, cold_ms, question.by_hand[engine], run)
            for cold_ms, question in ours
        ]
    log.close()
    return Measured(timings=timings, opened_s=opened_s, peak_mb=peak_kb / 1024)


def _timing(
    reader: Reader, question: Question, cold_ms: float, sql: str, run: Callable[[str], object]
) -> Timing:
    run(sql)
    question.ask(reader)
    ours: list[tuple[float, float]] = []
    by_hand: list[tuple[float, float]] = []
    started = time.perf_counter()
    for _ in range(REPEATS):
        ours.append(_timed(lambda: question.ask(reader)))
        by_hand.append(_timed(lambda: run(sql)))
        if time.perf_counter() - started > ENOUGH_S:
            break
    ours_ms, processor_ms = (median(item) for item in zip(*ours, strict=True))
    by_hand_ms, by_hand_processor_ms = (median(item) for item in zip(*by_hand, strict=True))
    return Timing(
        name=question.name,
        target_ms=question.target_ms,
        cold_ms=cold_ms,
        ours_ms=ours_ms,
        by_hand_ms=by_hand_ms,
        processor_ms=processor_ms,
        by_hand_processor_ms=by_hand_processor_ms,
    )


def _timed(act: Callable[[], object]) -> tuple[float, float]:
    """How long it took, and how much of the processor, in milliseconds."""
    processor_s = time.process_time()
    elapsed_ms = _elapsed_ms(act)
    return elapsed_ms, (time.process_time() - processor_s) * 1000


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


def facts_of(log: AuditLog, scope: Scope) -> Facts:
    """What the questions are about in this log."""

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
        middle.where(entries.c.created_at > since + MIDDLE).order_by(
            entries.c.created_at, entries.c.seq
        )
    )
    on = entries.c.target_id
    sandbox = select(on, func.min(entries.c.created_at).label("since")).where(
        own, on.is_not(None), entries.c.target_type == "sandbox"
    )
    usual = first(
        sandbox.group_by(on).having(func.count().between(20, 40)).order_by(text("since"), on)
    )
    person = select(entries.c.actor_id).where(own, entries.c.actor_email != "")
    busy = first(
        person.group_by(entries.c.actor_id)
        .having(func.count() <= MAX_OF_PERSON)
        .order_by(func.count().desc(), entries.c.actor_id)
    )
    return Facts(
        organization_id=scope.organization_id or "",
        target_id=commonest(entries.c.target_id),
        sandbox_id=usual["target_id"],
        actor=commonest(entries.c.actor_email),
        person_id=busy["actor_id"],
        earliest=since,
        deep=Cursor(created_at=deep["created_at"].replace(tzinfo=UTC), seq=deep["seq"]),
        last_seq=log.last_seq(),
        entry_id=deep["id"],
        entry_at=deep["created_at"].replace(tzinfo=UTC),
    )
