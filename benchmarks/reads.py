"""How long each read of a page takes, warm."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from audit_core.access import Scope
from audit_core.entries import Outcome
from audit_core.log.store import open_log
from audit_core.query.filters import EntryFilter
from audit_core.query.windows import Window
from audit_core.reader import Reader
from benchmarks.prepared import UNTIL, Prepared

REPEATS = 9

FILTERS: tuple[tuple[str, EntryFilter], ...] = (
    ("7 days", EntryFilter(window=Window(preset="7d"))),
    ("90 days, Berlin", EntryFilter(window=Window(preset="90d", zone="Europe/Berlin"))),
    ("all, text", EntryFilter(window=Window(preset="all"), text="no space left")),
    ("all, 5xx", EntryFilter(window=Window(preset="all"), outcomes=(Outcome.SERVER_ERROR,))),
)


def measure(prepared: Prepared) -> list[tuple[str, str, float]]:
    """(Filter, read, median milliseconds) of every read on each filter."""
    log = open_log(prepared.environment["SANDTRAIL_LOG_URL"])
    reader = Reader(log)
    scope = Scope(organization_id=prepared.organization_id)
    results: list[tuple[str, str, float]] = []
    for label, wanted in FILTERS:
        bounds = wanted.window.bounds(UNTIL)
        asked = (wanted, scope, bounds)
        reads: dict[str, Callable[[], object]] = {
            "page": lambda asked=asked: reader.page(*asked, None, 25),
            "outcomes over time": lambda asked=asked: reader.outcomes_over_time(*asked, UNTIL),
            "summary": lambda asked=asked: reader.summary(*asked),
            "actions": lambda asked=asked: reader.actions(*asked, 10),
            "actors": lambda asked=asked: reader.actors(*asked, 10),
            "errors": lambda asked=asked: reader.errors(*asked, 200),
            "hours of week": lambda asked=asked: reader.hours_of_week(*asked, UNTIL),
        }
        for name, read in reads.items():
            results.append((label, name, _median_ms(read)))
    log.close()
    return results


def _median_ms(read: Callable[[], object]) -> float:
    read()
    times: list[float] = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        read()
        times.append((time.perf_counter() - started) * 1000)
    return median(times)
