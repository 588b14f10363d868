"""The tables of what rules found, and of how far each has looked."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, Table, Text

from audit_core.runtime.utc_time import UtcTime
from audit_core.state.columns import Digest, FreeText, metadata

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
# group is named by a digest of its values.
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
    Index("ix_finding_organization_id_rule_id_hour", "organization_id", "rule_id", "hour"),
)
