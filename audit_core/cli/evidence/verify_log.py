"""`log verify`: holds the whole log against what was sealed of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from audit_core.cli.evidence.kept_checkpoints import compare_checkpoints
from audit_core.cli.parts.opened_state import ACTOR, opened_state
from audit_core.cli.parts.terminal import say
from audit_core.domain.errors import LogLockedError
from audit_core.domain.terminal_text import printable
from audit_core.installation.opened import Installation, open_installation
from audit_core.integrity.verification.findings import Result
from audit_core.integrity.verification.requests import request_verification
from audit_core.integrity.verification.standing import verified_of
from audit_core.integrity.verification.verifier import verify
from audit_core.log.retention import Retention
from audit_core.log.store import utc_now
from audit_core.runtime.settings import read_settings
from audit_core.state.database import State
from audit_core.state.tree.checkpoints import newest_signed
from audit_core.state.tree.status import read_status

LOOK_EVERY_S = 0.5


def verify_log(
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option(
            help="A checkpoint that was kept elsewhere; may be given several times. Only these are "
            "compared then."
        ),
    ] = None,
    server: Annotated[
        str, typer.Option(help="The address of the app, asked if it has the log open alone.")
    ] = "http://localhost:8501",
) -> None:
    """Make every leaf again from the log, and hold it against what was sealed.

    With --checkpoint, hold the log against checkpoints from places outside instead: that shows an
    older log and state that were put back together. Where the app has the log open, the app does
    it. The exit code is 1 if anything is not as it was sealed.
    """
    settings = read_settings()
    if checkpoint:
        if not compare_checkpoints(checkpoint, settings, server):
            raise typer.Exit(1)
        return
    try:
        installation = open_installation(
            settings, utc_now, holder="python -m audit_core log verify"
        )
    except LogLockedError:
        with opened_state() as state:
            results = {name: _by_the_app(state, name) for name in _sealed(state)}
    else:
        try:
            results = _here(installation)
        finally:
            installation.close()
    if not results:
        say("Nothing was sealed yet: start the app, which seals what it holds.")
    for name, result in results.items():
        _tell(name, result)
    if not all(result.holds for result in results.values()):
        raise typer.Exit(1)


def _here(installation: Installation) -> dict[str, Result]:
    found = {}
    for name in _sealed(installation.state):
        result = verify(
            installation.trees,
            installation.state,
            name,
            retention=Retention(days=installation.settings.retention_days),
            clock=installation.clock,
            going_on=_progress(installation.state, name),
        )
        if result is not None:
            found[name] = result
    return found


def _by_the_app(state: State, organization_id: str) -> Result:
    """Ask the app for it, and wait. The clock of this process may differ from the app's."""
    with state.begin() as connection:
        before = read_status(connection, organization_id).verified_at
        request_verification(connection, organization_id, actor=ACTOR, now=utc_now())
    show = _progress(state, organization_id)
    while True:
        time.sleep(LOOK_EVERY_S)
        with state.read() as connection:
            status = read_status(connection, organization_id)
        verified = verified_of(status)
        if verified is not None and verified.at != before:
            return verified.result
        if not status.is_open:
            say("The verification was cancelled.", err=True)
            raise typer.Exit(2)
        show()


def _progress(state: State, organization_id: str) -> Callable[[], None]:
    """Says now and then, at a terminal, how far it is."""
    said_at = [time.monotonic()]

    def show() -> None:
        if not sys.stderr.isatty() or time.monotonic() - said_at[0] < 2:
            return
        said_at[0] = time.monotonic()
        with state.read() as connection:
            status = read_status(connection, organization_id)
        if status.to_check:
            far = f"{status.checked or 0:,} of {status.to_check:,} writes"
            say(f"{_whose(organization_id)}: {far}.", err=True)

    return show


def _sealed(state: State) -> dict[str, datetime]:
    with state.read() as connection:
        return newest_signed(connection)


def _tell(organization_id: str, result: Result) -> None:
    whose = _whose(organization_id)
    kept = ", ".join(f"{number:,} {name}" for name, number in sorted(result.kept.items()))
    say(
        f"{whose}: {result.size:,} sealed writes and {result.checkpoints:,} checkpoints in "
        f"{result.seconds:,.1f} s"
        + (f" ({kept})" if kept else "")
        + (f"; {result.unsealed:,} not sealed yet" if result.unsealed else "")
        + (": all as sealed." if result.holds else ":")
    )
    for finding in result.findings:
        say(f"  {finding.sentence}")
    if result.more:
        say(f"  And {result.more:,} more.")


def _whose(organization_id: str) -> str:
    return printable(organization_id) or "(no organization)"
