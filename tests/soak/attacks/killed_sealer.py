"""The process that appends and seals is killed, again and again, at any point of either."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from audit_core.installation.opened import Installation, open_installation
from audit_core.integrity.checkpoint import open_checkpoint
from audit_core.log.store import utc_now
from audit_core.runtime.settings import Settings
from tests.soak.attack import Held, Scale
from tests.support.new_state import new_state
from tests.support.strategies import NOW, entry

ORGANIZATION = "org-alpha"
KILLS = {Scale.SMALL: 2, Scale.FULL: 30}
MOST_STEPS = {Scale.SMALL: 12, Scale.FULL: 60}
"""After how many appends, some of them sealed, a process is killed at most."""


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """Whatever was signed stays the beginning of what is signed later, and the log fits it."""
    new_state(folder / "state.sqlite").close()
    chance = random.Random(7)  # noqa: S311 - a fixed sequence
    signed: dict[int, bytes] = {}
    for kill in range(KILLS[scale]):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.attacks.killed_sealer", str(folder), str(kill)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        for _ in range(chance.randrange(1, MOST_STEPS[scale])):
            assert process.stdout.readline() == "done\n"
        time.sleep(chance.uniform(0.0, 0.05))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        with closing(_opened(folder)) as opened:
            newest = opened.trees.newest(ORGANIZATION)
            if newest is None:
                continue
            checkpoint, _ = open_checkpoint(newest.note, [opened.trees.sealing.signer.key])
            assert (checkpoint.size, checkpoint.root) == (newest.size, newest.root)
            signed[newest.size] = newest.root
            reader = opened.trees.sealed_now(ORGANIZATION)
            assert {size: reader.root(size) for size in signed} == signed
            signed[reader.size()] = reader.checkpoint.root
    with closing(_opened(folder)) as opened:
        result = opened.trees.verify(
            ORGANIZATION, earliest=None, progress=lambda checked, to_check: None
        )
        assert result.findings == ()
    yield Held(
        "no kill leaves a tree that contradicts what was signed, or the log",
        f"{KILLS[scale]} kills, {result.size:,} writes sealed, {len(signed)} roots compared, "
        f"{result.kept.get('superseded', 0):,} replaced versions kept",
    )


def _opened(folder: Path) -> Installation:
    settings = Settings(
        log_url=f"duckdb:///{folder / 'log.duckdb'}",
        state_url=f"sqlite:///{folder / 'state.sqlite'}",
        key_file=folder / "key",
        free_space_floor_mb=0,
    )
    return open_installation(settings, utc_now)


def _append_and_seal(folder: Path, name: str) -> None:
    opened = _opened(folder)
    chance = random.Random(name)  # noqa: S311 - a fixed sequence
    number = 0
    while True:
        ids = [f"{name}-{number + step}" for step in range(chance.randrange(1, 120))]
        number += len(ids)
        opened.log.append([entry(id, status_code=None, created_at=NOW) for id in ids])
        if chance.random() < 0.7:
            opened.log.append([entry(id, created_at=NOW) for id in ids[::2]])
        if chance.random() < 0.5:
            opened.trees.sealing.seal(ORGANIZATION)
        sys.stdout.write("done\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _append_and_seal(Path(sys.argv[1]), sys.argv[2])
