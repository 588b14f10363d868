"""What becomes of arriving entries: accepted, already known, finishing a stored one, or refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Protocol, TypeVar

import pyarrow as pa

from audit_core.domain.entries import UNANSWERED_STATUS, AuditEntry
from audit_core.log.schema import as_table

Key = tuple[str | None, str]
"""What makes an entry the same entry: its organization (`None` for none) and its id."""


class Arriving(Protocol):
    """What decides about an arrival; see `AuditEntry`."""

    @property
    def organization_id(self) -> str | None:
        """`None` for none."""

    @property
    def id(self) -> str:
        """Never empty."""

    @property
    def created_at(self) -> datetime:
        """Aware, UTC."""

    @property
    def status_code(self) -> int | None:
        """`None` while in flight."""


Arrival = TypeVar("Arrival", bound=Arriving)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What must be known of a stored entry to judge an arrival with the same key."""

    seq: int
    organization_seq: int
    created_at: datetime
    status_code: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendReport:
    """What became of the entries of one append; the four counts add up to their number."""

    accepted: int
    """Stored as new."""
    known: int
    """Stored before, with nothing to add."""
    finished: int
    """Gave a stored entry the status that it lacked."""
    refused: tuple[tuple[int, str], ...]
    """(Index in the given sequence, reason) of each that contradicts a stored entry."""


@dataclass(slots=True)
class Decision(Generic[Arrival]):
    """What to write, and what to tell each arrival."""

    insertions: dict[Key, Arrival] = field(default_factory=dict)
    """New entries in order of arrival, each in its latest known state."""
    completions: dict[Key, tuple[Stored, Arrival]] = field(default_factory=dict)
    """The stored entry, and the arrival that replaces it."""
    verdicts: list[str] = field(default_factory=list)
    """For each arrival `ACCEPTED`, `KNOWN`, `FINISHED`, or else the reason of refusal."""

    @property
    def completed(self) -> list[Stored]:
        """The stored entries that are finished."""
        return [stored for stored, _ in self.completions.values()]

    def report(self, start: int, stop: int) -> AppendReport:
        """The report for the arrivals from index `start` to before `stop`."""
        verdicts = self.verdicts[start:stop]
        return AppendReport(
            accepted=verdicts.count(ACCEPTED),
            known=verdicts.count(KNOWN),
            finished=verdicts.count(FINISHED),
            refused=tuple(
                (index, verdict)
                for index, verdict in enumerate(verdicts)
                if verdict not in (ACCEPTED, KNOWN, FINISHED)
            ),
        )


def rows_of(decision: Decision[AuditEntry]) -> pa.Table:
    """What to store, of the shape `schema.ARRIVING`: new entries, then the completions."""
    finishing = [entry for _, entry in decision.completions.values()]
    return as_table([*decision.insertions.values(), *finishing])


ACCEPTED = "accepted"
KNOWN = "known"
FINISHED = "finished"


def _progress(status_code: int | None) -> int:
    """How far an entry has come: in flight, unanswered, finished. Only forward is a change."""
    if status_code is None:
        return 0
    return 1 if status_code == UNANSWERED_STATUS else 2


def key_of(entry: Arriving) -> Key:
    """The entry's key. The log does not tell an empty organization from none."""
    return (entry.organization_id or None, entry.id)


def decide(
    arriving: Sequence[Arrival],
    stored: Mapping[Key, Stored],
    *,
    earliest: datetime | None = None,
) -> Decision[Arrival]:
    """Judge arrivals in their order; `stored` holds the stored entries with their keys.

    An entry made before `earliest` would be dropped at once: it is refused. `None`: none is.

    An id keeps its time: an arrival with another `created_at` than the entry known by its key
    is refused, since one of the two is not what it says.
    """
    decision: Decision[Arrival] = Decision()
    for entry in arriving:
        if earliest is not None and entry.created_at < earliest:
            decision.verdicts.append(
                f"its time {entry.created_at.isoformat()} lies before {earliest.isoformat()}, "
                "from when on entries are kept"
            )
            continue
        key = key_of(entry)
        held: Arrival | Stored | None
        if key in decision.completions:
            held = decision.completions[key][1]
        else:
            held = decision.insertions.get(key) or stored.get(key)
        if held is None:
            decision.insertions[key] = entry
            decision.verdicts.append(ACCEPTED)
        elif held.created_at != entry.created_at:
            decision.verdicts.append(
                f"the id {entry.id!r} is stored with the time {held.created_at.isoformat()}, "
                f"this record says {entry.created_at.isoformat()}"
            )
        elif _progress(entry.status_code) <= _progress(held.status_code):
            decision.verdicts.append(KNOWN)
        else:
            decision.verdicts.append(FINISHED)
            if key in decision.insertions:
                decision.insertions[key] = entry
            else:
                decision.completions[key] = (stored[key], entry)
    return decision
