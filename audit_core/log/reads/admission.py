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
class _Place:
    """One read that runs or waits."""

    organization: str
    person: str | None
    admitted: bool = False


@dataclass(slots=True)
class Admission:
    """The places of one log. Safe to use from many threads."""

    limits: ReadLimits = field(default_factory=ReadLimits)
    wait_s: float = WAIT_S
    _running: list[_Place] = field(default_factory=list)
    _waiting: list[_Place] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def place(self, organization: str | None, context: ReadContext) -> Iterator[None]:
        """A place among the running reads, while it lasts.

        Raises `BusyError` after `wait_s` seconds without one, or at once if too many of the same
        person wait already; `QueryCancelledError` and `QueryTimeoutError` as the context says.
        """
        place = _Place(organization or "", context.person)
        with self._changed:
            self._join(place)
            try:
                self._wait(place, context)
            except BaseException:
                self._leave(place)
                raise
        try:
            yield
        finally:
            with self._changed:
                self._leave(place)

    def _join(self, place: _Place) -> None:
        if place.person is not None:
            waiting = sum(each.person == place.person for each in self._waiting)
            if waiting >= self.limits.waiting_per_person:
                raise self._busy(place)
        self._waiting.append(place)
        self._admit()

    def _wait(self, place: _Place, context: ReadContext) -> None:
        wait_s = self.wait_s if context.wait_s is None else context.wait_s
        until = time.monotonic() + wait_s
        while not place.admitted:
            context.check()
            left_s = min(until - time.monotonic(), context.remaining_s)
            if left_s <= 0:
                raise self._busy(place)
            self._changed.wait(min(left_s, _LOOK_S))

    def _leave(self, place: _Place) -> None:
        (self._running if place.admitted else self._waiting).remove(place)
        self._admit()

    def _admit(self) -> None:
        """Give the free places to those who wait, in turn."""
        while len(self._running) < self.limits.total:
            organizations = Counter(each.organization for each in self._running)
            persons = Counter(each.person for each in self._running)
            fitting = [
                each
                for each in self._waiting
                if organizations[each.organization] < self.limits.per_organization
                and (each.person is None or persons[each.person] < self.limits.per_person)
            ]
            if not fitting:
                return
            # Of equals the first, who has waited longest.
            chosen = min(
                fitting, key=lambda each: (organizations[each.organization], persons[each.person])
            )
            chosen.admitted = True
            self._waiting.remove(chosen)
            self._running.append(chosen)
            self._changed.notify_all()

    def _busy(self, place: _Place) -> BusyError:
        """Tells of one's own reads only: what others do is nobody's business."""
        own = sum(each.person == place.person for each in self._running)
        if place.person is not None and own >= self.limits.per_person:
            return BusyError(
                f"You have {own} reads of the log under way; no more run at once.",
                "Wait until one is complete, or close a page that you do not need.",
                retry_after_s=RETRY_AFTER_S,
                own=True,
            )
        return BusyError(
            "The log is busy.", "Try again in a few seconds.", retry_after_s=RETRY_AFTER_S
        )
