"""The trickle while the demo app runs: a thread that hands new entries to the log."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from audit_core.demo.trickle import trickle
from audit_core.entries import AuditEntry
from audit_core.errors import AuditError

LOGGER = logging.getLogger(__name__)
EVERY_S = 1.0


class RunningTrickle:
    """Runs from construction until `stop()`."""

    def __init__(
        self,
        append: Callable[[Sequence[AuditEntry]], object],
        clock: Callable[[], datetime],
        *,
        seed: int,
    ) -> None:
        self._append = append
        self._clock = clock
        self._trickle = trickle(seed=seed, start=clock())
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demo-trickle", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Returns once nothing more will be appended."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(EVERY_S):
            due = self._trickle.due(self._clock())
            if not due:
                continue
            try:
                self._append(due)
            except AuditError as error:
                LOGGER.warning("The demo stopped adding entries: %s %s", error.message, error.hint)
                return
