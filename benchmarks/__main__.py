"""`python -m benchmarks`: prints the figures and writes them to benchmarks/results-ROWS.json."""

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

from benchmarks import (
    alarms,
    detections,
    exports,
    failed_starts,
    growth,
    ingest,
    integrity,
    interactions,
    packs,
    peers,
    readers,
    reads,
    sessions,
    sources,
)
from benchmarks.prepared import Prepared, copied, prepare
from tests.contract.engines import ENGINES, Engines

PARTS = ("reads", "readers", "starts", "peers", "interactions", "sessions")
"""What is measured, unless `PARTS=` names some of it; `alarms`, `detections`, `exports`, `ingest`,
`integrity`, `packs` and `sources` only when they are named."""


def main() -> None:
    """Reads on each engine of `ENGINES`, then what needs a browser where there is one."""
    rows = int(os.environ.get("ROWS", "1000000"))
    names = [name for name in os.environ.get("ENGINES", "duckdb").split(",") if name]
    if unknown := set(names) - set(ENGINES):
        raise SystemExit(f"ENGINES names {', '.join(unknown)}; known are {', '.join(ENGINES)}.")
    parts = [part for part in os.environ.get("PARTS", ",".join(PARTS)).split(",") if part]
    console = Console(width=120)
    console.print(f"{rows:,} simulated entries, {os.cpu_count()} cores, {platform.platform()}")
    embedded = prepare(rows)
    file = growth.results_of(rows)
    results: dict[str, object] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    results |= {"rows": rows, "cores": os.cpu_count(), "platform": platform.platform()}
    with closing(Engines(Path(tempfile.gettempdir()) / "sandtrail-bench-engines")) as engines:
        for name in names:
            prepared = _elsewhere(console, name, embedded, engines, rows)
            if "reads" in parts:
                results[name] = _read(console, name, prepared)
            if "readers" in parts:
                openings = readers.measure(prepared)
                console.print(
                    f"{name}: {readers.READERS} readers open Overview {openings:.1f} times a second"
                )
                results[f"{name}_openings_per_s"] = openings
            if "detections" in parts:
                tried = detections.measure_backtest(name, prepared)
                console.print(tried.table(name))
                console.print(f"{name}: {tried}")
                results[f"{name}_backtest"] = {**asdict(tried), "met": tried.met}
    if "starts" in parts:
        timings = failed_starts.measure(embedded)
        console.print(failed_starts.table_of(timings))
        results["sandboxes_ms"] = {name: wall_ms for name, (wall_ms, _) in timings.items()}
    if "peers" in parts:
        results["peers"] = _peers(console, embedded)
    if "alarms" in parts:
        results["alarms"] = _alarms(console)
    results |= _written(console, embedded, parts)
    results |= _served(console, embedded, parts)
    file.write_text(json.dumps(results, indent=1), encoding="utf-8")
    if (table := growth.table()) is not None:
        console.print(table)


def _alarms(console: Console) -> dict[str, object]:
    seeds = [int(one) for one in os.environ.get("SEEDS", "").split(",") if one] or alarms.SEEDS
    found = alarms.measure(int(os.environ.get("ALARM_ROWS") or alarms.ROWS), seeds)
    console.print(found.table())
    console.print(
        f"{found.false_per_100_000:.2f} alerts beside incidents in 100,000 entries "
        f"({'met' if found.met else 'missed'})"
    )
    return {**asdict(found), "false_per_100_000": found.false_per_100_000, "met": found.met}


def _peers(console: Console, prepared: Prepared) -> list[dict[str, object]]:
    if not peers.installed():
        console.print(f"No {peers.COMMAND} on the PATH: it was not measured.")
        return []
    found = peers.measure(prepared)
    table = Table("answer", "ours", "Datasette", "unit", title="The same entries in Datasette")
    for item in found:
        table.add_row(item.name, f"{item.ours:,.0f}", f"{item.theirs:,.0f}", item.unit)
    console.print(table)
    return [asdict(item) for item in found]


def _served(console: Console, prepared: Prepared, parts: list[str]) -> dict[str, object]:
    """What the running app is measured by."""
    results: dict[str, object] = {}
    if not shutil.which("chromium"):
        console.print("No chromium on the PATH: what needs a browser was not measured.")
        return results
    if "interactions" in parts:
        results["interactions_ms"] = _interact(console, prepared)
    if "sessions" in parts:
        results["sessions"] = _sessions(console, prepared)
    if "sources" in parts:
        results["sources"] = _sources(console, prepared)
    return results


def _elsewhere(
    console: Console, name: str, embedded: Prepared, engines: Engines, rows: int
) -> Prepared:
    if name == "duckdb":
        return embedded
    prepared, seconds = copied(embedded, engines.url(name, f"bench_{rows}"))
    if seconds is not None:
        console.print(f"Copied to {name} and compared in {seconds:.0f} s")
    return prepared


def _read(console: Console, name: str, prepared: Prepared) -> dict[str, object]:
    measured = reads.measure(name, prepared)
    table = Table(
        *("statement", "first ms", "warm ms", "by hand ms", "ratio"),
        *("processor ms", "by hand", "target ms", "met"),
        title=f"{name}: first time after opening; warm medians",
    )
    for timing in measured.timings:
        times = (timing.cold_ms, timing.ours_ms, timing.by_hand_ms)
        table.add_row(
            timing.name,
            *(f"{item:,.1f}" for item in times),
            f"{timing.ratio:.2f}",
            *(f"{item:,.0f}" for item in (timing.processor_ms, timing.by_hand_processor_ms)),
            "" if timing.target_ms is None else f"{timing.target_ms:.0f}",
            "yes" if timing.met else "no",
        )
    console.print(table)
    console.print(
        f"{name}: opened in {measured.opened_s:.1f} s; at most {measured.peak_mb:,.0f} MB; met: "
        f"within the target, and {reads.MAX_RATIO} times by hand or {reads.SLACK_MS:.0f} ms more"
    )
    return {
        "statements": [
            {**asdict(timing), "ratio": timing.ratio, "met": timing.met}
            for timing in measured.timings
        ],
        "opened_s": measured.opened_s,
        "peak_mb": measured.peak_mb,
    }


def _written(console: Console, prepared: Prepared, parts: list[str]) -> dict[str, object]:
    """What goes out of the log and comes into it."""
    results: dict[str, object] = {}
    if "exports" in parts:
        results["exports"] = _exports(console, prepared)
    if "ingest" in parts:
        results["ingest"] = _ingest(console, int(os.environ.get("INGEST_ROWS") or ingest.ROWS))
    if "integrity" in parts:
        sealed = integrity.measure(int(os.environ.get("INGEST_ROWS") or 1_000_000))
        console.print(str(sealed))
        results["integrity"] = asdict(sealed)
    if "detections" in parts:
        watched = detections.measure_watching(int(os.environ.get("INGEST_ROWS") or 300_000))
        console.print(str(watched))
        results["watching"] = {**asdict(watched), "met": watched.met}
    if "packs" in parts:
        packed = packs.measure()
        console.print(str(packed))
        results["packs"] = asdict(packed)
    return results


def _exports(console: Console, prepared: Prepared) -> dict[str, object]:
    found = exports.speeds(prepared)
    memory = exports.memory(prepared)
    table = Table(
        *("format", "COPY rows/s", "raw", "share", "redacted", "share", "MB", "met"),
        title="Exports beside DuckDB's own COPY of the same rows",
    )
    for speed in found:
        shares = [
            "" if speed.copy is None else f"{rate / speed.copy:.2f}"
            for rate in (speed.raw, speed.redacted)
        ]
        mb = memory[speed.format]
        table.add_row(
            speed.format,
            "" if speed.copy is None else f"{speed.copy:,.0f}",
            *(f"{speed.raw:,.0f}", shares[0], f"{speed.redacted:,.0f}", shares[1]),
            f"{mb:,.0f}",
            "yes" if speed.met and mb < exports.MAX_MB else "no",
        )
    console.print(table)
    kept = exports.meanwhile(prepared)
    console.print(
        f"Meanwhile appends keep {kept.ingest:.2f} of their speed, pages {kept.pages:.2f} "
        f"({'met' if kept.met else 'missed'})"
    )
    return {
        "speeds": [{**asdict(speed), "met": speed.met} for speed in found],
        "memory_mb": memory,
        "meanwhile": {**asdict(kept), "met": kept.met},
    }


def _ingest(console: Console, rows: int) -> list[dict[str, object]]:
    loads = ingest.measure(rows)
    table = Table(
        *("file", "lines/s", "processor µs a line", "peak MB", "log MB", "report", "met"),
        title=f"ingest of {rows:,} JSON lines",
    )
    for load in loads:
        table.add_row(
            load.name,
            f"{load.per_s:,.0f}",
            f"{load.processor_s / load.lines * 1e6:.1f}",
            f"{load.peak_mb:,.0f}",
            f"{load.file_mb:,.0f}",
            load.told,
            "yes" if load.met else "no",
        )
    console.print(table)
    share = ingest.shares(min(rows, 1_000_000))
    console.print(
        f"one after the other: {share.reading_us:.1f} µs a line to read, "
        f"{share.storing_us:.1f} µs to store"
    )
    return [{**asdict(load), "per_s": load.per_s, "met": load.met} for load in loads]


def _sessions(console: Console, prepared: Prepared) -> list[dict[str, object]]:
    loads = sessions.measure(prepared)
    table = Table(
        *("sessions", "Real-time", "processor ms/s", "median run ms", "p95 ms", "server MB"),
        title="Explore in clients at once; nothing arrives",
    )
    for load in loads:
        table.add_row(
            str(load.sessions),
            "on" if load.real_time else "off",
            f"{load.processor_ms_per_s:.1f}",
            f"{load.median_ms:.0f}",
            f"{load.p95_ms:.0f}",
            f"{load.server_mb:.0f}",
        )
    console.print(table)
    return [asdict(load) for load in loads]


def _sources(console: Console, prepared: Prepared) -> dict[str, object]:
    received = sources.received(prepared)
    console.print(
        f"{received.per_s:,.0f} entries a second by HTTP from {sources.SENDERS} collectors while "
        f"{sources.SESSIONS + 1} sessions look on: {received.median_ms:.0f} ms a POST of "
        f"{sources.BATCH:,}, p99 {received.p99_ms:.0f} ms; seen in a browser after "
        f"{received.seen_median_s:.1f} s, p95 {received.seen_p95_s:.1f} s; the app takes "
        f"{received.processor_share:.2f} cores ({'met' if received.met else 'missed'})"
    )
    pulled = sources.pulled(prepared)
    console.print(
        f"pulled from a source with {sources.PULLED_PER_S} new entries a second: "
        f"{pulled.behind_median_s:.1f} s behind, p95 {pulled.behind_p95_s:.1f} s; the app takes "
        f"{pulled.processor_share:.2f} cores ({'met' if pulled.met else 'missed'})"
    )
    return {"received": asdict(received), "pulled": asdict(pulled)}


def _interact(console: Console, prepared: Prepared) -> dict[str, list[float]]:
    waits = interactions.measure(prepared)
    table = Table("interaction", "median ms", "p95 ms", title="Browser, press to finished page")
    for name, times in waits.items():
        table.add_row(name, f"{median(times):.0f}", f"{quantiles(times, n=20)[-1]:.0f}")
    console.print(table)
    return waits


if __name__ == "__main__":
    main()
