"""The trickle while the demo app runs: a thread that hands new entries to the log."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from audit_core.domain.entries import AuditEntry
from audit_core.domain.errors import AuditError
from audit_core.simulator.trickle import trickle

LOGGER = logging.getLogger(__name__)
EVERY_S = 1.0

LONGEST_PAUSE_S = 60.0
"""After each refusal the pause doubles, up to this."""

MAX_WAITING = 5_000
"""How many refused entries are tried again; older ones are let go."""


class RunningTrickle:
    """Runs from construction until `stop()`. What the log refuses is tried again, less and less
    often, until it is accepted."""

    def __init__(
        self,
        append: Callable[[Sequence[AuditEntry]], object],
        clock: Callable[[], datetime],
        *,
        seed: int,
        every_s: float = EVERY_S,
    ) -> None:
        self._append = append
        self._clock = clock
        self._every_s = every_s
        self._trickle = trickle(seed=seed, start=clock())
        self._waiting: list[AuditEntry] = []
        self._refused = 0
        """How often in a row."""
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demo-trickle", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Returns once nothing more will be appended."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        pause_s = self._every_s
        while not self._stopped.wait(pause_s):
            self._waiting = [*self._waiting, *self._trickle.due(self._clock())][-MAX_WAITING:]
            if self._waiting:
                self._try()
            pause_s = min(self._every_s * 2**self._refused, LONGEST_PAUSE_S)

    def _try(self) -> None:
        try:
            self._append(self._waiting)
        except AuditError as error:
            if not self._refused:
                LOGGER.warning(
                    "The demo's new entries are not accepted now, and will be tried again: %s %s",
                    error.message,
                    error.hint,
                )
            self._refused = min(self._refused + 1, 30)
            return
        if self._refused:
            LOGGER.warning("The demo's new entries are accepted again.")
        self._refused = 0
        self._waiting = []
