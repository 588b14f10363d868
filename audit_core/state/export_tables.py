"""The tables of exports that are made in the background. Their files lie in a folder."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    false,
)

from audit_core.runtime.utc_time import UtcTime
from audit_core.state.columns import Digest, FreeText, RandomId, metadata

# `what` is what was asked for, and `held` what the window held when it was read: see
# `audit_core.evidence.jobs`. `person` is whom the limits count it for: an account's id, or `token:`
# and a token's. A row whose file is gone stays for a while, so that the export can be repeated.
export = Table(
    "export",
    metadata,
    Column("id", RandomId, primary_key=True),
    Column("organization_id", ForeignKey("organization.id", ondelete="CASCADE"), nullable=False),
    Column("person", Text, nullable=False),
    Column("requested_by", FreeText, nullable=False),
    Column("requested_at", UtcTime, nullable=False),
    Column("title", FreeText, nullable=False),
    Column("what", JSON, nullable=False),
    Column("since_export_id", RandomId),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("cancelled", Boolean, nullable=False),
    Column("holder", Text),
    Column("held_until", UtcTime),
    Column("started_at", UtcTime),
    Column("ended_at", UtcTime),
    Column("expires_at", UtcTime),
    Column("expected", BigInteger),
    Column("entries", BigInteger, nullable=False, server_default="0"),
    Column("size", BigInteger, nullable=False, server_default="0"),
    Column("left_out", BigInteger, nullable=False, server_default="0"),
    Column("sha256", Digest),
    Column("file", FreeText),
    Column("problem", FreeText),
    Column("hint", FreeText),
    Column("held", JSON),
    Column("unfinished", JSON),
    Column("schedule_id", RandomId),
    Column("slot", UtcTime),
    Column("to_folder", Boolean, nullable=False, server_default=false()),
    Column("handed_at", UtcTime),
    Index("ix_export_organization_id", "organization_id", "requested_at"),
    Index("ix_export_state", "state", "requested_at"),
    Index("ix_export_slot", "schedule_id", "slot", unique=True),
)

# Exports that are made by themselves, of an account or of a token. `minute` is that of the day by
# the clocks of `zone`.
export_schedule = Table(
    "export_schedule",
    metadata,
    Column("id", RandomId, primary_key=True),
    Column(
        "organization_id",
        ForeignKey("organization.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    Column("name", FreeText, nullable=False),
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE")),
    Column("token_id", ForeignKey("token.id", ondelete="CASCADE")),
    Column("made_by", FreeText, nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("what", JSON, nullable=False),
    Column("every", Text, nullable=False),
    Column("minute", Integer, nullable=False),
    Column("zone", Text, nullable=False),
    Column("to_folder", Boolean, nullable=False),
    Column("paused", Boolean, nullable=False),
    Column("next_at", UtcTime, nullable=False),
    Column("problem", FreeText),
)
