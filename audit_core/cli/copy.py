"""`python -m audit_core copy`: a log into another one, and the proof that they are the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from audit_core.cli.parts.opened_state import ACTOR, writing
from audit_core.cli.parts.origins import opened_log, opened_origin
from audit_core.cli.parts.terminal import say
from audit_core.domain.access import Scope
from audit_core.domain.terminal_text import printable
from audit_core.installation.high_water_marks import StateMarks
from audit_core.log.store import AuditLog, utc_now
from audit_core.runtime.settings import Settings, read_settings
from audit_core.state.access_log.record import record
from audit_core.state.database import open_state
from audit_core.transfer.digests_sql import day_of
from audit_core.transfer.transfer import Origin, Report, transfer

DIFFERENT = 1
"""The exit code when the logs differ in the end."""

MAX_SHOWN = 20
"""How many days that differ are listed."""


def copy(
    source: Annotated[
        str,
        typer.Option(
            "--from",
            help="The log to read: its URL, or the address of the app that has it open, such as "
            "http://localhost:8501 (on this machine, with the same key file).",
        ),
    ],
    target: Annotated[
        str, typer.Option("--to", help="The URL of the log to write; made if it is missing.")
    ],
) -> None:
    """Copy a whole log to another engine or place; running it again copies what is missing.

    Every organization and day is compared by count and checksum in the end. Exits with 0 when
    both logs hold the same, 1 when they differ.
    """
    settings = read_settings()
    scope = Scope.everything()
    with opened_origin(source, settings, scope) as origin, _opened(target, settings) as log:
        report = _transfer(origin, log, scope)
    with writing() as connection:
        record(
            connection,
            at=utc_now(),
            verb="log.copied",
            actor=ACTOR,
            detail={
                "entries": report.entries,
                "copied": report.copied,
                "different_days": len(report.differences),
            },
        )
    _print(report)
    if report.differences:
        raise typer.Exit(DIFFERENT)


def _transfer(origin: Origin, log: AuditLog, scope: Scope) -> Report:
    console = Console(stderr=True)
    with Progress(
        TextColumn("Copying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=console,
    ) as bar:  # fmt: skip
        task = bar.add_task("", total=None)
        return transfer(
            origin,
            log,
            scope,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


def _print(report: Report) -> None:
    say(
        f"{report.entries:,} entries on {report.days:,} days of an organization; "
        f"{report.copied:,} were copied now."
    )
    if report.state_changes:
        say(f"{report.state_changes:,} state changes beside them.")
    if not report.differences:
        say(
            "Both logs hold the same: counts and checksums agree for every organization and day.\n"
            "To move: stop the app, run this command once more, set SANDTRAIL_LOG_URL to the new "
            "log, start the app."
        )
        return
    say(f"{len(report.differences):,} days differ:", err=True)
    for difference in report.differences[:MAX_SHOWN]:
        organization, number = difference.day
        say(
            f"  {day_of(number)[0]:%Y-%m-%d} {printable(organization) or '(no organization)'}: "
            f"{difference.there:,} {difference.kind.label} there, {difference.here:,} here",
            err=True,
        )
    if len(report.differences) > MAX_SHOWN:
        say(f"  and {len(report.differences) - MAX_SHOWN:,} more", err=True)
    say(
        "Entries that arrived meanwhile: run the command again. A day with more entries here: "
        "the new log was written by something else; begin with an empty one.",
        err=True,
    )


@contextmanager
def _opened(url: str, settings: Settings) -> Iterator[AuditLog]:
    """The log to write; the one of the settings goes on having its marks in the state."""
    if url != settings.log_url:
        with closing(opened_log(url, settings)) as log:
            yield log
        return
    with (
        closing(open_state(settings.state_url)) as state,
        closing(opened_log(url, settings, StateMarks(state))) as log,
    ):
        yield log
