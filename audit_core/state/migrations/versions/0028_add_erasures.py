"""Add erasures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "erasure",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_by_account", sa.String(length=32)),
        sa.Column("asked_at", sa.DateTime(), nullable=False),
        sa.Column("confirmed_by", sa.Text()),
        sa.Column("confirmed_at", sa.DateTime()),
        sa.Column("closed_by", sa.Text()),
        sa.Column("closed_at", sa.DateTime()),
        sa.Column("closing_reason", sa.Text()),
        sa.Column("started_at", sa.DateTime()),
        sa.Column("erased_at", sa.DateTime()),
        sa.Column("done_at", sa.DateTime()),
        sa.Column("entries", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("mentions", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("late", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("exports", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rejections", sa.Integer(), server_default="0", nullable=False),
        sa.Column("filters", sa.Integer(), server_default="0", nullable=False),
        sa.Column("problem", sa.Text()),
        sa.Column("problem_at", sa.DateTime()),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_erasure_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure")),
    )
    op.create_index("ix_erasure_organization_id", "erasure", ["organization_id", "asked_at"])
    op.create_index("ix_erasure_stage", "erasure", ["stage"])
    op.create_table(
        "erasure_identity",
        sa.Column("erasure_id", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["erasure_id"],
            ["erasure.id"],
            name=op.f("fk_erasure_identity_erasure_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("erasure_id", "digest", name=op.f("pk_erasure_identity")),
    )
    op.create_index("ix_erasure_identity_digest", "erasure_identity", ["digest"])
    op.create_table(
        "erasure_sweep",
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("swept_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_erasure_sweep_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_erasure_sweep")),
    )
