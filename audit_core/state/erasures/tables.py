"""The tables of erasures: who asked for one, who confirmed it, and how far it has come."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from audit_core.runtime.utc_time import UtcTime
from audit_core.state.columns import Digest, FreeText, RandomId, metadata

# One erasure of one person. `subject` is who, encrypted with the installation's key, until the
# entries are erased; from then on only the digests below know them. Those who asked from the
# command line have no account.
erasure = Table(
    "erasure",
    metadata,
    Column("id", RandomId, primary_key=True),
    Column("organization_id", ForeignKey("organization.id", ondelete="CASCADE"), nullable=False),
    Column("stage", Text, nullable=False),
    Column("subject", Text),
    Column("reason", FreeText, nullable=False),
    Column("asked_by", FreeText, nullable=False),
    Column("asked_by_account", RandomId),
    Column("asked_at", UtcTime, nullable=False),
    Column("confirmed_by", FreeText),
    Column("confirmed_at", UtcTime),
    Column("closed_by", FreeText),
    Column("closed_at", UtcTime),
    Column("closing_reason", FreeText),
    Column("started_at", UtcTime),
    Column("erased_at", UtcTime),
    Column("done_at", UtcTime),
    Column("entries", BigInteger, nullable=False, server_default="0"),
    Column("mentions", BigInteger, nullable=False, server_default="0"),
    Column("late", BigInteger, nullable=False, server_default="0"),
    Column("exports", Integer, nullable=False, server_default="0"),
    Column("rejections", Integer, nullable=False, server_default="0"),
    Column("filters", Integer, nullable=False, server_default="0"),
    Column("problem", FreeText),
    Column("problem_at", UtcTime),
    Index("ix_erasure_organization_id", "organization_id", "asked_at"),
    Index("ix_erasure_stage", "stage"),
)

# The ids and addresses of the person, each by an HMAC under a key of the installation: enough to
# know them again in what comes later, and nothing that anybody could read.
erasure_identity = Table(
    "erasure_identity",
    metadata,
    Column("erasure_id", ForeignKey("erasure.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", Digest, primary_key=True),
    Index("ix_erasure_identity_digest", "digest"),
)

# Up to which of its writes an organization's log was looked through for people who were erased.
erasure_sweep = Table(
    "erasure_sweep",
    metadata,
    Column("organization_id", ForeignKey("organization.id", ondelete="CASCADE"), primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("swept_at", UtcTime, nullable=False),
)
