"""Checkpoints posted to an address, for a receiver that keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from audit_core.integrity.anchors.anchor import AnchorKind, AnchorName, Submission, name_anchor
from audit_core.integrity.anchors.exchange import Exchange
from audit_core.runtime.outgoing.policy import OutgoingPolicy

CONTENT_TYPE = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAnchor:
    """See `Anchor`. Any 2xx says that the receiver has the note."""

    name: AnchorName
    interval: timedelta
    exchange: Exchange

    def submit(self, submission: Submission) -> bytes:
        """Post the note; nothing comes back that proves it."""
        answer = self.exchange.post(submission.note.encode(), CONTENT_TYPE)
        if not 200 <= answer.status < 300:
            raise self.exchange.unavailable(
                f"It answered {answer.status}; redirects are not followed."
                if 300 <= answer.status < 400
                else f"It answered {answer.status}."
            )
        return b""


def webhook_anchor(url: str, interval: timedelta, policy: OutgoingPolicy) -> WebhookAnchor:
    """Raises `SettingsError`."""
    exchange = Exchange(url, policy)
    name = name_anchor(AnchorKind.WEBHOOK, url, exchange.host)
    return WebhookAnchor(name=name, interval=interval, exchange=exchange)
