"""How many requests that bring entries are under way at once: of a token, and in all.

Each holds its body in memory, packed and unpacked, until its entries are committed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from audit_core.domain.errors import BusyError

PER_TOKEN = 8
"""More than a collector needs: what comes while a commit runs goes into the next one together."""
TOTAL = 32
"""So that bodies take about a gigabyte at most."""

RETRY_AFTER_S = 2
"""When it is worth sending again, in seconds; several commits are done by then."""


@dataclass(slots=True)
class Bodies:
    """Counts those that are under way. Used on the event loop only."""

    _under_way: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def one(self, token_id: str) -> Iterator[None]:
        """A request of a token, while it lasts. Raises `BusyError` if there are too many: nothing
        of the body has been read then."""
        own = self._under_way[token_id]
        if own >= PER_TOKEN:
            raise BusyError(
                f"This token has {own} requests under way, of at most {PER_TOKEN} at once. "
                "Nothing was stored.",
                f"Send it again in {RETRY_AFTER_S} seconds, or more entries in fewer requests.",
                retry_after_s=RETRY_AFTER_S,
                own=True,
            )
        if self._under_way.total() >= TOTAL:
            raise BusyError(
                "Too many requests with entries are under way. Nothing was stored.",
                f"Send it again in {RETRY_AFTER_S} seconds.",
                retry_after_s=RETRY_AFTER_S,
            )
        self._under_way[token_id] += 1
        try:
            yield
        finally:
            self._under_way[token_id] -= 1
            if not self._under_way[token_id]:
                del self._under_way[token_id]
