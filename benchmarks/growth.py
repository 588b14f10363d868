"""How each figure grows with the log, from the results of runs at several sizes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.table import Table

FOLDER = Path(__file__).parent
NOISE_MS = 2.0
"""Below this, growth is not told from noise."""


def results_of(rows: int) -> Path:
    """Where the results of a size are kept."""
    return FOLDER / f"results-{rows}.json"


def table() -> Table | None:
    """The embedded engine's figures side by side; `None` for fewer than two sizes."""
    runs = sorted(
        (json.loads(file.read_text(encoding="utf-8")) for file in FOLDER.glob("results-*.json")),
        key=lambda run: int(run["rows"]),
    )
    runs = [run for run in runs if "duckdb" in run]
    if len(runs) < 2:
        return None
    sizes = [int(run["rows"]) for run in runs]
    figures: list[dict[str, float]] = [_figures(run) for run in runs]
    made = Table(
        "statement",
        *(f"{size / 1e6:g} M" for size in sizes),
        "growth",
        "at most linear",
        title="duckdb: ours, warm, median ms by the number of entries",
    )
    for name in figures[-1]:
        times = [item[name] for item in figures if name in item]
        if len(times) < len(sizes):
            continue
        made.add_row(
            name,
            *(f"{item:,.1f}" for item in times),
            f"x{times[-1] / times[0]:.1f} for x{sizes[-1] / sizes[0]:g}",
            "yes" if _linear(sizes, times) else "no",
        )
    return made


def _figures(run: dict[str, Any]) -> dict[str, float]:
    return {item["name"]: item["ours_ms"] for item in run["duckdb"]["statements"]}


def _linear(sizes: list[int], times: list[float]) -> bool:
    return all(
        later <= max(earlier, NOISE_MS) * larger / smaller
        for earlier, later, smaller, larger in zip(times, times[1:], sizes, sizes[1:], strict=False)
    )
