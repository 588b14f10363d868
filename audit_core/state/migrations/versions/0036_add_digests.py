"""Add who gets a digest of alerts by e-mail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "digest",
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("minute", sa.Integer(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("next_at", sa.DateTime(), nullable=False),
        sa.Column("try_at", sa.DateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("sent_at", sa.DateTime()),
        sa.Column("problem", sa.Text()),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_digest_account_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_digest_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "organization_id", name=op.f("pk_digest")),
    )
    op.create_index(op.f("ix_digest_try_at"), "digest", ["try_at"])
