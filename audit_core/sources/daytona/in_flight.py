"""Which entries are in flight, and when each is asked for again. Pure but for what it remembers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from audit_core.domain.entries import UNANSWERED_STATUS
from audit_core.sources.daytona.client import MAX_IDS

MAX_REMEMBERED = 10_000
"""How many are asked for again; of more, the oldest are let go."""
ENDS_AFTER = timedelta(minutes=70)
"""An entry that Daytona gave up as unanswered is asked for until it is so old: twice as long as
one may arrive late. One that is in flight is asked for as long as it is."""
SOONEST_S, LATEST_S = 5.0, 600.0
"""How often one is asked for, when it is new and when it is old."""
_AGE_SHARE = 20
"""One is asked for again after this share of its age."""


class InFlight:
    """The entries without a final status that were read."""

    def __init__(self, known: Iterable[tuple[str, datetime]] = ()) -> None:
        self._created = {entry_id: at.replace(tzinfo=UTC) for entry_id, at in known}
        self._unanswered: set[str] = set()
        self._asked: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._created)

    def note(self, table: pa.Table) -> None:
        """Take in entries that were read, of the shape `schema.ARRIVING`."""
        columns = (table.column(name).to_pylist() for name in ("id", "status_code", "created_at"))
        for entry_id, status, created_at in zip(*columns, strict=True):
            if status is not None and status != UNANSWERED_STATUS:
                self._forget(entry_id)
                continue
            self._created[entry_id] = created_at.replace(tzinfo=UTC)
            if status == UNANSWERED_STATUS:
                self._unanswered.add(entry_id)
        for entry_id in list(self._created)[: max(0, len(self._created) - MAX_REMEMBERED)]:
            self._forget(entry_id)

    def due(self, now: datetime, now_s: float) -> tuple[str, ...]:
        """The ids to be asked for now, at most `MAX_IDS`. `now` is the present time, `now_s` the
        seconds by which `asked` goes."""
        found = []
        for entry_id, created_at in list(self._created.items()):
            age = now - created_at
            if entry_id in self._unanswered and age > ENDS_AFTER:
                self._forget(entry_id)
                continue
            pause = min(max(age.total_seconds() / _AGE_SHARE, SOONEST_S), LATEST_S)
            if now_s - self._asked.get(entry_id, -LATEST_S) >= pause:
                found.append(entry_id)
        return tuple(found[:MAX_IDS])

    def asked(self, ids: Iterable[str], now_s: float) -> None:
        """Note that these were asked for."""
        self._asked.update((entry_id, now_s) for entry_id in ids)

    def _forget(self, entry_id: str) -> None:
        self._created.pop(entry_id, None)
        self._asked.pop(entry_id, None)
        self._unanswered.discard(entry_id)
