"""Writes entries as the platform does: some late, some seen in flight, some never answered."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from audit_core.domain.entries import UNANSWERED_STATUS, AuditEntry
from audit_core.simulator.actors import Actor

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

UNANSWERED_AFTER_S = 1800.0
"""When the platform gives up on a request."""

LATE_SHARE = 0.012
LATE_FROM_S, LATE_TO_S = 30.0, 2100.0

_dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Arrival:
    """An entry as it came in. The same id comes twice when it was first seen in flight."""

    received_at: datetime
    entry: AuditEntry


class Complete(Exception):
    """All the entries that were asked for have been written."""


def moment(seconds: float) -> datetime:
    """A time in seconds since 1970 as a UTC datetime, down to the whole millisecond."""
    return EPOCH + timedelta(milliseconds=int(seconds * 1000))


class Journal:
    """Takes requests as they happen and hands out arrivals in the order they come in."""

    def __init__(
        self, *, random: Random, limit: int | None, until: float | None, id_bit: int
    ) -> None:
        """`limit`: entries at most (`None`: no end). `until`: nothing arrives later.
        `id_bit` (0 or 1) is the first bit of every entry id: so two journals never collide."""
        self._random = random
        self.limit = limit
        """How many entries may be written; may be raised later."""
        self._until = until
        self._id_bit = id_bit
        self._waiting: list[tuple[float, int, AuditEntry]] = []
        self._arrivals = 0
        self.written = 0
        """Entries so far, each counted once."""

    def new_id(self) -> str:
        """A random uuid (version 4)."""
        return self._uuid(self._random.getrandbits(128))

    def _entry_id(self) -> str:
        return self._uuid(self._random.getrandbits(127) | self._id_bit << 127)

    @staticmethod
    def _uuid(bits: int) -> str:
        digits = f"{bits:032x}"
        variant = "89ab"[int(digits[16], 16) & 3]
        return (
            f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
        )

    def record(
        self,
        *,
        at: float,
        duration_s: float,
        actor: Actor,
        organization_id: str | None,
        action: str,
        target_type: str | None,
        target_id: str | None,
        status: int,
        message: str | None,
        metadata: Mapping[str, Any] | None,
    ) -> str:
        """Writes one entry and plans when it arrives; its id.

        Raises `Complete` instead when the limit has been reached.
        """
        if self.limit is not None and self.written >= self.limit:
            raise Complete
        self.written += 1
        entry = AuditEntry(
            id=self._entry_id(),
            actor_id=actor.id,
            actor_email=actor.email,
            actor_api_key_prefix=actor.key_prefix,
            actor_api_key_suffix=actor.key_suffix,
            organization_id=organization_id,
            action=action,
            target_type=target_type,
            target_id=target_id,
            status_code=status,
            error_message=message,
            ip_address=actor.ip_address,
            user_agent=actor.user_agent,
            source=actor.source,
            metadata=None if metadata is None else _dump(metadata),
            created_at=moment(at),
        )
        self._plan(entry, at, duration_s)
        return entry.id

    def _plan(self, entry: AuditEntry, at: float, duration_s: float) -> None:
        chance = self._random.random()
        delay_s = 0.15 + 1.3 * self._random.random()
        if entry.status_code == UNANSWERED_STATUS:
            duration_s = UNANSWERED_AFTER_S + 20 * chance
        finished_at = at + duration_s + delay_s
        seen_in_flight = duration_s > 30 or (duration_s > 2.5 and chance < 0.3)
        if self._until is not None and finished_at > self._until and duration_s > 1:
            self._push(at + delay_s, replace(entry, status_code=None, error_message=None))
        elif seen_in_flight:
            self._push(at + delay_s, replace(entry, status_code=None, error_message=None))
            self._push(finished_at, entry)
        elif chance > 1 - LATE_SHARE:
            share = (chance - (1 - LATE_SHARE)) / LATE_SHARE
            self._push(at + LATE_FROM_S + share**2 * (LATE_TO_S - LATE_FROM_S), entry)
        else:
            self._push(finished_at, entry)

    def _push(self, received_at: float, entry: AuditEntry) -> None:
        if self._until is not None:
            received_at = min(received_at, self._until)
        self._arrivals += 1
        heapq.heappush(self._waiting, (received_at, self._arrivals, entry))

    def arrived(self, now: float) -> Iterator[Arrival]:
        """Takes out everything that has come in up to `now`."""
        waiting = self._waiting
        while waiting and waiting[0][0] <= now:
            received_at, _, entry = heapq.heappop(waiting)
            yield Arrival(moment(received_at), entry)
