"""The kinds of channels."""

from __future__ import annotations

from enum import StrEnum


class ChannelKind(StrEnum):
    """How a channel is told. The value is kept."""

    WEBHOOK = "webhook"
    SLACK = "slack"
    EMAIL = "email"
    PAGERDUTY = "pagerduty"

    @property
    def label(self) -> str:
        """The name for people."""
        return _LABELS[self]


_LABELS = {
    ChannelKind.WEBHOOK: "Webhook",
    ChannelKind.SLACK: "Slack",
    ChannelKind.EMAIL: "E-mail",
    ChannelKind.PAGERDUTY: "PagerDuty",
}
