"""Exports as a share of DuckDB's own COPY of the same rows, in turns with it; and what they cost.

COPY gets every advantage: it need not sort, nor read from short transactions, nor look for
secrets.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from statistics import median

import duckdb
import psutil
import pyarrow as pa

from audit_core.domain.access import Scope
from audit_core.domain.entries import FIELDS, AuditEntry
from audit_core.evidence.download import FileKind, Format, Progress, stream
from audit_core.evidence.jobs.making import STEP_WAIT_S
from audit_core.evidence.jobs.resting import Resting
from audit_core.explore.reader import Reader
from audit_core.log.reads.read_context import ReadContext, reading_in
from audit_core.log.schema import from_arrow
from audit_core.log.store import AuditLog, open_log
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import Window
from benchmarks.prepared import PATIENT, UNTIL, Prepared

TIMES = 5
ALL = EntryFilter(window=Window(preset="all"))
FORMATS = (Format.CSV, Format.JSONL, Format.PARQUET, Format.XLSX)
"""Those of columns; a pack is made of leaves."""
COPIED = {
    Format.CSV: "FORMAT csv, HEADER",
    Format.JSONL: "FORMAT json",
    Format.PARQUET: "FORMAT parquet, COMPRESSION zstd",
}
RAW_SHARE, REDACTED_SHARE, WORKBOOK_PER_S = 0.8, 0.3, 50_000
MAX_MB = 300
KEPT_SHARE = 0.8
MEANWHILE_S = 8.0
BATCH = 1_000


@dataclass(frozen=True, kw_only=True)
class Speed:
    """How fast one format is written, in rows a second; the median of `TIMES`."""

    format: str
    copy: float | None
    """DuckDB's own; `None` where it has no such format."""
    raw: float
    redacted: float

    @property
    def met(self) -> bool:
        """Whether it is as fast as it should be."""
        if self.copy is None:
            return self.redacted >= WORKBOOK_PER_S
        return self.raw >= RAW_SHARE * self.copy and self.redacted >= REDACTED_SHARE * self.copy


@dataclass(frozen=True, kw_only=True)
class Meanwhile:
    """What an export leaves to others in the same process: shares of what they do without one."""

    ingest: float
    pages: float

    @property
    def met(self) -> bool:
        """Whether it is enough."""
        return min(self.ingest, self.pages) >= KEPT_SHARE


def speeds(prepared: Prepared) -> list[Speed]:
    """All formats, of the largest organization."""
    file = prepared.folder / "exported"
    organization = prepared.organization_id
    rates: dict[tuple[Format, str], list[float]] = defaultdict(list)
    for _ in range(TIMES):
        for format in FORMATS:
            if format in COPIED:
                rates[format, "copy"].append(_copied(prepared, file, COPIED[format]))
            with closing(open_log(prepared.log_url, limits=PATIENT)) as log:
                for name, secrets in (("raw", True), ("redacted", False)):
                    scope = Scope(organization_id=organization, secrets=secrets)
                    rates[format, name].append(_exported(log, scope, format, file))
    file.unlink()
    return [
        Speed(
            format=format.label,
            copy=median(rates[format, "copy"]) if format in COPIED else None,
            raw=median(rates[format, "raw"]),
            redacted=median(rates[format, "redacted"]),
        )
        for format in FORMATS
    ]


def _copied(prepared: Prepared, file: Path, form: str) -> float:
    columns = ", ".join(f'{attribute} AS "{name}"' for name, attribute in FIELDS)
    with duckdb.connect(str(prepared.folder / "log.duckdb"), read_only=True) as connection:
        connection.execute("SET enable_progress_bar=false")
        own = f"organization_id = '{prepared.organization_id}'"
        whole = "(SELECT * FROM audit_entry UNION ALL SELECT * FROM unfinished_entry)"
        began = time.perf_counter()
        (rows,) = connection.execute(
            f"COPY (SELECT {columns} FROM {whole} WHERE {own}) TO '{file}' ({form})"  # noqa: S608
        ).fetchone() or (0,)
        return float(rows / (time.perf_counter() - began))


def _exported(log: AuditLog, scope: Scope, format: Format, file: Path) -> float:
    progress = Progress()
    query = Query(ALL, scope, ALL.window.time_range(UNTIL))
    began = time.perf_counter()
    with file.open("wb") as target:
        for piece in stream(Reader(log), query, FileKind(format=format), progress=progress):
            target.write(piece)
    return progress.entries / (time.perf_counter() - began)


def memory(prepared: Prepared) -> dict[str, float]:
    """How many MB the command takes at most for each format, above what it takes for an export of
    nothing."""
    nothing = _peak_mb(prepared, "csv", "--from", "2199-01-01T00:00:00Z")
    return {format.label: _peak_mb(prepared, format.value) - nothing for format in FORMATS}


def _peak_mb(prepared: Prepared, format: str, *options: str) -> float:
    file = prepared.folder / "exported"
    process = subprocess.Popen(  # noqa: S603 - our own command
        [
            *(sys.executable, "-m", "audit_core", "export", "--output", str(file)),
            *("--format", format, "--organization", prepared.organization_id, *options),
        ],
        env={**os.environ, **prepared.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    peak = 0
    while process.poll() is None:
        try:
            peak = max(peak, psutil.Process(process.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            break
        time.sleep(0.05)
    file.unlink(missing_ok=True)
    if process.wait():
        raise SystemExit(f"The export as {format} failed.")
    return peak / 2**20


def meanwhile(prepared: Prepared) -> Meanwhile:
    """What appends and pages keep of their speed while CSV is exported, on a copy of the log."""
    folder = prepared.folder / "exported-from"
    folder.mkdir(exist_ok=True)
    shutil.copy(prepared.folder / "log.duckdb", folder / "log.duckdb")
    scope = Scope(organization_id=prepared.organization_id)
    with closing(open_log(f"duckdb:///{folder / 'log.duckdb'}", limits=PATIENT)) as log:
        reader = Reader(log)
        query = Query(ALL, scope, ALL.window.time_range(UNTIL + timedelta(days=30)))
        arrivals = _arrivals(from_arrow(next(reader.export(query)).slice(0, BATCH)))
        week = EntryFilter(window=Window(preset="7d"))
        shown = Query(week, scope, week.window.time_range(UNTIL))

        def append() -> None:
            log.append(next(arrivals))

        def page() -> None:
            reader.page(shown, None, 25)
            reader.outcomes_over_time(shown, UNTIL)

        found = []
        for work in (append, page):
            alone = _rate(work)
            with _exporting(log, replace(query)):
                found.append(_rate(work) / alone)
    shutil.rmtree(folder)
    return Meanwhile(ingest=found[0], pages=found[1])


def _arrivals(batch: list[AuditEntry]) -> Iterator[list[AuditEntry]]:
    number = 0
    while True:
        number += 1
        yield [
            replace(
                entry,
                id=f"{number}-{index}",
                created_at=UNTIL + timedelta(seconds=number),
            )
            for index, entry in enumerate(batch)
        ]


def _rate(work: Callable[[], None]) -> float:
    began, times = time.perf_counter(), 0
    while time.perf_counter() - began < MEANWHILE_S:
        work()
        times += 1
    return times / (time.perf_counter() - began)


class _exporting:
    """While it lasts, one export after the other is made and thrown away."""

    def __init__(self, log: AuditLog, query: Query) -> None:
        self._log, self._query = log, query
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._export)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _export(self) -> None:
        kind = FileKind(format=Format.CSV)
        while not self._ended.is_set():
            rest = Resting(self._log)

            def seen(rows: pa.Table, rest: Resting = rest) -> None:
                rest()

            with reading_in(ReadContext(wait_s=STEP_WAIT_S)):
                self._write(kind, seen)

    def _write(self, kind: FileKind, seen: Callable[[pa.Table], None]) -> None:
        for _ in stream(Reader(self._log), self._query, kind, progress=Progress(), seen=seen):
            if self._ended.is_set():
                return
