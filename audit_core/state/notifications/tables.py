"""The tables of channels, of what is told to which of them, and of the outbox."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, Table, Text

from audit_core.runtime.utc_time import UtcTime
from audit_core.state.columns import Counter, FreeText, RandomId, metadata

# Where messages go. `sealed` holds the secrets, and addresses that are secrets, as JSON encrypted
# with the installation's key; `former` is what was sealed before, valid until `former_until`.
# `quiet` is hours without messages; `problem` is what is wrong since `failing_since`, if anything.
# Until `rest_until` nothing is sent, because the receiver asked for it.
channel = Table(
    "channel",
    metadata,
    Column("id", RandomId, primary_key=True),
    Column(
        "organization_id",
        ForeignKey("organization.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("kind", Text, nullable=False),
    Column("name", FreeText, nullable=False),
    Column("destination", FreeText, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("former", Text),
    Column("former_until", UtcTime),
    Column("quiet", JSON),
    Column("group_minutes", Integer, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", FreeText, nullable=False),
    Column("disabled_at", UtcTime),
    Column("problem", FreeText),
    Column("failing_since", UtcTime),
    Column("told_at", UtcTime),
    Column("delivered_at", UtcTime),
    Column("rest_until", UtcTime),
)

# What a channel is told: alerts from a level on, of some rules and kinds of targets. An empty list
# is any. A channel without routes is told everything.
notification_route = Table(
    "notification_route",
    metadata,
    Column("id", RandomId, primary_key=True),
    Column("channel_id", ForeignKey("channel.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("level", Text, nullable=False),
    Column("rule_ids", JSON, nullable=False),
    Column("target_types", JSON, nullable=False),
)

# One message to one channel: `id` is what the receiver knows it by each time that it is sent. It
# is sent when `next_at` has passed, until `state` says what became of it. `alert_id` is set where
# it is about one alert only.
notification_message = Table(
    "notification_message",
    metadata,
    Column("id", RandomId, primary_key=True),
    Column("channel_id", ForeignKey("channel.id", ondelete="CASCADE"), nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("notices", Integer, nullable=False),
    Column("level", Text, nullable=False),
    Column("alert_id", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", UtcTime),
    Column("attempted_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("problem", FreeText),
    Index("ix_notification_message_channel_id", "channel_id", "created_at"),
    Index("ix_notification_message_state", "state", "next_at"),
)

# One notice for one channel, in the order in which they were written; without a message it waits
# for one.
notification = Table(
    "notification",
    metadata,
    Column("id", Counter, primary_key=True),
    Column("channel_id", ForeignKey("channel.id", ondelete="CASCADE"), nullable=False),
    Column("message_id", ForeignKey("notification_message.id", ondelete="CASCADE"), index=True),
    Column("notice", JSON, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Index("ix_notification_channel_id", "channel_id", "message_id", "id"),
)

# Who gets a digest of the alerts of an organization by e-mail, each day when the clocks of `zone`
# show `minute`. `next_at` is the day's time that is due next, `try_at` when it is tried.
digest = Table(
    "digest",
    metadata,
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
    Column("organization_id", ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True),
    Column("minute", Integer, nullable=False),
    Column("zone", Text, nullable=False),
    Column("next_at", UtcTime, nullable=False),
    Column("try_at", UtcTime, nullable=False, index=True),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("sent_at", UtcTime),
    Column("problem", FreeText),
)
