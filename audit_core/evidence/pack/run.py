"""Walks the leaves of a pack once, with its entries beside them, in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from audit_core.evidence.pack.claims import Claims
from audit_core.evidence.pack.entry_lines import difference, instant_text
from audit_core.evidence.pack.leaf_lines import (
    ClosedBlock,
    HashedLeaf,
    Kind,
    OpenedLeaf,
    parse_line,
)
from audit_core.evidence.pack.verdicts import Part, Report, State, Verdict
from audit_core.integrity.leaf import PLAIN
from audit_core.integrity.merkle import CompactRange, ProofError, RangeProof, root_of_compact_range

_ORGANIZATION, _REVISION, _SEQ, _CREATED, _RECEIVED, _STATUS = (
    PLAIN.index(name)
    for name in (
        *("organization_id", "organization_revision", "organization_seq"),
        *("created_at", "received_at", "status_code"),
    )
)
MICROSECONDS_A_DAY = 86_400_000_000
_HASHES_AT_ONCE = 4096
_LOOSE = (Kind.CLOSED, Kind.ERASED, Kind.PRUNED, Kind.ABSENT)
"""Leaves that may hold an entry which is shown nowhere else. One that was superseded holds an
earlier version of an entry that another leaf holds."""


class Run:
    """What the leaves of a pack show, and what speaks against it. `earlier` is a tree's size of
    which the root is wanted as well; see `earlier_root`."""

    def __init__(
        self,
        report: Report,
        claims: Claims,
        start: int,
        proof: RangeProof,
        entries: Iterator[bytes],
        earlier: int | None,
    ) -> None:
        self.leaves = CompactRange(start)
        self.kinds: Counter[str] = Counter()
        self._days: Counter[int] = Counter()
        self.others: Counter[str] = Counter()
        """Redacted, unfinished and late entries."""
        self.newest_received = 0
        self.border: OpenedLeaf | None = None
        """The first leaf, where it is opened."""
        self.earlier_root: bytes | None = None
        self.numbers = Numbers(report[Part.COMPLETENESS], report[Part.COUNTS], start)
        self._integrity, self._filter = report[Part.INTEGRITY], report[Part.FILTER]
        self._claims = claims
        self._proof, self._entries, self._earlier = proof, entries, earlier

    def walk(self, lines: Iterable[bytes]) -> bool:
        """Look at every leaf. False where one cannot be read: nothing behind it was looked at."""
        integrity = self._integrity
        hashes: list[bytes] = []
        for number, line in enumerate(lines, self.leaves.start):
            try:
                leaf = parse_line(line)
            except (ValueError, RecursionError) as error:
                integrity.fail("integrity.leaf_unreadable", f"Leaf {number}: {error}.")
                return False
            self.kinds[leaf.kind] += 1
            hashes.append(leaf.hash)
            if isinstance(leaf, OpenedLeaf):
                self._opened(leaf, number)
            else:
                self.numbers.closed(leaf)
            if number + 1 == self._earlier:
                self._add(hashes)
                self._note_earlier_root()
            elif len(hashes) == _HASHES_AT_ONCE:
                self._add(hashes)
        self._add(hashes)
        if next(self._entries, None) is not None:
            integrity.fail("integrity.entry_extra", "There are more entries than leaves of them.")
        return True

    def _add(self, hashes: list[bytes]) -> None:
        """Add the hashes of the next leaves, which are used up."""
        self.leaves.extend(hashes)
        hashes.clear()

    @property
    def days(self) -> dict[str, int]:
        """The entries by day in UTC."""
        return {
            instant_text(day * MICROSECONDS_A_DAY)[:10]: number
            for day, number in self._days.items()
        }

    def _note_earlier_root(self) -> None:
        try:
            left = RangeProof(self._proof.left, ())
            self.earlier_root = root_of_compact_range(self.leaves, self.leaves.stop, left)
        except ProofError:
            self.earlier_root = None  # the proof of the whole run says why

    def _opened(self, leaf: OpenedLeaf, number: int) -> None:
        integrity, plain = self._integrity, leaf.plain
        if number == self.leaves.start:
            self.border = leaf
        if plain[_ORGANIZATION] != self._claims.organization_id:
            integrity.fail(
                "integrity.organization", f"Leaf {number} belongs to another organization."
            )
        if plain[_REVISION] != str(number + 1):
            integrity.fail(
                "integrity.number", f"Leaf {number} says it is number {plain[_REVISION]}."
            )
        self.numbers.opened(int(plain[_SEQ] or 0), number)
        self.newest_received = max(self.newest_received, int(plain[_RECEIVED] or 0))
        met = self._claims.meets(plain)
        if leaf.kind is Kind.LEFT_OUT:
            if met is not False:
                self._filter.fail("filter.left_out", f"Leaf {number} was left out, but may match.")
            return
        if met is False:
            self._filter.fail("filter.put_in", f"Leaf {number} is an entry that does not match.")
        self._entry(leaf, number)

    def _entry(self, leaf: OpenedLeaf, number: int) -> None:
        created, received = int(leaf.plain[_CREATED] or 0), int(leaf.plain[_RECEIVED] or 0)
        until = self._claims.until
        self._days[created // MICROSECONDS_A_DAY] += 1
        self.others["redacted"] += isinstance(leaf.said, ClosedBlock)
        self.others["unfinished"] += leaf.plain[_STATUS] is None
        self.others["late"] += until is not None and received >= until
        integrity = self._integrity
        line = next(self._entries, None)
        if line is None:
            integrity.fail("integrity.entry_missing", f"Leaf {number} has no entry.")
            return
        try:
            name = difference(line, leaf)
        except (ValueError, RecursionError) as error:
            integrity.fail(
                "integrity.entry_unreadable", f"The entry of leaf {number} cannot be read: {error}."
            )
            return
        if name is not None:
            integrity.fail(
                "integrity.entry", f"The entry of leaf {number} says another {name} than its leaf."
            )


class Numbers:
    """Whether the entries' own numbers go on without a gap: each new entry has the next one, and
    each is shown once, so an entry that is hidden is missed."""

    def __init__(self, completeness: Verdict, counts: Verdict, start: int) -> None:
        self._completeness, self._counts = completeness, counts
        self._base = 0 if start == 0 else None
        self._low = self._high = 0
        """Between these lies how many entries there were up to here."""
        self._shown = bytearray()
        """By number, from the first of the run; up to the first gap, so no longer than the run."""
        self._others: set[int] = set()
        """Numbers before the first of the run, and behind a gap."""
        self._gap = False
        self._loose = 0

    def opened(self, number: int, leaf: int) -> None:
        """The leaf shows the entry with this number."""
        if self._base is None:
            self._base = self._low = self._high = number - 1
        if number > self._high + 1:
            self._completeness.fail(
                "completeness.gap", f"Before leaf {leaf}, an entry is missing: {self._high + 1}."
            )
            self._low = self._high = number
            self._gap = True
        self._low, self._high = max(self._low, number), max(self._high, number)
        if self._shown_before(number, number - self._base):
            self._counts.fail("counts.twice", f"Leaf {leaf} shows entry {number} once more.")

    def _shown_before(self, number: int, place: int) -> bool:
        """Whether another leaf showed this entry; it counts as shown from now on."""
        if place <= 0 or (self._gap and place >= len(self._shown)):
            before = number in self._others
            self._others.add(number)
            return before
        if place >= len(self._shown):
            self._shown.extend(bytes(place + 1 - len(self._shown)))
        before = bool(self._shown[place])
        self._shown[place] = 1
        return before

    def closed(self, leaf: HashedLeaf) -> None:
        """A leaf that does not show which entry it holds."""
        if self._base is None:
            self._base = 0  # a run that begins so is refused by who looks at its border
        self._high += 1
        self._loose += leaf.kind in _LOOSE

    def finish(self, entries_in_all: int) -> None:
        """The run is over; the log claims so many entries in all."""
        base = self._base or 0
        if not self._low <= entries_in_all <= self._high:
            self._completeness.fail(
                "completeness.entries",
                f"The log is said to have {entries_in_all:,} entries; the leaves show "
                f"{self._low:,}.",
            )
            return
        missing = entries_in_all - base - sum(self._shown)
        if missing > self._loose and self._completeness.state is not State.FAILS:
            self._completeness.fail(
                "completeness.hidden",
                f"{missing - self._loose:,} entries are shown by no leaf, though none is closed.",
            )
