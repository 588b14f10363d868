"""A pack of about 100,000 entries among 200,000 leaves: how long it takes to make, and to verify
without a network."""

from __future__ import annotations

import io
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from audit_core.domain.access import Scope
from audit_core.evidence.pack.making.from_log import make_pack
from audit_core.evidence.pack.verifier import verify
from audit_core.log.schema import as_table
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import Window
from audit_core.simulator import simulate
from benchmarks.integrity import UNTIL, House, now, opened_house

ARRIVALS = 217_500
"""Of which those that finish an entry at once make no leaf of their own: 200,000 are left."""
ENTRIES_SHARE = 0.545
"""Of all: about half of them, as actions are kept or left out as a whole."""
ORGANIZATION = "org-bench"
TIMES = 3
MAX_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Packed:
    """What was found, with times in seconds."""

    leaves: int
    entries: int
    redacted: int
    """Entries of which what was said is closed."""
    size: int
    making_s: float
    verifying_s: float
    """The best of `TIMES`."""
    verifying_processor_s: float

    @property
    def met(self) -> bool:
        """Whether it is verified as fast as it should be."""
        return self.verifying_s <= MAX_S

    def __str__(self) -> str:
        return (
            f"A pack of {self.entries:,} entries ({self.redacted:,} of them redacted), a run of "
            f"{self.leaves:,} leaves, {self.size / 1e6:.0f} MB: made in {self.making_s:.1f} s, "
            f"verified in {self.verifying_s:.1f} s, {self.verifying_processor_s:.1f} of processor "
            f"({'met' if self.met else 'missed'})"
        )


def measure() -> Packed:
    """Make the pack of an organization's commonest actions, and verify it."""
    arrivals = simulate(entries=ARRIVALS, seed=7, until=UNTIL, days=30)
    table = as_table([replace(one.entry, organization_id=ORGANIZATION) for one in arrivals])
    folder = Path(tempfile.mkdtemp(prefix="sandtrail-bench-packs-"))
    try:
        with opened_house(folder) as opened:
            return _measured(opened, table)
    finally:
        shutil.rmtree(folder)


def _measured(opened: House, table: pa.Table) -> Packed:
    opened.log.append_table(table)
    started = time.perf_counter()
    pack = b"".join(make_pack(opened.log, opened.trees, _query(table), clock=now, made_by=None))
    making_s = time.perf_counter() - started
    key = opened.trees.sealing.signer.key
    times: list[tuple[float, float]] = []
    for _ in range(TIMES):
        started, processor = time.perf_counter(), time.process_time()
        report = verify(io.BytesIO(pack), key=key)
        times.append((time.perf_counter() - started, time.process_time() - processor))
        if report.fails:
            raise SystemExit(f"The pack does not hold: {report.as_json()}")
    counts = report.subject["counts"]
    return Packed(
        leaves=int(report.subject["head"]["leaves"]) - int(report.subject["run"]["start"]),
        entries=int(counts["entry"]),
        redacted=int(counts["redacted"]),
        size=len(pack),
        making_s=making_s,
        verifying_s=min(wall for wall, _ in times),
        verifying_processor_s=min(processor for _, processor in times),
    )


def _query(table: pa.Table) -> Query:
    chosen: list[str] = []
    room = ENTRIES_SHARE * table.num_rows
    for action, count in Counter(table.column("action").to_pylist()).most_common():
        if count <= room:
            chosen.append(action)
            room -= count
    entry_filter = EntryFilter(window=Window(preset=None), actions=tuple(chosen))
    scope = Scope(organization_id=ORGANIZATION)
    return Query(entry_filter, scope, entry_filter.window.time_range(UNTIL))
