"""The disk of the log and of the state fills up in a stream of appends, again and again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from audit_core.domain.access import Scope
from audit_core.domain.errors import AuditError, StorageFullError
from audit_core.explore.reader import Reader
from audit_core.installation.high_water_marks import StateMarks
from audit_core.log.schema import from_arrow
from audit_core.log.store import AuditLog, Limits, open_log
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from audit_core.state.database import State, open_state
from tests.soak.attack import Held, Scale
from tests.support.small_disk import small_disk
from tests.support.strategies import entry

ROUNDS = {Scale.SMALL: 2, Scale.FULL: 25}
MEGABYTES = {Scale.SMALL: 12, Scale.FULL: 160}
"""Room for all that the rounds leave behind."""
BATCH = 400
LIMITS = Limits(free_space_floor_mb=0)


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """Without a floor of free space, so that the disk really fills."""
    acknowledged: set[str] = set()
    refusals = 0
    with small_disk(folder / "disk", MEGABYTES[scale]) as disk:
        url = f"duckdb:///{disk.folder / 'log.duckdb'}"
        for number in range(ROUNDS[scale]):
            with (
                closing(open_state(f"sqlite:///{disk.folder / 'state.sqlite'}")) as state,
                closing(_opened(url, state)) as log,
            ):
                assert log.loss is None
                _append(log, acknowledged, f"{number}-before", times=2)
                disk.fill(leave=(number % 4) * 40_000)
                refused = _append(log, acknowledged, f"{number}-full", times=60)
                assert refused is not None, "the disk was not full"
                assert "restore it" not in refused.hint
                refusals += 1
                disk.make_room()
                assert _append(log, acknowledged, f"{number}-again", times=1) is None
            with (
                closing(open_state(f"sqlite:///{disk.folder / 'state.sqlite'}")) as state,
                closing(_opened(url, state)) as log,
            ):
                assert log.loss is None
                stored = _stored(log)
                assert acknowledged <= stored
                assert all(name.rpartition("-")[0] + "-0" in stored for name in stored)
    yield Held(
        "a disk that fills up loses nothing that was acknowledged, and needs no restart",
        f"{refusals} times full, {len(acknowledged):,} acknowledged entries",
    )


def _opened(url: str, state: State) -> AuditLog:
    return open_log(url, limits=LIMITS, marks=StateMarks(state))


def _append(log: AuditLog, acknowledged: set[str], name: str, *, times: int) -> AuditError | None:
    """Appends until it is refused; the refusal."""
    for time in range(times):
        names = [f"{name}-{time}-{place}" for place in range(BATCH)]
        try:
            log.append([entry(item, error_message=item * 40) for item in names])
        except StorageFullError as error:
            return error
        acknowledged.update(names)
    return None


def _stored(log: AuditLog) -> set[str]:
    steps = Reader(log).export(
        Query(EntryFilter(), Scope.everything(), TimeRange(since=None, until=None))
    )
    ids = [item.id for step in steps for item in from_arrow(step)]
    assert len(ids) == len(set(ids))
    return set(ids)
