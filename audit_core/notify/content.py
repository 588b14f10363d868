"""What one message is about. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit_core.domain.alerts.level import Level
from audit_core.notify.notice import Notice

_CHANNEL = "failing_channel"
"""The key of a kept notice that is about a channel; one about an alert has none such."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """One notice or more of alerts, in their order."""

    notices: tuple[Notice, ...]

    @property
    def level(self) -> Level:
        """The highest."""
        return max((notice.level for notice in self.notices), key=lambda level: level.rank)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingChannel:
    """Another channel of the organization delivers nothing."""

    channel_id: str
    name: str
    kind: str
    since: datetime
    problem: str
    """A sentence, in which an answer of the receiver may be quoted."""

    @property
    def level(self) -> Level:
        """Alerts do not arrive."""
        return Level.HIGH

    @property
    def sentence(self) -> str:
        """What is to be told."""
        return (
            f"The channel “{self.name}” has delivered nothing since "
            f"{self.since:%Y-%m-%d %H:%M} UTC: {self.problem}"
        )

    def as_json(self) -> dict[str, Any]:
        """How it is kept in place of a notice."""
        about = {
            "channel_id": self.channel_id,
            "name": self.name,
            "kind": self.kind,
            "since": self.since.isoformat(),
            "problem": self.problem,
        }
        return {_CHANNEL: about}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelTest:
    """Somebody wants to see whether a message arrives."""

    channel: str
    """The name of the channel."""
    sent_by: str

    @property
    def level(self) -> Level:
        """Nothing has happened."""
        return Level.INFORMATIONAL

    @property
    def sentence(self) -> str:
        """What is to be told."""
        return f"This is a test of the channel “{self.channel}”, sent by {self.sent_by}."


Content = Alerts | FailingChannel | ChannelTest


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message to one channel."""

    id: str
    """What the receiver knows it by: the same each time that it is sent."""
    created_at: datetime
    content: Content


def is_about_channel(kept: Mapping[str, Any]) -> bool:
    """Whether what is kept is about a channel and not about an alert."""
    return _CHANNEL in kept


def content_of(kept: Sequence[Mapping[str, Any]]) -> Content:
    """The content that kept notices make, which are of alerts, or one of a channel."""
    if is_about_channel(kept[0]):
        about = kept[0][_CHANNEL]
        return FailingChannel(**{**about, "since": datetime.fromisoformat(about["since"])})
    return Alerts(notices=tuple(Notice.from_json(one) for one in kept))
