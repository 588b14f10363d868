"""How many reads of the log run at once: in all, for an organization, and for a person.

Who comes too late waits in a queue, for a bounded time. The next place goes to the organization,
and within it the person, with the fewest reads under way: one that asks for much waits behind
everybody who asks for little. The program's own reads (heads, health) take no place.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from audit_core.domain.errors import BusyError
from audit_core.log.reads.read_context import ReadContext
from audit_core.runtime.waits import READS

WAIT_S = 10.0
"""How long a read waits for a place, in seconds."""

RETRY_AFTER_S = 5
"""When it is worth asking again, in seconds."""

_LOOK_S = 0.25
"""How often one that waits looks whether its client is still there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLimits:
    """How many reads run at once, and how many wait for a place."""

    total: int = 8
    """No more than the connections that an engine's pool keeps open."""
    per_organization: int = 6
    per_person: int = 4
    waiting_per_person: int = 16


@dataclass(eq=False, slots=True)
class _Slot:
    """One read that runs or waits."""

    organization: str
    person: str | None
    admitted: bool = False


@dataclass(slots=True)
class Admission:
    """The places of one log. Safe to use from many threads."""

    limits: ReadLimits = field(default_factory=ReadLimits)
    wait_s: float = WAIT_S
    _running: list[_Slot] = field(default_factory=list)
    _waiting: list[_Slot] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def slot(self, organization: str | None, context: ReadContext) -> Iterator[None]:
        """A place among the running reads, while it lasts.

        Raises `BusyError` after `wait_s` seconds without one, or at once if too many of the same
        person wait already; `QueryCancelledError` and `QueryTimeoutError` as the context says.
        """
        slot = _Slot(organization or "", context.person)
        began = time.monotonic()
        with self._changed:
            self._join(slot)
            try:
                self._wait(slot, context)
            except BaseException:
                self._leave(slot)
                raise
            finally:
                READS.add(time.monotonic() - began)
        try:
            yield
        finally:
            with self._changed:
                self._leave(slot)

    def _join(self, slot: _Slot) -> None:
        if slot.person is not None:
            waiting = sum(other.person == slot.person for other in self._waiting)
            if waiting >= self.limits.waiting_per_person:
                raise self._busy(slot)
        self._waiting.append(slot)
        self._admit()

    def _wait(self, slot: _Slot, context: ReadContext) -> None:
        wait_s = self.wait_s if context.wait_s is None else context.wait_s
        until = time.monotonic() + wait_s
        while not slot.admitted:
            context.check()
            left_s = min(until - time.monotonic(), context.remaining_s)
            if left_s <= 0:
                raise self._busy(slot)
            self._changed.wait(min(left_s, _LOOK_S))

    def _leave(self, slot: _Slot) -> None:
        (self._running if slot.admitted else self._waiting).remove(slot)
        self._admit()

    def _admit(self) -> None:
        """Give the free places to those who wait, in turn."""
        while len(self._running) < self.limits.total:
            organizations = Counter(slot.organization for slot in self._running)
            persons = Counter(slot.person for slot in self._running)
            fitting = [
                slot
                for slot in self._waiting
                if organizations[slot.organization] < self.limits.per_organization
                and (slot.person is None or persons[slot.person] < self.limits.per_person)
            ]
            if not fitting:
                return
            # Of equals the first, who has waited longest.
            chosen = min(
                fitting, key=lambda slot: (organizations[slot.organization], persons[slot.person])
            )
            chosen.admitted = True
            self._waiting.remove(chosen)
            self._running.append(chosen)
            self._changed.notify_all()

    def _busy(self, slot: _Slot) -> BusyError:
        """Tells of one's own reads only: what others do is nobody's business."""
        own = sum(other.person == slot.person for other in self._running)
        if slot.person is not None and own >= self.limits.per_person:
            return BusyError(
                f"You have {own} reads of the log under way; no more run at once.",
                "Wait until one is complete, or close a page that you do not need.",
                retry_after_s=RETRY_AFTER_S,
                own=True,
            )
        return BusyError(
            "The log is busy.", "Try again in a few seconds.", retry_after_s=RETRY_AFTER_S
        )
