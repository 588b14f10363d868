"""What an access review is: its lines, what was used, and what was decided."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

LONGEST_NOTE = 500
"""In characters."""
MAX_ITEMS = 5_000
"""How many lines a review may have: more cannot be read by anybody."""


class SubjectKind(StrEnum):
    """What a line is about. The value is the name used in files."""

    MEMBER = "member"
    """Somebody in the organization, with a role."""
    GRANT = "grant"
    """A permission beyond the role."""
    TOKEN = "token"  # noqa: S105
    """An API token of Sandtrail."""
    INVITATION = "invitation"
    KEY = "key"
    """An API key of the platform that was used in the period, as the log has it."""

    @property
    def label(self) -> str:
        """The name for people, in sentence case."""
        return {"token": "API token", "key": "API key"}.get(self.value, self.value.capitalize())


class Decision(StrEnum):
    """What became of a line. The value is the name used in files."""

    ATTESTED = "attested"
    """Somebody says that it is right."""
    REVOKED = "revoked"
    """It was taken away, by the decision."""
    REPORTED = "reported"
    """Of an API key of the platform: to be revoked there, which Sandtrail cannot do."""
    GONE = "gone"
    """It was no longer there, or no longer the same, when somebody decided."""

    @property
    def label(self) -> str:
        """The name for people, in sentence case."""
        return _LABELS[self]


_LABELS = {
    Decision.ATTESTED: "Attested",
    Decision.REVOKED: "Revoked",
    Decision.REPORTED: "To be revoked on the platform",
    Decision.GONE: "No longer there",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One access at the start of a review."""

    kind: SubjectKind
    subject: str
    """An e-mail address, the name of a token, or a masked key."""
    subject_id: str | None
    """Of the account, token or link; `None` for an API key of the platform."""
    frozen: Mapping[str, Any]
    """What stood there: plain JSON."""
    uses: int | None
    """In the period, as far as that is recorded; `None` where it is not."""
    last_used_at: datetime | None
    """`None`: never, or not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewItem:
    """A line of a review, and what was decided."""

    number: int
    """From 1, in the review."""
    line: Line
    decision: Decision | None
    """`None`: open."""
    note: str
    """Empty without one."""
    decided_by: str | None
    decided_at: datetime | None

    @property
    def decided_by_subject(self) -> bool:
        """Whether somebody decided about their own access."""
        return self.decided_by is not None and self.decided_by == self.line.subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A review without its lines."""

    id: str
    """Random; 32 hexadecimal digits."""
    organization_id: str
    period: str
    """`2026 Q3`."""
    since: datetime
    until: datetime
    """The period, in UTC; `until` is exclusive."""
    zone: str
    """Whose days it is made of."""
    head: int
    """The organization's newest revision when what was used was read."""
    keys_left_out: int
    """How many API keys were used in the period beyond those that have a line."""
    started_by: str
    started_at: datetime
    signed_by: str | None
    """`None`: not signed off."""
    signed_at: datetime | None
    sha256: str | None
    """Of `signed_lines`, when it was signed off."""
    items: int = 0
    open_items: int = 0

    @property
    def signed(self) -> bool:
        """Whether it was signed off, and cannot be changed."""
        return self.signed_at is not None


def signed_lines(review: Review, items: Sequence[ReviewItem]) -> Iterator[str]:
    """What is signed off: JSON lines without line ends, the review first."""
    yield _json(
        {
            "organization": review.organization_id,
            "period": review.period,
            "since": json_time(review.since),
            "until": json_time(review.until),
            "zone": review.zone,
            "head": review.head,
            "keysLeftOut": review.keys_left_out,
            "startedBy": review.started_by,
            "startedAt": json_time(review.started_at),
            "lines": len(items),
        }
    )
    for item in items:
        yield _json(item_object(item))


def item_object(item: ReviewItem) -> dict[str, Any]:
    """A line by its names in files; times as RFC 3339 in UTC."""
    return {
        "number": item.number,
        "kind": item.line.kind.value,
        "subject": item.line.subject,
        "subjectId": item.line.subject_id,
        "frozen": dict(item.line.frozen),
        "uses": item.line.uses,
        "lastUsedAt": json_time(item.line.last_used_at),
        "decision": None if item.decision is None else item.decision.value,
        "note": item.note,
        "decidedBy": item.decided_by,
        "decidedAt": json_time(item.decided_at),
        "decidedBySubject": item.decided_by_subject,
    }


def digest_of(review: Review, items: Sequence[ReviewItem]) -> str:
    """SHA-256, in hexadecimal, of `signed_lines`, each with a line end."""
    digest = sha256()
    for line in signed_lines(review, items):
        digest.update(f"{line}\n".encode("utf-8", "replace"))
    return digest.hexdigest()


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def json_time(instant: datetime | None) -> str | None:
    """A time as JSON has it: RFC 3339 in UTC, with microseconds."""
    if instant is None:
        return None
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
