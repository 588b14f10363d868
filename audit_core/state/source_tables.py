"""The tables of the state about where entries come from by themselves."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    Table,
    Text,
    false,
    true,
)

from audit_core.runtime.utc_time import UtcTime
from audit_core.state.columns import FreeText, metadata
from audit_core.state.columns import RandomId as _RandomId

# What entries are pulled from; the key is encrypted with the installation's.
source = Table(
    "source",
    metadata,
    Column("id", _RandomId, primary_key=True),
    Column(
        "organization_id",
        ForeignKey("organization.id", ondelete="CASCADE"),
        index=True,
    ),
    Column("name", FreeText, nullable=False),
    Column("url", FreeText, nullable=False),
    Column("sealed_key", Text, nullable=False),
    Column("requests_per_minute", Integer, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", FreeText, nullable=False),
    Column("remote_organization_id", FreeText),
    Column("any_address", Boolean, nullable=False, server_default=true()),
)

# How far each has come, and which process holds it until when. Written with each answer.
source_progress = Table(
    "source_progress",
    metadata,
    Column("source_id", ForeignKey("source.id", ondelete="CASCADE"), primary_key=True),
    Column("checkpoint", Text),
    Column("accepted", BigInteger, nullable=False, server_default="0"),
    Column("late", BigInteger, nullable=False, server_default="0"),
    Column("finished", BigInteger, nullable=False, server_default="0"),
    Column("rejected", BigInteger, nullable=False, server_default="0"),
    Column("in_flight", Integer, nullable=False, server_default="0"),
    Column("last_minute", Integer, nullable=False, server_default="0"),
    Column("last_success_at", UtcTime),
    Column("newest", UtcTime),
    Column("problem", FreeText),
    Column("hint", FreeText),
    Column("stopped", Boolean, nullable=False, server_default=false()),
    Column("next_try_at", UtcTime),
    Column("holder", Text),
    Column("held_until", UtcTime),
    Column("arrivals", Text),
)

# Where webhooks come in; the secret is encrypted with the installation's key.
webhook_endpoint = Table(
    "webhook_endpoint",
    metadata,
    Column("id", _RandomId, primary_key=True),
    Column(
        "organization_id",
        ForeignKey("organization.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("daytona_organization_id", FreeText, nullable=False),
    Column("name", FreeText, nullable=False),
    Column("sealed_secret", Text, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("created_by", FreeText, nullable=False),
    Column("last_received_at", UtcTime),
)
