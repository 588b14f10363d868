"""Findings: what is unusual in a week, each as a sentence and the filter that shows its entries.

Pure: made of what the reads gave, ordered by how much each deserves to be looked at.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from audit_core.query.entry_filter import EntryFilter
from audit_core.query.time.windows import TimeRange


class FindingKind(StrEnum):
    """What kind of thing is unusual."""

    PERSON = "person"
    """A person, or a service, whom the organization had not seen before."""
    ADDRESS = "address"
    KEY = "key"
    ERROR = "error"
    SPIKE = "spike"
    OFF_HOURS = "off_hours"

    def counted(self, number: int) -> str:
        """So many of them, in words."""
        one, many = _NOUNS[self]
        return f"{number:,} {one if number == 1 else many}"


_NOUNS = {
    FindingKind.PERSON: ("newcomer", "newcomers"),
    FindingKind.ADDRESS: ("person with new addresses", "people with new addresses"),
    FindingKind.KEY: ("new API key", "new API keys"),
    FindingKind.ERROR: ("new error", "new errors"),
    FindingKind.SPIKE: ("spike", "spikes"),
    FindingKind.OFF_HOURS: ("person active off-hours", "people active off-hours"),
}

_WEIGHTS = {
    FindingKind.PERSON: 30.0,
    FindingKind.KEY: 45.0,
    FindingKind.ADDRESS: 40.0,
    FindingKind.SPIKE: 35.0,
    FindingKind.ERROR: 25.0,
    FindingKind.OFF_HOURS: 20.0,
}
"""Who acted comes before how much: a new key or address may be somebody else's hand."""

SENSITIVE = 30.0
"""What it adds that something was deleted, or somebody's access changed."""

TOGETHER = 15.0
"""What each other kind of finding about the same person adds: a new address, at night, with a
spike of deletions, tells more than three times one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One unusual thing."""

    kind: FindingKind
    sentence: str
    """What happened, in words, with a full stop. May hold log text, redacted."""
    entry_filter: EntryFilter
    """Shows exactly the entries that it speaks of."""
    count: int
    """How many those are."""
    first: datetime
    """When they began: the beginning of the hour, aware."""
    actor_id: str | None = None
    """Whom it is about; `None` for the whole organization."""
    sensitive: int = 0
    """How many of the entries delete something or change somebody's access, as far as counted."""
    attention: float = 0.0
    """The higher, the more it deserves to be looked at; see `ranked`."""

    @property
    def time_range(self) -> TimeRange:
        """When its entries were made; both ends are given."""
        window = self.entry_filter.window
        return TimeRange(since=window.since, until=window.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What is unusual in a week."""

    since: datetime
    until: datetime
    """The week, aware; `until` is exclusive."""
    items: tuple[Finding, ...]
    """Those that deserve most attention first."""
    left_out: Mapping[FindingKind, int]
    """How many more there are of each kind, no zeros."""
    unjudged: int
    """How many people and services were active of whom too little is known to call anything new."""
    known: bool
    """Whether enough is known of the organization; without it nothing is judged."""
    truncated: bool = False
    """Whether a read gave only its first rows, so that there is more than is counted here."""


def ranked(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings with their attention, the highest first."""
    listed = list(found)
    kinds: dict[str, set[FindingKind]] = {}
    for item in listed:
        if item.actor_id is not None:
            kinds.setdefault(item.actor_id, set()).add(item.kind)

    def attention(item: Finding) -> float:
        others = len(kinds.get(item.actor_id or "", {item.kind})) - 1
        return (
            _WEIGHTS[item.kind]
            + (SENSITIVE if item.sensitive else 0)
            + TOGETHER * others
            + 3 * math.log2(1 + item.count)
        )

    weighed = [replace(item, attention=attention(item)) for item in listed]
    return tuple(sorted(weighed, key=lambda item: (-item.attention, item.first, item.sentence)))


def bounded(
    found: tuple[Finding, ...], limit: int
) -> tuple[tuple[Finding, ...], Mapping[FindingKind, int]]:
    """The first of them, and how many of each kind are left out."""
    return found[:limit], dict(Counter(item.kind for item in found[limit:]))
