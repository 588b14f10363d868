"""What a full verification found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from audit_core.integrity.runs import runs_of
from audit_core.query.time.windows import format_instant, parse_instant

MAX_FINDINGS = 500
"""How many are listed one by one; the others are counted."""


class FindingKind(StrEnum):
    """What is wrong. The value is the name it is kept by."""

    ALTERED = "altered"
    MISSING = "missing"
    EXTRA = "extra"
    CHECKPOINT = "checkpoint"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was sealed: writes `first` to `last`, by the numbers under which
    the organization counts them, or for `CHECKPOINT` the tree of `last` writes."""

    kind: FindingKind
    first: int
    last: int
    detail: str = ""
    seen: str = ""
    """Of `ALTERED`, a digest of what stands there now: altered once more, it is another finding."""

    def is_covered_by(self, others: Iterable[Finding]) -> bool:
        """Whether all that it says is said by the others.

        That a write is missing or too much is said of each write alone, so that runs may join or
        part; what was altered must be just as it was.
        """
        alike = [one for one in others if one.kind is self.kind]
        if self.kind not in (FindingKind.MISSING, FindingKind.EXTRA):
            return self in alike
        first = self.first
        for one in sorted(alike, key=lambda one: one.first):
            if one.first <= first <= one.last:
                first = one.last + 1
        return first > self.last

    @property
    def writes(self) -> int:
        """How many writes it is about."""
        return self.last - self.first + 1

    @property
    def sentence(self) -> str:
        """For people."""
        if self.kind is FindingKind.CHECKPOINT:
            return self.detail
        one = self.first == self.last
        which = f"write {self.first:,}" if one else f"writes {self.first:,} to {self.last:,}"
        match self.kind:
            case FindingKind.MISSING:
                said = f"The log lacks {which}."
            case FindingKind.EXTRA:
                said = f"The log holds more than was sealed: {which}."
            case _ if one:
                said = f"The entry of {which} is not as it was sealed."
            case _:
                said = f"Among {which}, at least one entry is not as it was sealed."
        return f"{said} {self.detail}".strip()


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A finding of which somebody has said that it is known, and why."""

    finding: Finding
    by: str
    at: datetime
    reason: str
    """Of a person's choosing: never to be read as markup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one whole verification of a tree found."""

    size: int
    """How many writes were sealed, and so checked."""
    unsealed: int
    """How many the log had beyond these."""
    seconds: float
    """How long it took."""
    checkpoints: int
    """How many kept checkpoints were held against the tree."""
    kept: Mapping[str, int] = field(default_factory=dict)
    """How many leaves were taken from what is kept, not from the log, by why: `superseded`,
    `erased`, `pruned`, `absent`, and `gone` for those of tiles that retention has let go."""
    findings: tuple[Finding, ...] = ()
    """At most `MAX_FINDINGS`, in order."""
    more: int = 0
    """How many findings are not listed."""
    acknowledged: tuple[Acknowledged, ...] = ()
    """Those that somebody has acknowledged, also at an earlier verification, and that are found
    still."""

    @property
    def alarming(self) -> tuple[Finding, ...]:
        """The findings that nobody has acknowledged."""
        known = [one.finding for one in self.acknowledged]
        return tuple(one for one in self.findings if not one.is_covered_by(known))

    def with_acknowledged(self, earlier: Iterable[Acknowledged]) -> Result:
        """The same, with what was acknowledged earlier and is found still."""
        still = tuple(
            one
            for one in earlier
            if any(
                one.finding.kind is found.kind
                and one.finding.first <= found.last
                and found.first <= one.finding.last
                for found in self.findings
            )
        )
        return replace(self, acknowledged=still)

    @property
    def holds(self) -> bool:
        """Whether all is as it was sealed."""
        return not self.findings

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "size": self.size,
            "unsealed": self.unsealed,
            "seconds": round(self.seconds, 3),
            "checkpoints": self.checkpoints,
            "kept": dict(self.kept),
            "findings": [_as_json(finding) for finding in self.findings],
            "more": self.more,
            "acknowledged": [
                [_as_json(one.finding), one.by, format_instant(one.at), one.reason]
                for one in self.acknowledged
            ],
        }


def result_from_json(kept: Mapping[str, Any]) -> Result:
    """The result that was kept."""
    return Result(
        **{
            **kept,
            "findings": tuple(map(_from_json, kept["findings"])),
            "acknowledged": tuple(
                Acknowledged(_from_json(finding), by, parse_instant(at), reason)
                for finding, by, at, reason in kept.get("acknowledged", ())
            ),
        }
    )


def _as_json(finding: Finding) -> list[Any]:
    return [finding.kind.value, finding.first, finding.last, finding.detail, finding.seen]


def _from_json(kept: Sequence[Any]) -> Finding:
    """Earlier versions kept no digest."""
    kind, *others = kept
    return Finding(FindingKind(kind), *others)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The last whole verification of a tree."""

    at: datetime
    result: Result


def by_runs(kind: FindingKind, numbers: Iterable[int], detail: str = "") -> list[Finding]:
    """A finding for each run of numbers without a gap."""
    return [Finding(kind, first, last, detail) for first, last in runs_of(sorted(set(numbers)))]
