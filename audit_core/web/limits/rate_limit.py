"""How often one account, one token or one sender may ask a route that is asked often."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

SPAN = timedelta(seconds=10)
MAX_REQUESTS = 100
"""How many requests of one account are answered in a span; no hand types as fast."""


@dataclass(slots=True)
class Pace:
    """Counts the requests of each account, or whatever else has a name, in the span that is
    running."""

    max_requests: int = MAX_REQUESTS
    _since: datetime | None = None
    _requests: dict[str, int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def allows(self, account_id: str, now: datetime) -> bool:
        """Whether the account may ask once more; that counts as asking."""
        with self._lock:
            if self._since is None or not self._since <= now < self._since + SPAN:
                self._since = now
                self._requests.clear()
            requests = self._requests.get(account_id, 0) + 1
            self._requests[account_id] = requests
            return requests <= self.max_requests
