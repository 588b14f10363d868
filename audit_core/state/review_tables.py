"""The tables of access reviews: what was frozen at the start, and what was decided of each line."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from audit_core.runtime.utc_time import UtcTime
from audit_core.state.columns import Digest, FreeText, RandomId, metadata

# Of a review that is signed off nothing changes any more; `sha256` is of what was signed.
access_review = Table(
    "access_review",
    metadata,
    Column("id", RandomId, primary_key=True),
    Column("organization_id", ForeignKey("organization.id", ondelete="CASCADE"), nullable=False),
    Column("period", Text, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False),
    Column("zone", Text, nullable=False),
    Column("head", BigInteger, nullable=False),
    Column("keys_left_out", Integer, nullable=False),
    Column("started_by", FreeText, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("signed_by", FreeText),
    Column("signed_at", UtcTime),
    Column("sha256", Digest),
    Index("ix_access_review_organization_id", "organization_id", "started_at"),
)

# `frozen` is what stood there at the start. `subject_id` is the id of an account, a token or a
# link; an API key of the platform has none.
access_review_item = Table(
    "access_review_item",
    metadata,
    Column("review_id", ForeignKey("access_review.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("subject", FreeText, nullable=False),
    Column("subject_id", Text),
    Column("frozen", JSON, nullable=False),
    Column("uses", BigInteger),
    Column("last_used_at", UtcTime),
    Column("decision", Text),
    Column("note", FreeText, nullable=False),
    Column("decided_by", FreeText),
    Column("decided_at", UtcTime),
)
