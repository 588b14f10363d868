"""What a full verification found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from audit_core.integrity.runs import runs_of

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
            "findings": [
                [finding.kind.value, finding.first, finding.last, finding.detail]
                for finding in self.findings
            ],
            "more": self.more,
        }


def result_from_json(kept: Mapping[str, Any]) -> Result:
    """The result that was kept."""
    return Result(
        **{
            **kept,
            "findings": tuple(
                Finding(FindingKind(kind), first, last, detail)
                for kind, first, last, detail in kept["findings"]
            ),
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The last whole verification of a tree."""

    at: datetime
    result: Result


def by_runs(kind: FindingKind, numbers: Iterable[int], detail: str = "") -> list[Finding]:
    """A finding for each run of numbers without a gap."""
    return [Finding(kind, first, last, detail) for first, last in runs_of(sorted(set(numbers)))]
