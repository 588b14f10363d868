"""Work that the app does over and over by itself, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from logging import Logger

from audit_core.domain.errors import AuditError


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the terminal is told of work that does not go on, without full stops."""

    logger: Logger
    refused: str
    """Before what an `AuditError` says, which is told once, until the work goes well again."""
    failed: str
    """Above the traceback of any other fault, each time."""


def repeat(
    step: Callable[[], float | None],
    *,
    name: str,
    told: Told,
    stopped: threading.Event,
    pause_s: float,
    after_fault_s: float = 0.0,
    first_after_s: float = 0.0,
) -> threading.Thread:
    """Start a daemon thread of this name that calls `step` until `stopped` is set; the thread.

    A step says how long to wait for the next one, in seconds; `None`: `pause_s`, which it is after
    an `AuditError` too. After any other fault it is longer by `after_fault_s`. A fault once
    `stopped` is set is one of databases that were closed meanwhile: it ends the thread quietly.
    """

    def run() -> None:
        refused = False
        wait_s: float | None = first_after_s
        while not stopped.wait(pause_s if wait_s is None else wait_s):
            wait_s = None
            try:
                wait_s = step()
                refused = False
            except AuditError as error:
                if not refused:
                    told.logger.warning("%s: %s %s", told.refused, error.message, error.hint)
                refused = True
            except Exception:
                if stopped.is_set():
                    told.logger.debug("%s: stopped meanwhile.", name, exc_info=True)
                    return
                told.logger.exception("%s.", told.failed)
                wait_s = pause_s + after_fault_s

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread
