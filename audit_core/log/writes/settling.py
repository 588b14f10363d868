"""Which numbers of writes may still come to light: on an engine without transactions an append is
seen in parts while it lasts, so a number that no entry has may get one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

SETTLED_AFTER = timedelta(seconds=60)
"""After so long, a number that no entry has will not get one."""


class Settling:
    """What one process knows of numbers that are missing. Not for several threads at once."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._waiting: dict[str, tuple[int, float]] = {}
        """The number that an organization's log lacks, and since when, by `time.monotonic`."""

    def first_unsettled(
        self, organization_id: str, missing: Sequence[int], rows: pa.Table
    ) -> int | None:
        """The first of the missing numbers, which ascend, that may still come; `None`: none may.

        `rows`, with columns of `schema.ARROW` of which it needs `organization_revision` and
        `received_at`, are what the log holds around them: a number is settled once a higher one is
        there that is old enough, or this process has waited for it that long."""
        if not missing:
            return None
        settled = self._settled(rows)
        unsettled = next((number for number in missing if number > settled), None)
        if unsettled is None or self._waited_for(organization_id, unsettled):
            return None
        return unsettled

    def _settled(self, rows: pa.Table) -> int:
        """Up to which number a missing one will not come any more."""
        before = (self._clock() - SETTLED_AFTER).astimezone(UTC).replace(tzinfo=None)
        old = rows.filter(pc.less(rows.column("received_at"), before))
        return pc.max(old.column("organization_revision")).as_py() or 0

    def _waited_for(self, organization_id: str, number: int) -> bool:
        now = time.monotonic()
        known, since = self._waiting.get(organization_id, (0, now))
        if known != number:
            since = now
        self._waiting[organization_id] = number, since
        return now - since >= SETTLED_AFTER.total_seconds()
