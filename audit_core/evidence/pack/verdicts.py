"""What a verifier says of a pack: six verdicts that do not lean on each other's word."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Part(StrEnum):
    """What is judged by itself."""

    SIGNATURE = "signature"
    INTEGRITY = "integrity"
    COMPLETENESS = "completeness"
    FILTER = "filter"
    COUNTS = "counts"
    TIME = "time"


class State(StrEnum):
    """How a part was judged, from best to worst."""

    HOLDS = "holds"
    UNCONFIRMED = "unconfirmed"
    """Signed by a key that nobody has confirmed."""
    PARTLY = "partly"
    """As far as what is shown can tell; nothing speaks against it."""
    UNKNOWN = "unknown"
    """It cannot be told while another part fails."""
    FAILS = "fails"


class PackError(Exception):
    """The file is no pack that can be looked into; the text is a sentence, `code` its name."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True)
class Finding:
    """What speaks against a part: a name that never changes, and a sentence."""

    code: str
    sentence: str


MAX_FINDINGS = 20
"""So many findings of a part are kept; the others are counted."""


@dataclass(slots=True)
class Verdict:
    """How a part was judged, and why."""

    part: Part
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Sentences that explain a verdict that does not fail."""
    state: State = State.HOLDS
    more: int = 0
    """How many findings are not listed."""

    def fail(self, code: str, sentence: str) -> None:
        """Something speaks against it."""
        self.state = State.FAILS
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(code, sentence))
        else:
            self.more += 1

    def soften(self, state: State, note: str) -> None:
        """It holds less than wholly, unless it fails already."""
        self.notes.append(note)
        if self.state is not State.FAILS:
            self.state = state

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "state": self.state.value,
            "findings": [{"code": item.code, "sentence": item.sentence} for item in self.findings],
            "notes": self.notes,
            "more": self.more,
        }


@dataclass(slots=True)
class Report:
    """All verdicts on one pack, and what it is a pack of."""

    verdicts: dict[Part, Verdict] = field(
        default_factory=lambda: {part: Verdict(part) for part in Part}
    )
    key: str = ""
    """The key that it names, as text."""
    subject: dict[str, Any] = field(default_factory=dict)
    """What the manifest says; to be believed as far as the verdicts hold."""

    def __getitem__(self, part: Part) -> Verdict:
        return self.verdicts[part]

    @property
    def fails(self) -> bool:
        """Whether any part fails."""
        return any(verdict.state is State.FAILS for verdict in self.verdicts.values())

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "holds": not self.fails,
            "key": self.key,
            "verdicts": {part.value: verdict.as_json() for part, verdict in self.verdicts.items()},
        }
