"""The verbs of the access record that are about channels, and what is told to them."""

from __future__ import annotations

from audit_core.state.access_log.verb import Category, Verb

_TARGET = "channel"


def _verb(name: str, sentence: str) -> Verb:
    return Verb(name=name, sentence=sentence, category=Category.SETTING, target=_TARGET)


NOTIFICATION_VERBS = (
    _verb("channel.added", "Added a channel that alerts are told to."),
    _verb("channel.tested", "Sent a test message to a channel."),
    _verb("channel.paused", "Paused a channel: what is to be told to it waits."),
    _verb("channel.resumed", "Resumed a channel."),
    _verb("channel.secret_changed", "Gave a channel another address, key or secret."),
    _verb("channel.quiet_hours", "Set the quiet hours of a channel."),
    _verb("channel.grouping", "Set how long a channel waits before messages that are one."),
    _verb("channel.route_added", "Added a route: which alerts a channel is told of."),
    _verb("channel.route_removed", "Removed a route of a channel."),
    _verb("channel.sent_again", "Had messages sent again that could not be delivered."),
    _verb("channel.removed", "Removed a channel, and what was to be told to it."),
    Verb(
        name="digest.set",
        sentence="Wants a digest of the alerts by e-mail each day.",
        category=Category.WORK,
    ),
    Verb(
        name="digest.ended",
        sentence="Wants no digest of the alerts by e-mail any more.",
        category=Category.WORK,
    ),
    _verb("channel.ended", "Sent a channel nothing more, since its receiver wants no messages."),
)
