"""`python -m benchmarks`: prints the figures and writes them to benchmarks/results.json."""

from __future__ import annotations

import json
import os
import platform
import shutil
from pathlib import Path
from statistics import median, quantiles

from rich.console import Console
from rich.table import Table

from benchmarks import interactions, reads
from benchmarks.prepared import prepare

RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    """Reads, then interactions where there is a browser."""
    rows = int(os.environ.get("ROWS", "1000000"))
    console = Console()
    console.print(f"{rows:,} simulated entries, {os.cpu_count()} cores, {platform.platform()}")
    prepared = prepare(rows)
    read_times = reads.measure(prepared)
    table = Table("filter", "read", "median ms", title="Reads, warm")
    for label, name, milliseconds in read_times:
        table.add_row(label, name, f"{milliseconds:.0f}")
    console.print(table)
    waits: dict[str, list[float]] = {}
    if shutil.which("chromium"):
        waits = interactions.measure(prepared)
        table = Table("interaction", "median ms", "p95 ms", title="Browser, press to finished page")
        for name, times in waits.items():
            table.add_row(name, f"{median(times):.0f}", f"{quantiles(times, n=20)[-1]:.0f}")
        console.print(table)
    else:
        console.print("No chromium on the PATH: the interactions were not measured.")
    RESULTS.write_text(
        json.dumps({"rows": rows, "reads_ms": read_times, "interactions_ms": waits}, indent=1)
    )


if __name__ == "__main__":
    main()
