"""What an anchor is handed, what it gives back, and what may be wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from audit_core.domain.errors import AuditError
from audit_core.integrity.signed_note import VerifierKey


class AnchorKind(StrEnum):
    """How an anchor is spoken to."""

    FOLDER = "folder"
    WEBHOOK = "webhook"
    TIME_STAMP = "time_stamp"
    WITNESS = "witness"

    @property
    def label(self) -> str:
        """For people."""
        return _LABELS[self]


_LABELS = {
    AnchorKind.FOLDER: "Folder",
    AnchorKind.WEBHOOK: "Webhook",
    AnchorKind.TIME_STAMP: "Time stamp",
    AnchorKind.WITNESS: "Witness",
}


class AnchorUnavailable(AuditError):
    """An anchor did not take a checkpoint, for a reason that may pass by itself."""


class AnchorContradicts(AuditError):
    """An anchor has seen a checkpoint that this log does not hold: the log, or the state with it,
    was put back, cut or rewritten. Nothing passes by itself here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A checkpoint for an anchor."""

    origin: str
    """The checkpoint's first line: the installation and the organization."""
    size: int
    root: bytes
    note: str
    """The signed note, with the log's own signature only."""
    key: VerifierKey
    """Of that signature."""
    known_size: int
    """Of the newest checkpoint that this anchor took, as far as is known here; 0: none."""
    consistency: Callable[[int], Sequence[bytes]]
    """The consistency proof (RFC 6962) from a smaller tree of that size, more than 0, to this
    one. Raises `AuditError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorName:
    """What an anchor is called, here and on the page."""

    id: str
    """The same for the same kind and address, in the state."""
    kind: AnchorKind
    label: str
    """For people: no path, and of an address the host alone."""


class Anchor(Protocol):
    """A place outside that takes checkpoints. Used by one thread."""

    @property
    def name(self) -> AnchorName:
        """What it is called."""

    @property
    def interval(self) -> timedelta:
        """How often a checkpoint of one organization goes there, at most."""

    def submit(self, submission: Submission) -> bytes:
        """Hand a checkpoint over; what the anchor gives for it, empty where it gives nothing.

        Returns once the anchor has it for good, within a bounded time. Raises
        `AnchorUnavailable`, `AnchorContradicts`, or another `AuditError`.
        """


def name_anchor(kind: AnchorKind, address: str, label: str) -> AnchorName:
    """The name of the anchor at an address."""
    digest = hashlib.sha256(f"{kind.value}\0{address}".encode()).hexdigest()
    return AnchorName(id=digest[:16], kind=kind, label=label)


def contradiction(name: AnchorName, what: str) -> AnchorContradicts:
    """`what` is a clause that says what the anchor has seen."""
    return AnchorContradicts(
        f"{name.kind.label} {name.label} has seen {what}.",
        "Entries that were sealed were cut off or changed, or an older log or state was put back. "
        "If that was done on purpose, as by a restore, begin with a new place; else find out who "
        "did it.",
    )
