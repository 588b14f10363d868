"""An export in the background rests while others work: it has time, and they wait."""

from __future__ import annotations

import time

from audit_core.log.store import AuditLog

SHARE = 3.0
"""How long it rests after a part, of the time that the part took."""

LONGEST_S = 1.0
"""So long at most: whoever cancels it waits for the end of that."""


class Resting:
    """Called after each part of one export."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log
        self._seen = self._others()
        self._began = time.monotonic()

    def __call__(self) -> None:
        """Rest, if others have written or read meanwhile."""
        seen = self._others()
        if seen != self._seen:
            time.sleep(min(SHARE * (time.monotonic() - self._began), LONGEST_S))
        self._seen, self._began = seen, time.monotonic()

    def _others(self) -> tuple[int, int]:
        return self._log.last_known(), self._log.reads_begun
