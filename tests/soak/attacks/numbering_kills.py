"""The process that owns the log is killed in a stream of appends of several organizations, whose
numbers must stay gapless, unique, and where they were."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

from sqlalchemy import select

from audit_core.domain.access import Scope
from audit_core.log.schema import entries
from audit_core.log.store import AuditLog, open_log
from tests.log.appending import acknowledged
from tests.soak.attack import Held, Scale

KILLED_AFTER = (1, 6, 3, 20, 11)
"""After how many acknowledged appends a process is killed, in turn."""
KILLS = {Scale.SMALL: 4, Scale.FULL: 50}

APPENDING = """
import sys
from tests.support.strategies import entry
from audit_core.log.store import open_log

log = open_log(sys.argv[1], holder="the other one")
for number in range(int(sys.argv[2]), 10**9):
    batch = [
        entry(
            f"{number}-{place}",
            organization_id=("one", "two", None)[(number + place * place) % 3],
            status_code=None if place == 0 else 200,
        )
        for place in range(1 + number * 7 % 30)
    ]
    if number:
        organization_id = ("one", "two", None)[(number - 1) % 3]
        batch.append(entry(f"{number - 1}-0", organization_id=organization_id))
    log.append(batch)
    print(number, flush=True)
"""


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """Each process goes on after the last append that was acknowledged to anybody."""
    url = f"duckdb:///{folder / 'log.duckdb'}"
    told: set[int] = set()
    before: dict[tuple[str, str], int] = {}
    for appends in islice(cycle(KILLED_AFTER), KILLS[scale]):
        told |= set(acknowledged(_appending(url, max(told, default=-1) + 1), appends))
        log = open_log(url)
        try:
            numbers = _numbers(log)
            for organization in ("one", "two", ""):
                own = sorted(
                    number for (name, _), number in numbers.items() if name == organization
                )
                assert own == list(range(1, len(own) + 1))
                assert log.since(organization).organization_seq == len(own)
            assert before.items() <= numbers.items()
            assert told <= {int(entry_id.split("-")[0]) for _, entry_id in numbers}
        finally:
            log.close()
        before = numbers
    yield Held(
        "no kill leaves a gap in the numbers of an organization, gives one twice or changes one",
        f"{KILLS[scale]} kills, {len(before):,} entries of two organizations and of none",
    )


def _numbers(log: AuditLog) -> dict[tuple[str, str], int]:
    """The number of each entry by its organization and id."""
    statement = select(entries.c.organization_id, entries.c.id, entries.c.organization_seq)
    rows = log.fetch(statement, Scope.everything(), max_rows=10_000_000).table.to_pylist()
    numbers = {(row["organization_id"], row["id"]): row["organization_seq"] for row in rows}
    assert len(numbers) == len(rows)
    return numbers


def _appending(url: str, first: int) -> subprocess.Popen[str]:
    root = Path(__file__).parents[3]
    return subprocess.Popen(
        [sys.executable, "-c", APPENDING, url, str(first)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'tests'}"},
    )
