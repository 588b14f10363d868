"""What users would take instead, on the same entries: Datasette, where it is installed.

It is no dependency of ours, not even of the benchmarks: `pip install datasette` into an
environment of its own, and have its `datasette` on the PATH. It reads a copy of the log on SQLite
with three indexes led by the organization, its limits raised so that it answers at all. Its times
are of its JSON over HTTP on this machine, ours of the read alone.
"""

from __future__ import annotations

import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import duckdb
import httpx

from audit_core.domain.access import Scope
from audit_core.evidence.download import FileKind, Format, Progress, stream
from audit_core.explore.reader import Reader
from audit_core.log.schema import audit_entry
from audit_core.log.store import open_log
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import Window
from benchmarks.prepared import PATIENT, UNTIL, Prepared
from benchmarks.reads import facts_of

COMMAND = "datasette"
TIMES = 3
WATCHED_S = 15.0
INDEXED = (
    "organization_id, created_at, seq",
    "organization_id, target_id, created_at",
    "organization_id, actor_email, created_at",
)
FACETED = ("action", "actor_email", "target_type", "status_code", "source", "ip_address")
ALL = EntryFilter(window=Window(preset="all"))


@dataclass(frozen=True, kw_only=True)
class Beside:
    """One answer, from both."""

    name: str
    ours: float
    theirs: float
    unit: str


def installed() -> bool:
    """Whether there is anything to measure."""
    return shutil.which(COMMAND) is not None


def measure(prepared: Prepared) -> list[Beside]:
    """Medians of `TIMES` answers, warm; of downloads, rows a second."""
    file = prepared.folder / "peer.sqlite"
    if not file.exists():
        _copy(prepared.folder / "log.duckdb", file)
    scope = Scope(organization_id=prepared.organization_id)
    always = ALL.window.time_range(UNTIL)
    text = EntryFilter(window=ALL.window, query='message:"no space left"')
    newest = "&_sort_desc=created_at&_size=25"
    with closing(open_log(prepared.log_url, limits=PATIENT)) as log, _served(file) as address:
        reader = Reader(log)
        sandbox = facts_of(log, scope).sandbox_id
        history = EntryFilter(window=ALL.window, targets=(sandbox,))
        asked: list[tuple[str, Callable[[], object], str]] = [
            ("newest page", lambda: reader.page(Query(ALL, scope, always), None, 25), newest),
            ("a facet", lambda: reader.listed("action", Query(ALL, scope, always), 30), _facets(1)),
            (
                "six facets, ours nine",
                lambda: reader.facets(Query(ALL, scope, always), 30),
                _facets(6),
            ),
            (
                "page of a text",
                lambda: reader.page(Query(text, scope, always), None, 25),
                f"&error_message__contains=no+space+left{newest}",
            ),
            (
                "a sandbox's history",
                lambda: reader.page(Query(history, scope, always), None, 25),
                f"&target_id={sandbox}{newest}",
            ),
        ]
        own = f"organization_id={prepared.organization_id}"
        found = [
            Beside(
                name=name,
                ours=_median_ms(ours),
                theirs=_median_ms(_asking(f"{address}.json?{own}{theirs}")),
                unit="ms",
            )
            for name, ours, theirs in asked
        ]
        kind = FileKind(format=Format.CSV)
        written = stream(reader, Query(ALL, scope, always), kind, progress=Progress())
        with httpx.stream("GET", f"{address}.csv?{own}&_stream=on", timeout=600) as answer:
            rates = [_rows_a_second(pieces) for pieces in (written, answer.iter_bytes())]
    download = Beside(name="download as CSV", ours=rates[0], theirs=rates[1], unit="rows/s")
    return [*found, download]


def _facets(count: int) -> str:
    return "&_size=1" + "".join(f"&_facet={name}" for name in FACETED[:count])


def _copy(source: Path, target: Path) -> None:
    """Copy the finished entries to SQLite, with indexes."""
    names = [column.name for column in audit_entry.columns]
    unfinished = target.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    with (
        duckdb.connect(str(source), read_only=True) as log,
        closing(sqlite3.connect(unfinished)) as copy,
    ):
        copy.execute(f"CREATE TABLE audit_entry ({', '.join(names)})")
        log.execute(
            "SELECT * REPLACE (created_at::VARCHAR AS created_at, "
            "received_at::VARCHAR AS received_at) FROM audit_entry"
        )
        insert = f"INSERT INTO audit_entry VALUES ({', '.join('?' * len(names))})"  # noqa: S608
        while rows := log.fetchmany(50_000):
            copy.executemany(insert, rows)
        for number, columns in enumerate(INDEXED):
            copy.execute(f"CREATE INDEX index_{number} ON audit_entry ({columns})")
        copy.execute("ANALYZE")
        copy.commit()
    unfinished.rename(target)


@contextmanager
def _served(file: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    raised = ("sql_time_limit_ms", "facet_time_limit_ms")
    limits = [word for name in raised for word in ("--setting", name, "600000")]
    process = subprocess.Popen(  # noqa: S603 - a program that is on the PATH on purpose
        [
            *(str(shutil.which(COMMAND)), "serve", "-i", str(file), "--port", str(port)),
            *(*limits, "--setting", "max_csv_mb", "0"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            try:
                httpx.get(f"{address}/-/versions.json")
                break
            except httpx.HTTPError:
                time.sleep(0.2)
        yield f"{address}/peer/audit_entry"
    finally:
        process.terminate()
        process.wait()


def _asking(address: str) -> Callable[[], object]:
    return lambda: httpx.get(address, timeout=600).raise_for_status()


def _median_ms(ask: Callable[[], object]) -> float:
    times = []
    ask()
    for _ in range(TIMES):
        began = time.perf_counter()
        ask()
        times.append((time.perf_counter() - began) * 1000)
    return median(times)


def _rows_a_second(pieces: Iterator[bytes]) -> float:
    began, rows = time.perf_counter(), 0
    for piece in pieces:
        rows += piece.count(b"\n")
        if time.perf_counter() - began > WATCHED_S:
            break
    return rows / (time.perf_counter() - began)
