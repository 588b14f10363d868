"""The command that follows a pipe is killed, again and again, while a console is written to it."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from audit_core.domain.access import Scope
from audit_core.explore.reader import Reader
from audit_core.log.schema import from_arrow
from audit_core.log.store import open_log
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from tests.soak.attack import Held, Scale
from tests.support.app_process import ROOT

KILLS = {Scale.SMALL: 1, Scale.FULL: 40}
REPORTS = (1, 2, 5)
"""After how many reports a process is killed, in turn."""
COMMAND = """
import sys
from audit_core.cli import ingest
from audit_core.__main__ import main
ingest.TOLD_EVERY_S = 0.0  # each time that something is stored
sys.argv = ["sandtrail", "ingest", "-"]
main()
"""
_REPORT = re.compile(r"-: ([\d,]+) accepted, ([\d,]+) already known, [\d,]+ finished, ([\d,]+) rej")


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """Each process is given the console from its beginning, and is killed while it goes on."""
    url = f"duckdb:///{folder / 'log.duckdb'}"
    settings = {
        "SANDTRAIL_LOG_URL": url,
        "SANDTRAIL_STATE_URL": f"sqlite:///{folder / 'state.sqlite'}",
        "SANDTRAIL_KEY_FILE": str(folder / "secret.key"),
    }
    written = reported = 0
    for number in range(KILLS[scale]):
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND],
            cwd=ROOT,
            env={**os.environ, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        console = _Console(process)
        acknowledged = [_next_report(process) for _ in range(REPORTS[number % len(REPORTS)])][-1]
        process.kill()
        written = max(written, console.end())
        reported = max(reported, acknowledged)
        stored = _stored(url)
        assert len(stored) >= reported, (len(stored), reported)
        # In the order in which they were written, without a hole, and nothing twice.
        assert stored == [f"e{entry}" for entry in range(len(stored))]
        assert len(stored) <= written
    yield Held(
        "no kill of what follows a pipe loses, skips or doubles an entry that was reported",
        f"{KILLS[scale]} kills, {reported:,} reported of {written:,} written",
    )


class _Console:
    """Writes lines, entries and others and broken ones, until the process is gone."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._entries = 0
        self._thread = threading.Thread(target=self._write)
        self._thread.start()

    def end(self) -> int:
        """How many entries were written, once the process is killed."""
        self._thread.join(timeout=60)
        self._process.communicate()
        return self._entries

    def _write(self) -> None:
        chance = random.Random(1)  # noqa: S311  # the same console each time
        try:
            while True:
                self._process.stdin.write(self._lines(chance.randrange(1, 200)))
                self._process.stdin.flush()
                threading.Event().wait(chance.random() / 50)
        except BrokenPipeError:
            pass  # It was killed.

    def _lines(self, count: int) -> str:
        lines = ["[Nest] 1 LOG a request\n", "AUDIT_ENTRY: {\n"]
        for _ in range(count):
            record = {
                "id": f"e{self._entries}",
                "actorId": "u",
                "action": "start",
                "statusCode": 200,
                "createdAt": "2026-05-04T08:00:00Z",
            }
            lines.append(f"[Nest] 1 LOG [AuditService] AUDIT_ENTRY: {json.dumps(record)} +1ms\n")
            self._entries += 1
        return "".join(lines)


def _next_report(process: subprocess.Popen[str]) -> int:
    """How many entries the process says are stored."""
    line = process.stdout.readline()
    found = _REPORT.match(line)
    assert found is not None, line
    accepted, known, _ = (int(number.replace(",", "")) for number in found.groups())
    return accepted + known


def _stored(url: str) -> list[str]:
    log = open_log(url)
    try:
        steps = Reader(log).export(
            Query(EntryFilter(), Scope.everything(), TimeRange(since=None, until=None))
        )
        ids = [entry.id for step in steps for entry in from_arrow(step)]
    finally:
        log.close()
    return sorted(ids, key=lambda entry_id: int(entry_id[1:]))
