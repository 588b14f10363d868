"""`python -m benchmarks`: prints the figures and writes them to benchmarks/results.json."""

from __future__ import annotations

import json
import os
import platform
import shutil
import tempfile
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from statistics import median, quantiles

from rich.console import Console
from rich.table import Table

from benchmarks import failed_starts, interactions, readers, reads
from benchmarks.prepared import Prepared, copied, prepare
from tests.contract.engines import ENGINES, Engines

RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    """Reads on each engine of `ENGINES`, then interactions where there is a browser."""
    rows = int(os.environ.get("ROWS", "1000000"))
    names = [name for name in os.environ.get("ENGINES", "duckdb").split(",") if name]
    if unknown := set(names) - set(ENGINES):
        raise SystemExit(f"ENGINES names {', '.join(unknown)}; known are {', '.join(ENGINES)}.")
    console = Console(width=110)
    console.print(f"{rows:,} simulated entries, {os.cpu_count()} cores, {platform.platform()}")
    embedded = prepare(rows)
    results: dict[str, object] = {"rows": rows}
    with closing(Engines(Path(tempfile.gettempdir()) / "sandtrail-bench-engines")) as engines:
        for name in names:
            results[name] = _read(console, name, embedded, engines, rows)
    timings = failed_starts.measure(embedded)
    console.print(failed_starts.table_of(timings))
    results["sandboxes_ms"] = {name: wall_ms for name, (wall_ms, _) in timings.items()}
    if shutil.which("chromium"):
        results["interactions_ms"] = _interact(console, embedded)
    else:
        console.print("No chromium on the PATH: the interactions were not measured.")
    RESULTS.write_text(json.dumps(results, indent=1), encoding="utf-8")


def _read(
    console: Console, name: str, embedded: Prepared, engines: Engines, rows: int
) -> dict[str, object]:
    prepared = embedded
    if name != "duckdb":
        prepared, seconds = copied(embedded, engines.url(name, f"bench_{rows}"))
        if seconds is not None:
            console.print(f"Copied to {name} and compared in {seconds:.0f} s")
    timings = reads.measure(name, prepared)
    table = Table(
        *("statement", "first ms", "ours ms", "by hand ms", "ratio"),
        title=f"{name}: each statement, warm, median",
    )
    for timing in timings:
        table.add_row(
            timing.name,
            *(f"{each:,.1f}" for each in (timing.cold_ms, timing.ours_ms, timing.by_hand_ms)),
            f"{timing.ratio:.2f}",
        )
    console.print(table)
    openings = readers.measure(prepared)
    console.print(f"{name}: {readers.READERS} readers open Overview {openings:.1f} times a second")
    return {"statements": [asdict(timing) for timing in timings], "openings_per_s": openings}


def _interact(console: Console, prepared: Prepared) -> dict[str, list[float]]:
    waits = interactions.measure(prepared)
    table = Table("interaction", "median ms", "p95 ms", title="Browser, press to finished page")
    for name, times in waits.items():
        table.add_row(name, f"{median(times):.0f}", f"{quantiles(times, n=20)[-1]:.0f}")
    console.print(table)
    return waits


if __name__ == "__main__":
    main()
