"""The end of the log is taken away while nobody looks, after kills: its write-ahead log, its file,
or all that came after an older copy."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import cycle, islice
from pathlib import Path

import pytest

from audit_core.domain.errors import LogBehindError
from audit_core.installation.high_water_marks import StateMarks
from audit_core.log.store import open_log
from audit_core.state.database import open_state
from tests.soak.attack import Held, Scale
from tests.support.strategies import entry

ROOT = Path(__file__).parents[3]
ROUNDS = {Scale.SMALL: 3, Scale.FULL: 30}
BATCHES = (3, 8, 20)

APPENDING = """
import sys
from tests.support.strategies import entry
from audit_core.log.store import open_log
from audit_core.installation.high_water_marks import StateMarks
from audit_core.state.database import open_state

log = open_log(sys.argv[1], marks=StateMarks(open_state(sys.argv[2])))
for number in range(10**9):
    log.append([entry(f"{sys.argv[3]}-{number}-{place}") for place in range(40)])
    print(log.last_seq(), flush=True)
"""


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """Each round appends, kills, takes away, and must be told; then goes on."""
    url, state_url = f"duckdb:///{folder / 'log.duckdb'}", f"sqlite:///{folder / 'state.sqlite'}"
    ways = {"write-ahead log deleted": _without_wal, "file deleted": _without_file,
            "older copy put back": _older}  # fmt: skip
    shutil.copy(_closed(url, state_url, folder), folder / "older")
    lost = 0
    for number, (way, batches) in enumerate(
        islice(zip(cycle(ways), cycle(BATCHES), strict=False), ROUNDS[scale])
    ):
        acknowledged = _killed_after(batches, url, state_url, f"{number}")
        ways[way](folder)
        with closing(open_state(state_url)) as state:
            with closing(open_log(url, marks=StateMarks(state))) as log:
                assert log.loss is not None, f"{way}: nothing was said"
                lost += log.loss.entries
                with pytest.raises(LogBehindError):
                    log.append([entry("refused")])
                log.accept_loss()
                before = log.last_seq()
                assert before >= acknowledged, f"{way}: numbers fall back"
                assert log.append([entry(f"after-{number}")]).accepted == 1
                assert log.last_seq() == before + 1
            with closing(open_log(url, marks=StateMarks(state))) as log:
                assert log.loss is None
        if scale is Scale.FULL and number % 5 == 4:
            shutil.copy(_closed(url, state_url, folder), folder / "older")
    yield Held(
        "a log that has lost its end says so, accepts nothing, and never gives a number twice",
        f"{ROUNDS[scale]} kills and losses, {lost:,} acknowledged entries told to be missing",
    )


def _closed(url: str, state_url: str, folder: Path) -> Path:
    with (
        closing(open_state(state_url)) as state,
        closing(open_log(url, marks=StateMarks(state))) as log,
    ):
        log.check()
    return folder / "log.duckdb"


def _killed_after(batches: int, url: str, state_url: str, name: str) -> int:
    """The highest number that was acknowledged."""
    process = subprocess.Popen(
        [sys.executable, "-c", APPENDING, url, state_url, name],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    highest = 0
    for seen, line in enumerate(process.stdout, start=1):
        highest = int(line)
        if seen == batches:
            process.send_signal(signal.SIGKILL)
    process.stdout.close()
    process.wait()
    return highest


def _without_wal(folder: Path) -> None:
    (folder / "log.duckdb.wal").unlink()


def _without_file(folder: Path) -> None:
    for path in folder.glob("log.duckdb*"):
        path.unlink()


def _older(folder: Path) -> None:
    _without_file(folder)
    shutil.copy(folder / "older", folder / "log.duckdb")
