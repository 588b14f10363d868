"""The process that owns the log is killed, again and again, in a stream of appends."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

from audit_core.domain.access import Scope
from audit_core.explore.reader import Reader
from audit_core.log.schema import from_arrow
from audit_core.log.store import open_log
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from tests.log.appending import BATCH, acknowledged, start_appending
from tests.soak.attack import Held, Scale

KILLED_AFTER = (1, 4, 9, 17, 30)
"""After how many acknowledged batches a process is killed, in turn."""
KILLS = {Scale.SMALL: len(KILLED_AFTER), Scale.FULL: 50}


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """Each process goes on after the last batch that was acknowledged to anybody."""
    url = f"duckdb:///{folder / 'log.duckdb'}"
    reported: set[int] = set()
    for batches in islice(cycle(KILLED_AFTER), KILLS[scale]):
        process = start_appending(url, max(reported, default=-1) + 1)
        reported |= set(acknowledged(process, batches))
        log = open_log(url)
        try:
            steps = Reader(log).export(
                Query(EntryFilter(), Scope.everything(), TimeRange(since=None, until=None))
            )
            stored = [entry for step in steps for entry in from_arrow(step)]
            assert log.head(None) >= len(stored)
        finally:
            log.close()
        ids = {entry.id for entry in stored}
        assert len(ids) == len(stored)
        numbers = {int(entry_id.split("-")[0]) for entry_id in ids}
        assert reported <= numbers
        assert ids == {f"{number}-{place}" for number in numbers for place in range(BATCH)}
        unfinished = {entry.id for entry in stored if not entry.finished}
        assert unfinished == {f"{max(numbers)}-0"}
    yield Held(
        "no kill loses, halves or doubles a batch that was acknowledged",
        f"{KILLS[scale]} kills, {len(reported) * BATCH:,} acknowledged entries",
    )
