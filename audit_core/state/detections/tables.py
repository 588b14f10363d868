"""The tables of what rules found, of how far each has looked, and of alerts."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, Table, Text

from audit_core.runtime.utc_time import UtcTime
from audit_core.state.columns import Counter, Digest, FreeText, RandomId, metadata

# How far a rule has looked in the log of an organization: up to the write with this number, and,
# for what may be missing, up to this time. `rule` is a digest of the rule as it was then.
rule_watermark = Table(
    "rule_watermark",
    metadata,
    Column("organization_id", FreeText, primary_key=True),
    Column("rule_id", Text, primary_key=True),
    Column("rule", Digest, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("looked_at", UtcTime, nullable=False),
)

# What a rule found in one group and one hour. It stays when it was withdrawn: `withdrawn_at`. The
# group is named by a digest of its values. The alert that it joined is its own for good.
finding = Table(
    "finding",
    metadata,
    Column("organization_id", FreeText, primary_key=True),
    Column("rule_id", Text, primary_key=True),
    Column("group", Digest, primary_key=True),
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("values", JSON, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("first_at", UtcTime, nullable=False),
    Column("last_at", UtcTime, nullable=False),
    Column("raised_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("withdrawn_at", UtcTime),
    Column("rule", Digest),
    Column("alert_id", RandomId, index=True),
    Index("ix_finding_organization_id_rule_id_hour", "organization_id", "rule_id", "hour"),
)

# What a person works off. `number` counts the organization's alerts, `revision` its changes to
# them: both without gaps, in the order of commits.
alert = Table(
    "alert",
    metadata,
    Column("id", RandomId, primary_key=True),
    Column("organization_id", FreeText, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("rule_title", FreeText, nullable=False),
    Column("level", Text, nullable=False),
    Column("group", Digest, nullable=False),
    Column("names", JSON, nullable=False),
    Column("values", JSON, nullable=False),
    Column("state", Text, nullable=False),
    Column("resolution", Text),
    Column("assignee_id", RandomId),
    Column("count", BigInteger, nullable=False),
    Column("first_at", UtcTime, nullable=False),
    Column("last_at", UtcTime, nullable=False),
    Column("raised_at", UtcTime, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime),
    Column("withdrawn_at", UtcTime),
    Index("ix_alert_organization_id_number", "organization_id", "number", unique=True),
    Index("ix_alert_organization_id_revision", "organization_id", "revision", unique=True),
    Index("ix_alert_organization_id_state", "organization_id", "state", "last_at"),
    Index("ix_alert_organization_id_rule_id_group", "organization_id", "rule_id", "group"),
)

# How many alerts an organization has had, and how many changes to them. Whoever changes one locks
# its row.
alert_count = Table(
    "alert_count",
    metadata,
    Column("organization_id", FreeText, primary_key=True),
    Column("alerts", BigInteger, nullable=False),
    Column("changes", BigInteger, nullable=False),
)

# An alert's own record.
alert_event = Table(
    "alert_event",
    metadata,
    Column("id", Counter, primary_key=True, autoincrement=True),
    Column("alert_id", RandomId, nullable=False),
    Column("organization_id", FreeText, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", FreeText),
    Column("detail", JSON, nullable=False),
    Index("ix_alert_event_alert_id", "alert_id", "id"),
)
