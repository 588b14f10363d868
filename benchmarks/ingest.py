"""Loading a large file of JSON lines by `python -m audit_core ingest`, in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from audit_core.ingest.files import read_batches
from audit_core.ingest.pipeline import BATCH
from audit_core.ingest.records.record import write_record
from audit_core.log.store import open_log
from audit_core.simulator import simulate

ROWS = 5_000_000
UNTIL = datetime(2026, 11, 24, tzinfo=UTC)
SEED = 7
SIMULATED = 100_000
"""How many entries are simulated; the others are the same with ids and times of their own."""

DAYS = 90
BAD_EVERY = 1000
BAD = (
    b'{"id":"","actorId":"u","action":"create","createdAt":"2026-01-01T00:00:00Z"}\n',
    b'{"id":"a","actorId":"u","action":"create","createdAt":"2026-02-30T00:00:00Z"}\n',
    b'{"id":"a","actorId":"u","action":"create","createdAt":"2026-01-01T00:00:00Z","statusCode":7}\n',
    b'{"id":"a","id":"b","actorId":"u","action":"create","createdAt":"2026-01-01T00:00:00Z"}\n',
    b'{"id":"a","actorId":"u","action":"cre\n',
)
MAX_MB = 1536
LEAST_PER_S = 120_000


@dataclass(frozen=True, kw_only=True)
class Load:
    """One run of the command over one file."""

    name: str
    lines: int
    seconds: float
    """From the start of the process to its end."""
    processor_s: float
    peak_mb: float
    """The most memory of the process."""
    file_mb: float
    """The size of the log afterwards."""
    told: str
    """The command's own report."""

    @property
    def per_s(self) -> float:
        """Lines a second."""
        return self.lines / self.seconds

    @property
    def met(self) -> bool:
        """Whether speed and memory are within the targets."""
        return self.per_s >= LEAST_PER_S and self.peak_mb < MAX_MB


@dataclass(frozen=True, kw_only=True)
class Share:
    """What one of the two halves of the work costs alone, in microseconds of processor time."""

    reading_us: float
    storing_us: float


def measure(rows: int) -> list[Load]:
    """Load `rows` clean lines, then the same again, and as many with bad ones among them."""
    folder = Path(tempfile.gettempdir()) / "sandtrail-bench-ingest"
    folder.mkdir(exist_ok=True)
    clean, bad = folder / f"clean-{rows}.jsonl", folder / f"bad-{rows}.jsonl"
    if not bad.exists():
        _write(clean, rows)
        _spoil(clean, bad)
    loads = [
        _load("clean", clean, rows, folder / "log", anew=True),
        _load("all known", clean, rows, folder / "log", anew=False),
        _load("1 in 1,000 bad", bad, rows, folder / "log", anew=True),
    ]
    shutil.rmtree(folder / "log")
    return loads


def shares(rows: int) -> Share:
    """Read, and store, `rows` of the file that `measure` has made, one after the other."""
    folder = Path(tempfile.gettempdir()) / "sandtrail-bench-ingest"
    shutil.rmtree(folder / "log", ignore_errors=True)
    (folder / "log").mkdir()
    log = open_log(f"duckdb:///{folder / 'log' / 'log.duckdb'}")
    reading = storing = 0.0
    taken = 0
    with next(folder.glob("clean-*.jsonl")).open("rb") as stream:
        batches = read_batches(stream, "clean")
        held: list[pa.Table] = []
        while taken < rows:
            started = time.process_time()
            count = 0
            while count < BATCH and (batch := next(batches, None)) is not None:
                held.append(batch.table)
                count += batch.table.num_rows
            reading += time.process_time() - started
            if not held:
                break
            started = time.process_time()
            log.append_table(pa.concat_tables(held).combine_chunks())
            storing += time.process_time() - started
            held, taken = [], taken + count
    log.close()
    return Share(reading_us=reading / taken * 1e6, storing_us=storing / taken * 1e6)


def _write(file: Path, rows: int) -> None:
    copies = -(-rows // SIMULATED)
    span = timedelta(days=DAYS) / copies
    simulated = list(_pieces(max(span, timedelta(days=1))))
    left = rows
    with file.open("wb") as stream:
        for copy in range(copies):
            shift = span * (copy + 1 - copies)
            ending = f"{copy:08x}"
            lines = []
            for id, body, target, at in simulated[:left]:
                own = body.replace(target, target[:28] + ending) if target else body
                moment = (at + shift).isoformat(timespec="microseconds").replace("+00:00", "Z")
                lines.append(f'{{"id":"{id}{ending}{own}"createdAt":"{moment}"}}\n')
            stream.write("".join(lines).encode())
            left -= len(lines)


def _pieces(span: timedelta) -> Iterator[tuple[str, str, str | None, datetime]]:
    """Of each arrival: the first part of its id, its line from behind the id to before its time,
    the id of its target, and its time."""
    days = span / timedelta(days=1)
    for arrival in simulate(entries=SIMULATED, seed=SEED, until=UNTIL, days=days):
        entry = arrival.entry
        body = write_record(entry).rpartition('"createdAt":')[0]
        target = entry.target_id if len(entry.target_id or "") == 36 else None
        yield entry.id[:28], body[len('{"id":"') + 36 :], target, entry.created_at


def _spoil(clean: Path, bad: Path) -> None:
    """The same lines, each `BAD_EVERY`th of them a bad one."""
    with clean.open("rb") as source, bad.open("wb") as stream:
        for number, line in enumerate(source, 1):
            spoiled = number % BAD_EVERY == 0
            stream.write(BAD[number // BAD_EVERY % len(BAD)] if spoiled else line)


def _load(name: str, file: Path, lines: int, folder: Path, *, anew: bool) -> Load:
    if anew:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(exist_ok=True)
    environment = {
        **os.environ,
        "SANDTRAIL_LOG_URL": f"duckdb:///{folder / 'log.duckdb'}",
        "SANDTRAIL_STATE_URL": f"sqlite:///{folder / 'state.sqlite'}",
        "SANDTRAIL_KEY_FILE": str(folder / "secret.key"),
        "SANDTRAIL_DEMO": "0",
    }
    command = [sys.executable, "-m", "audit_core", "ingest", str(file)]
    started = time.perf_counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own program
        told = process.stdout.read() if process.stdout else ""
        _, _, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = 0
    return Load(
        name=name,
        lines=lines,
        seconds=seconds,
        processor_s=used.ru_utime + used.ru_stime,
        peak_mb=used.ru_maxrss / 1024,
        file_mb=(folder / "log.duckdb").stat().st_size / 2**20,
        told=told.strip().rpartition(": ")[2],
    )


if __name__ == "__main__":
    for load in measure(int(os.environ.get("INGEST_ROWS") or ROWS)):
        sys.stdout.write(f"{load} {load.per_s:,.0f}/s {'met' if load.met else 'missed'}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{shares(1_000_000)}\n")
