"""Another process that appends without end, until it is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

BATCH = 40

APPENDING = f"""
import sys
from tests.support.strategies import entry
from audit_core.log.store import open_log

log = open_log(sys.argv[1], holder="the other one")
for number in range(int(sys.argv[2]), 10**9):
    batch = [
        entry(f"{{number}}-{{place}}", status_code=None if place == 0 else 200)
        for place in range({BATCH})
    ]
    if number:
        batch.append(entry(f"{{number - 1}}-0", status_code=200))
    log.append(batch)
    print(number, flush=True)
"""


def start_appending(url: str, first: int) -> subprocess.Popen[str]:
    """A process that appends batches from a number on, and prints each once acknowledged."""
    root = Path(__file__).parents[2]
    return subprocess.Popen(
        [sys.executable, "-c", APPENDING, url, str(first)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'tests'}"},
    )


def acknowledged(process: subprocess.Popen[str], most: int) -> list[int]:
    """The numbers of the batches that were acknowledged before it was killed."""
    numbers = []
    for line in process.stdout:
        numbers.append(int(line))
        if len(numbers) == most:
            process.send_signal(signal.SIGKILL)
    process.stdout.close()
    process.wait()
    return numbers
