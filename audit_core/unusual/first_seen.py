"""First seen: a value that a person has not had in the time looked back on.

Whoever is hardly known has everything for the first time: of them nothing is called new, and they
are counted instead. A person whom the organization has not seen before is new to the organization,
by the same rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LOOK_BACK = timedelta(days=90)
"""How far before a stretch of time a value makes it no longer new there. Long, so that an address
of last month's journey is not new again."""

KNOWN_FOR = timedelta(days=7)
"""How long before it somebody must have been seen first, to have habits: a whole week of them."""

MIN_ENTRIES = 20
"""How many entries they must have made in that time."""


class Novelty(StrEnum):
    """What can be first seen of a person."""

    ADDRESS = "address"
    KEY = "key"
    CLIENT = "client"
    ACTION = "action"


@dataclass(frozen=True, slots=True)
class History:
    """What is known of a person, or of a whole organization, from the time looked back on."""

    entries: int = 0
    since: datetime | None = None
    """The beginning of the hour of the first entry; `None` without entries."""

    def tells(self, at: datetime) -> bool:
        """Whether it is enough to call something new in a time that begins `at`."""
        return (
            self.since is not None and self.entries >= MIN_ENTRIES and at - self.since >= KNOWN_FOR
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstSeen:
    """A value that a person has in a stretch of time, and had not in the `LOOK_BACK` before it."""

    actor_id: str
    kind: Novelty
    parts: tuple[str | None, ...]
    """The values of the columns in `first_seen_sql.GROUPS`, an address in its one spelling; not
    all of them `None`."""
    hour: datetime
    """The beginning of the hour (UTC) in which it was first seen."""
    count: int
    """Entries with it."""
    sensitive: int
    """How many of them deleted something or changed what others may do."""
