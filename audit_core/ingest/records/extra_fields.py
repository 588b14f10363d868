"""Fields that no entry has: kept in the metadata under their names, and counted for the report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

EXTRA = "extra"
"""The name in the metadata under which they stand together, so that none replaces another value."""

UNMAPPED = "unmapped"
"""The same for records that were read by a mapping: what has no other place."""

LOG_FIELDS = frozenset({"seq", "revision", "received_at", "receivedAt"})
"""What the log gives to each entry anew: not taken from a file, and nothing is lost by that."""

MAX_NAMES = 100
"""How many names are counted each by itself; more stand in no header that people made."""

SHOWN_NAMES = 10
SHOWN_PLACES = 40
"""How many places of another system's records are named."""


class ExtraFields(NamedTuple):
    """The names of the fields of one record that no entry has."""

    kept: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    """Those for which the metadata has no room (see `records`), or whose place is taken."""
    mapped: tuple[str, ...] = ()
    """Of a record that was read by a mapping: what stands in a field as it is, such as
    `eventName → action`."""
    derived: tuple[str, ...] = ()
    """Of such a record: from what fields were made, as `errorCode → statusCode`."""


@dataclass(frozen=True, slots=True)
class FieldCounts:
    """In how many records fields stood, by name."""

    counts: tuple[tuple[str, int], ...] = ()
    """In the order in which the names were met; at most `MAX_NAMES`."""
    others: int = 0
    """How often there were fields of other names than these."""

    def __add__(self, other: FieldCounts) -> FieldCounts:
        return _counted([*self.counts, *other.counts], self.others + other.others)

    def __bool__(self) -> bool:
        return bool(self.counts)

    def __str__(self) -> str:
        """The first names with their counts, and how many more there are."""
        return self.shown(SHOWN_NAMES)

    def shown(self, limit: int) -> str:
        """The first names up to a limit with their counts, and how many more there are."""
        shown = ", ".join(f"{name} ({count:,})" for name, count in self.counts[:limit])
        more = len(self.counts) - limit
        if self.others:
            return f"{shown} and more than {max(0, more):,} others"
        return f"{shown} and {more:,} more" if more > 0 else shown


NO_FIELDS = FieldCounts()


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingUse:
    """What a mapping did to the records that were read by it, and in how many of them."""

    name: str = ""
    """The mapping's, or those of several; empty where there was none."""
    mapped: FieldCounts = NO_FIELDS
    """See `ExtraFields.mapped`."""
    derived: FieldCounts = NO_FIELDS
    """See `ExtraFields.derived`."""

    def __add__(self, other: MappingUse) -> MappingUse:
        return MappingUse(
            name=joined_names(self.name, other.name),
            mapped=self.mapped + other.mapped,
            derived=self.derived + other.derived,
        )

    def detail(self) -> dict[str, object]:
        """The same for the access record and for programs."""
        return {
            "mapping": self.name,
            "mapped_fields": dict(self.mapped.counts),
            "derived_fields": dict(self.derived.counts),
        }


NOT_MAPPED = MappingUse()


def joined_names(names: str, more: str) -> str:
    """The names of mappings with others, each once."""
    return ", ".join(sorted({*names.split(", "), *more.split(", ")} - {""}))


def count_fields(records: Iterable[tuple[str, ...]]) -> FieldCounts:
    """The names of the fields of records, counted."""
    return _counted(((name, 1) for names in records for name in names), 0)


def _counted(pairs: Iterable[tuple[str, int]], others: int) -> FieldCounts:
    counts: dict[str, int] = {}
    for name, count in pairs:
        if name in counts or len(counts) < MAX_NAMES:
            counts[name] = counts.get(name, 0) + count
        else:
            others += count
    return FieldCounts(tuple(counts.items()), others)


def describe_extra(
    kept: FieldCounts,
    lost: FieldCounts,
    other_lines: int = 0,
    use: MappingUse = NOT_MAPPED,
) -> list[str]:
    """What became of fields that no entry has, of the lines of a log that were no audit entries,
    and by which mapping records were read, a sentence each; none where there is nothing to tell."""
    sentences = []
    if use.name:
        sentences.append(f"Read by the mapping {use.name}.")
        for what, counts in (
            ("Fields as they were", use.mapped),
            ("Fields made from others, which are kept as well", use.derived),
            (f"Kept in the metadata under {UNMAPPED}", kept),
        ):
            if counts:
                sentences.append(f"{what}: {counts.shown(SHOWN_PLACES)}.")
    elif kept:
        sentences.append(f"Unknown fields are kept in the metadata under {EXTRA}: {kept}.")
    if lost:
        sentences.append(_describe_lost(lost, use))
    if other_lines:
        sentences.append(
            f"{other_lines:,} lines of the log are no audit entries, and were passed over."
            if other_lines > 1
            else "1 line of the log is no audit entry, and was passed over."
        )
    return sentences


def _describe_lost(lost: FieldCounts, use: MappingUse) -> str:
    if use.name:
        return f"Not kept, since the metadata has no room for them: {lost}."
    return (
        "Unknown fields were not kept, since the metadata has no room for them or has an "
        f"{EXTRA} of its own: {lost}."
    )
