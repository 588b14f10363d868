"""`demo`: writes simulated entries to a file."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from audit_core.cli.parts.terminal import say
from audit_core.domain.errors import AuditError
from audit_core.evidence.formats.json_lines_writer import json_object
from audit_core.query.time.windows import parse_instant
from audit_core.simulator import Arrival, simulate

PROGRESS_EVERY = 1000


def demo(
    entries: Annotated[int, typer.Option(min=0, help="How many entries.")] = 200_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same entries.")] = 7,
    output: Annotated[str, typer.Option(help="The file to write; - is standard output.")] = "-",
    until: Annotated[
        str | None,
        typer.Option(help="When the simulated time ends, as RFC 3339; now if left out."),
    ] = None,
    days: Annotated[
        float, typer.Option(min=0.01, max=3650, help="How many days the entries cover.")
    ] = 90.0,
) -> None:
    """Write demo entries as JSON lines, one line an arrival in the order of arrival.

    An entry that was first seen in flight has two lines, so there are more lines than entries.
    """
    end = datetime.now(UTC) if until is None else _parse_until(until)
    try:
        arrivals = simulate(entries=entries, seed=seed, until=end, days=days)
    except ValueError as error:
        raise AuditError(
            f"There is nothing to simulate: {error}.", "Change --days or --until."
        ) from error
    with ExitStack() as stack:
        progress = stack.enter_context(_progress())
        stream = _open(output, stack)
        lines = _write(stream, _counted(arrivals, progress, entries), output)
    say(f"{entries:,} entries in {lines:,} lines.", err=True)


def _parse_until(text: str) -> datetime:
    try:
        return parse_instant(text)
    except ValueError as error:
        raise AuditError(
            f"--until {text!r} is not a time.", "Write it like 2026-11-20T12:00:00Z."
        ) from error


def _progress() -> Progress:
    return Progress(
        TextColumn("Simulating"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )


def _open(output: str, stack: ExitStack) -> BinaryIO:
    if output == "-":
        return sys.stdout.buffer
    try:
        return stack.enter_context(Path(output).open("wb"))
    except OSError as error:
        raise _not_written(output, error) from error


def _not_written(output: str, error: OSError) -> AuditError:
    return AuditError(
        f"{output} cannot be written: {error.strerror or 'the disk refused'}.",
        "Choose another file with --output, or make room.",
    )


def _counted(arrivals: Iterable[Arrival], progress: Progress, entries: int) -> Iterator[Arrival]:
    """The same arrivals; the bar counts each entry when it is seen finished or not at all."""
    task = progress.add_task("entries", total=entries)
    unfinished: set[str] = set()
    seen = 0
    for arrival in arrivals:
        entry = arrival.entry
        if entry.id in unfinished:
            unfinished.discard(entry.id)
        else:
            seen += 1
            if entry.status_code is None:
                unfinished.add(entry.id)
        if seen % PROGRESS_EVERY == 0:
            progress.update(task, completed=seen)
        yield arrival
    progress.update(task, completed=seen)


def _write(stream: BinaryIO, arrivals: Iterable[Arrival], output: str) -> int:
    """Writes a line for each arrival; how many."""
    lines = 0
    try:
        for arrival in arrivals:
            text = json.dumps(json_object(arrival.entry), ensure_ascii=False, separators=(",", ":"))
            stream.write(f"{text}\n".encode())
            lines += 1
        stream.flush()
    except BrokenPipeError:
        # Whoever reads our output has seen enough, as with `| head`.
        # Python would flush into the broken pipe once more on its way out, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except OSError as error:
        raise _not_written(output, error) from error
    return lines
