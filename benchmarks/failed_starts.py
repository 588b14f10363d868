"""How long each view of Sandboxes takes on the embedded log, a week of it.

ROWS=10000000 python -m benchmarks.failed_starts
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from statistics import median

from rich.console import Console
from rich.table import Table

from audit_core.domain.access import Scope
from audit_core.log.store import open_log
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.spans import Spans
from audit_core.query.time.windows import TimeRange
from audit_core.starts.attempts_sql import FAILING, SilentRule
from audit_core.starts.reader import StartsReader
from audit_core.starts.traces.trace_reader import TracesReader
from benchmarks.prepared import PATIENT, UNTIL, Prepared, prepare

WEEK = timedelta(days=7)
TIMES = 5


def measure(prepared: Prepared) -> dict[str, tuple[float, float]]:
    """By view, the median wall time and processor time of one reading, in milliseconds."""
    scope = Scope(organization_id=prepared.organization_id)
    time_range = TimeRange(since=UNTIL - WEEK, until=None)
    spans = Spans(since=UNTIL - WEEK, until=UNTIL)
    query = Query(EntryFilter(), scope, time_range)
    with closing(open_log(prepared.log_url, limits=PATIENT)) as log:
        starts, traces = StartsReader(log, SilentRule()), TracesReader(log, SilentRule())
        newest = starts.page(query, outcomes=FAILING).attempts
        group = starts.groups(query, spans, 1).largest[0].key
        by_id = next(item for item in newest if item.sandbox == item.entry.target_id)
        by_name = next(item for item in newest if item.sandbox and item.entry.target_id is None)
        views: dict[str, Callable[[], object]] = {
            "failed starts: a page": lambda: starts.page(query, outcomes=FAILING),
            "failed starts: counts over time": lambda: starts.counts(query, spans),
            "groups": lambda: starts.groups(query, spans, 100),
            "groups: first seen in the whole log": lambda: starts.first_seen(scope, spans.since),
            "a group: suspects": lambda: starts.suspects(query, group),
            "a group: its failures": lambda: starts.group_members(query, group, 25),
            "retry chains": lambda: starts.retries(query, 200),
            "sandboxes: a page": lambda: traces.targets(query),
            "sandboxes: found by a name": lambda: traces.targets(query, searched="amber-api"),
            "a trace by id": lambda: traces.trace(by_id.sandbox or "", scope),
            "a trace by name": lambda: traces.trace(
                by_name.sandbox or "", scope, near=by_name.entry.created_at
            ),
        }
        return {name: median_ms(view) for name, view in views.items()}


def median_ms(view: Callable[[], object]) -> tuple[float, float]:
    """The median wall time and processor time of one reading, warm, in milliseconds."""
    view()
    walls, processors = [], []
    for _ in range(TIMES):
        wall, processor = time.perf_counter(), time.process_time()
        view()
        walls.append((time.perf_counter() - wall) * 1000)
        processors.append((time.process_time() - processor) * 1000)
    return median(walls), median(processors)


def table_of(timings: dict[str, tuple[float, float]]) -> Table:
    """The figures as they are printed."""
    table = Table("view", "median ms", "processor ms", title="Sandboxes, a week, warm")
    for name, (wall_ms, processor_ms) in timings.items():
        table.add_row(name, f"{wall_ms:,.0f}", f"{processor_ms:,.0f}")
    return table


def main() -> None:
    """Prints the figures for a log of `ROWS` entries."""
    rows = int(os.environ.get("ROWS", "1000000"))
    Console(width=110).print(table_of(measure(prepare(rows))))


if __name__ == "__main__":
    main()
