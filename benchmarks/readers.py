"""How many times a second people can open Overview at once, when nobody has before."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta

from audit_core.domain.access import Scope
from audit_core.explore.reader import Reader
from audit_core.log.store import Limits, open_log
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import Window
from benchmarks.prepared import UNTIL, Prepared

READERS = 8
SECONDS = 10.0


def measure(prepared: Prepared) -> float:
    """Openings a second of the last 7 days by `READERS` at once, each a second off the last."""
    log = open_log(prepared.log_url, limits=Limits(query_timeout_s=600))
    reader, scope = Reader(log), Scope(organization_id=prepared.organization_id)
    entry_filter = EntryFilter(window=Window(preset="7d"))
    began = time.perf_counter()
    opened = [0] * READERS

    def read(number: int) -> None:
        while time.perf_counter() - began < SECONDS:
            now = UNTIL - timedelta(seconds=opened[number] * READERS + number)
            time_range = replace(entry_filter.window.time_range(now), until=now)
            query = Query(entry_filter, scope, time_range)
            reader.summary(query)
            reader.outcomes_over_time(query, now)
            reader.actions(query, 10)
            reader.actors(query, 10)
            reader.errors(query, 200)
            reader.hours_of_week(query, now)
            opened[number] += 1

    threads = [threading.Thread(target=read, args=(number,)) for number in range(READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - began
    log.close()
    return sum(opened) / elapsed
