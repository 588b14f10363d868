"""The tree over the log: what sealing costs beside loading, alone, and in the state; and how long a
full verification takes. On DuckDB."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from audit_core.integrity.actor_keys import ActorKeys
from audit_core.integrity.leaf_keeper import LeafKeeper
from audit_core.integrity.sealer import Sealer
from audit_core.integrity.tree import Trees
from audit_core.log.schema import as_table
from audit_core.log.store import AuditLog, open_log
from audit_core.simulator import simulate
from audit_core.state.database import State, open_state

UNTIL = datetime(2026, 11, 24, tzinfo=UTC)
SIMULATED = 100_000
BATCH = 50_000
KEY = b"0" * 32


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one run found; rates are entries a second."""

    rows: int
    loading_alone: float
    loading_sealed: float
    """While the sealer runs in the same process."""
    behind: int
    """How many of these were not sealed yet when the last one was stored."""
    sealing: float
    """Alone, from the beginning."""
    sealing_processor: float
    """The same by the processor time of the process, over all threads."""
    state_bytes: float
    """What the state grew by, for each entry."""
    verifying: float
    verifying_processor: float

    def __str__(self) -> str:
        kept = self.loading_sealed / self.loading_alone
        return (
            f"The tree, {self.rows:,} entries: loading {self.loading_alone:,.0f} a second, with "
            f"the sealer {self.loading_sealed:,.0f} ({kept:.0%}; {self.behind:,} behind at the "
            f"end); sealing alone {self.sealing:,.0f} ({self.sealing_processor:,.0f} by processor "
            f"time); {self.state_bytes:.2f} bytes an entry in the state; full verification "
            f"{self.verifying:,.0f} ({self.verifying_processor:,.0f})"
        )


@dataclass(frozen=True)
class House:
    """A log and its state in a folder of their own."""

    log: AuditLog
    state: State
    trees: Trees


def measure(rows: int) -> Measured:
    """Load so many entries without and with the sealer, then seal and verify them."""
    folder = Path(tempfile.mkdtemp(prefix="sandtrail-bench-integrity-"))
    try:
        loaded = list(batches(rows))
        with opened_house(folder / "alone") as house:
            loading_alone = rows / load(house, loaded)
        with opened_house(folder / "sealed") as house:
            sealer = Sealer(log=house.log, state=house.state, trees=house.trees, clock=now)
            loading_sealed = rows / load(house, loaded)
            behind = rows - _sealed(house)
            sealer.stop()
        with opened_house(folder / "alone") as house:
            before = _size(folder / "alone" / "state.sqlite")
            started, processor = time.perf_counter(), time.process_time()
            for organization_id in house.log.known_heads():
                house.trees.sealed_now(organization_id)
            sealing = rows / (time.perf_counter() - started)
            sealing_processor = rows / (time.process_time() - processor)
            house.state.merge_write_ahead_log()
            state_bytes = (_size(folder / "alone" / "state.sqlite") - before) / rows
            processor = time.process_time()
            verifying = rows / _verify(house)
            verifying_processor = rows / (time.process_time() - processor)
    finally:
        shutil.rmtree(folder)
    return Measured(
        rows=rows,
        loading_alone=loading_alone,
        loading_sealed=loading_sealed,
        behind=behind,
        sealing=sealing,
        sealing_processor=sealing_processor,
        state_bytes=state_bytes,
        verifying=verifying,
        verifying_processor=verifying_processor,
    )


def _verify(house: House) -> float:
    started = time.perf_counter()
    for organization_id in house.trees.sealed():
        found = house.trees.verify(
            organization_id, earliest=None, progress=lambda checked, to_check: None
        )
        if not found.holds:
            raise SystemExit(f"{organization_id}: {found.findings[0].sentence}")
    return time.perf_counter() - started


@contextmanager
def opened_house(folder: Path) -> Iterator[House]:
    folder.mkdir(exist_ok=True)
    state = open_state(f"sqlite:///{folder / 'state.sqlite'}")
    keys = ActorKeys(state, KEY)
    log = open_log(f"duckdb:///{folder / 'log.duckdb'}", keeper=LeafKeeper(state, keys))
    trees = Trees(log=log, state=state, keys=keys, installation_key=KEY, clock=now)
    try:
        yield House(log, state, trees)
    finally:
        log.close()
        state.close()


def load(house: House, batches: list[pa.Table]) -> float:
    started = time.perf_counter()
    for batch in batches:
        house.log.append_table(batch)
    return time.perf_counter() - started


def _sealed(house: House) -> int:
    return sum(one.size for one in house.trees.newest_of_all())


def _size(file: Path) -> int:
    return file.stat().st_size


def batches(rows: int) -> Iterator[pa.Table]:
    """Entries of the simulator, then the same with ids of their own."""
    arrivals = simulate(entries=min(rows, SIMULATED), seed=7, until=UNTIL, days=30)
    table = as_table([arrival.entry for arrival in arrivals])
    for copy in range(-(-rows // table.num_rows)):
        ids = pc.binary_join_element_wise(table.column("id"), str(copy), "-")
        copied = table.set_column(table.schema.get_field_index("id"), "id", ids)
        for start in range(0, copied.num_rows, BATCH):
            yield copied.slice(start, BATCH)


def now() -> datetime:
    return datetime.now(UTC)
