"""A notice: what is told of an alert once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from audit_core.domain.alerts.level import Level


class NoticeKind(StrEnum):
    """What happened to the alert. The value is kept, and told to receivers."""

    RAISED = "raised"
    GROWN = "grown"
    """More was found that belongs to it."""
    WITHDRAWN = "withdrawn"
    """An entry that was finished later made it untrue."""
    RAISED_AGAIN = "raised_again"
    """It was withdrawn, and is true after all."""
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What is told of one alert at one moment. Text of the log is in it: see `sentence`."""

    alert_id: str
    """The same in all notices of an alert."""
    number: int
    """Of the alert, in the organization's own count: what people call it by."""
    kind: NoticeKind
    rule_id: str
    rule_title: str
    level: Level
    target_types: tuple[str, ...]
    """Of the entries it is about, such as `sandbox`; empty: of none."""
    sentence: str
    """What happened. Like the values of `group` it may hold text of the log: the outbox
    keeps it without secrets, and each channel escapes it in its own way."""
    group: Mapping[str, str]
    """By what the rule tells entries apart: the value of each name; empty: by nothing."""
    count: int
    """How often it was found so far."""
    first_at: datetime
    last_at: datetime
    """When the first and the last of it happened (aware, UTC)."""
    at: datetime
    """When this was noticed (aware, UTC)."""
    reason: str | None
    """Why it was withdrawn or closed, if a reason is known."""
    path: str
    """The app's page of the alert, such as `/alerts?alert=…`, without the host."""

    def as_json(self) -> dict[str, Any]:
        """What `from_json` reads: texts, numbers and lists only."""
        return {
            "alert_id": self.alert_id,
            "number": self.number,
            "kind": self.kind.value,
            "rule_id": self.rule_id,
            "rule_title": self.rule_title,
            "level": self.level.value,
            "target_types": list(self.target_types),
            "sentence": self.sentence,
            "group": dict(self.group),
            "count": self.count,
            "first_at": self.first_at.isoformat(),
            "last_at": self.last_at.isoformat(),
            "at": self.at.isoformat(),
            "reason": self.reason,
            "path": self.path,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Notice:
        """The notice that `as_json` wrote."""
        return cls(
            **{
                **kept,
                "kind": NoticeKind(kept["kind"]),
                "level": Level(kept["level"]),
                "target_types": tuple(kept["target_types"]),
                **{name: datetime.fromisoformat(kept[name]) for name in _TIMES},
            }
        )


_TIMES = ("first_at", "last_at", "at")
