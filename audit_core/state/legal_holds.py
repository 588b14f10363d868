"""The table of legal holds."""

from __future__ import annotations

from sqlalchemy import JSON, Column, ForeignKey, Index, Table

from audit_core.runtime.utc_time import UtcTime
from audit_core.state.columns import FreeText, RandomId, metadata

# What is kept until somebody lifts it: entries that match `params`, a filter as in an address. A
# hold that was lifted stays, as a fact.
legal_hold = Table(
    "legal_hold",
    metadata,
    Column("id", RandomId, primary_key=True),
    Column("organization_id", ForeignKey("organization.id", ondelete="CASCADE"), nullable=False),
    Column("params", JSON, nullable=False),
    Column("reason", FreeText, nullable=False),
    Column("set_by", FreeText, nullable=False),
    Column("set_at", UtcTime, nullable=False),
    Column("lifted_by", FreeText),
    Column("lifted_at", UtcTime),
    Column("lifting_reason", FreeText),
    Index("ix_legal_hold_organization_id", "organization_id"),
)
