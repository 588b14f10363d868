"""The values that exist, kept for a minute: a person who types asks for them at every key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

from audit_core.domain.access import Scope
from audit_core.domain.errors import QueryTimeoutError
from audit_core.explore.autocomplete.suggestions import Listed
from audit_core.explore.reader import Reader
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange, Window

LASTS = timedelta(minutes=1)
"""How long values are kept, and how long they are not asked for again once that took too long."""

PATIENCE_S = 3.0
"""How long anybody waits for them."""

MAX_VALUES = 2_000
"""How many values of a field are kept, the most frequent ones."""

MAX_KEPT = 128
"""How many lists are kept."""

ScopeT = TypeVar("ScopeT")
"""What decides whose values are seen; hashable."""


@dataclass(slots=True)
class _Kept:
    """One list; whoever reads it anew holds the lock."""

    lock: Lock = field(default_factory=Lock)
    read_at: datetime | None = None
    version: int = 0
    listed: Listed = field(default_factory=Listed)


@dataclass(frozen=True, slots=True)
class KnownValues(Generic[ScopeT]):
    """The values of fields, in all that a scope holds."""

    read: Callable[[str, ScopeT], Listed]
    """Reads those of one field."""
    clock: Callable[[], datetime]
    version: Callable[[], int] = lambda: 0
    """A number that is another one when no list may be used any more that was read before."""
    _kept: dict[tuple[str, ScopeT], _Kept] = field(default_factory=dict, compare=False, repr=False)

    def of(self, param: str, scope: ScopeT) -> Listed:
        """The values as they were at most `LASTS` ago. Blocks: call it in a thread.

        Raises what reading them raises.
        """
        key = (param, scope)
        # Threads may meet here: each of these steps is one for the interpreter.
        while key not in self._kept and len(self._kept) >= MAX_KEPT:
            self._kept.pop(next(iter(list(self._kept))), None)
        kept = self._kept.setdefault(key, _Kept())
        with kept.lock:
            now, version = self.clock(), self.version()
            if kept.read_at is None or now - kept.read_at >= LASTS or kept.version != version:
                kept.listed = self.read(param, scope)
                kept.read_at, kept.version = now, version
            return kept.listed


def values_of_log(reader: Reader, clock: Callable[[], datetime]) -> KnownValues[Scope]:
    """Those of the entries' fields of `completion.LISTED`; none, and not complete, where
    reading them takes longer than `PATIENCE_S`."""

    def read(param: str, scope: Scope) -> Listed:
        everything = EntryFilter(window=Window(preset="all"))
        query = Query(everything, scope, TimeRange(since=None, until=None))
        try:
            with reader.log.patience(PATIENCE_S):
                return reader.listed(param, query, MAX_VALUES)
        except QueryTimeoutError:
            return Listed(complete=False)

    return KnownValues(read, clock, lambda: reader.log.erasing.count)
