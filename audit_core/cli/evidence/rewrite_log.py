"""`log rewrite`: writes anew what still holds bytes of erased persons."""

from __future__ import annotations

import time

import typer

from audit_core.cli.parts.terminal import say
from audit_core.installation.opened import Installation, open_installation
from audit_core.log.store import utc_now
from audit_core.runtime.settings import read_settings

TRIES = 60
PAUSE_S = 5.0
"""How long a server is waited for that keeps old parts for a while, or whose table is in use."""


def rewrite_log() -> None:
    """Write anew what still holds bytes of erased persons.

    Until then the engines keep them in places of their files that are not used any more. The file
    of an embedded log is written anew at each start anyway, where somebody was erased, so the app
    must not have it open; it takes as much room again beside it, for a moment. Exit code 1 if
    something is left.
    """
    installation = open_installation(
        read_settings(), utc_now, holder="python -m audit_core log rewrite"
    )
    try:
        _write_log_anew(installation)
        clean = installation.state.write_anew()
        pending = installation.log.erasing.pending()
    finally:
        installation.close()
    if pending:
        months = ", ".join(f"{month:%Y-%m}" for month in pending)
        say(f"The log may still hold bytes of erased persons, of entries of {months}.")
    if not clean:
        say("The state may still hold them: it is in use. Try again.")
    if pending or not clean:
        raise typer.Exit(1)
    say("Nothing of erased persons is left in the files of the log and the state.")


def _write_log_anew(installation: Installation) -> None:
    """As much as can be while it is open."""
    for attempt in range(TRIES if installation.log.shared else 1):
        if attempt:
            time.sleep(PAUSE_S)
        if installation.log.erasing.write_anew():
            return
