"""How many downloads are under way at once: for a person, an organization, and in all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from audit_core.domain.errors import BusyError

PER_PERSON = 2
PER_ORGANIZATION = 4
TOTAL = 8
"""Fewer than the threads that write them (`reading.THREADS`): the others answer while a person
types."""

RETRY_AFTER_S = 30
"""When it is worth asking again, in seconds."""


@dataclass(slots=True)
class Downloads:
    """Counts those that are under way. Safe to use from many threads."""

    _under_way: list[tuple[str, str]] = field(default_factory=list)
    """(person, organization) of each."""
    _lock: Lock = field(default_factory=Lock)

    def begin(self, person: str, organization: str) -> Callable[[], None]:
        """Count one more; what is returned ends it, and may be called twice.

        Raises `BusyError` if there are too many. It tells a person of their own downloads only.
        """
        one = (person, organization)
        with self._lock:
            own = sum(item[0] == person for item in self._under_way)
            if own >= PER_PERSON:
                raise BusyError(
                    f"You have {own} downloads under way; at most {PER_PERSON} run at once.",
                    "Wait until one is complete, or cancel it, and download again.",
                    retry_after_s=RETRY_AFTER_S,
                    own=True,
                )
            together = sum(item[1] == organization for item in self._under_way)
            if together >= PER_ORGANIZATION:
                raise BusyError(
                    f"Your organization has {together} downloads under way; at most "
                    f"{PER_ORGANIZATION} run at once.",
                    "Wait until one is complete, and download again.",
                    retry_after_s=RETRY_AFTER_S,
                    own=True,
                )
            if len(self._under_way) >= TOTAL:
                raise BusyError(
                    "No more downloads can begin just now.",
                    f"Try again in {RETRY_AFTER_S} seconds.",
                    retry_after_s=RETRY_AFTER_S,
                )
            self._under_way.append(one)
        ended = [False]

        def end() -> None:
            with self._lock:
                if not ended[0]:
                    ended[0] = True
                    self._under_way.remove(one)

        return end
