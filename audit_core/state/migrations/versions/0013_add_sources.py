"""Add what entries are pulled from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "source",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("sealed_key", sa.Text(), nullable=False),
        sa.Column("requests_per_minute", sa.Integer(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_source_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
    )
    op.create_index(op.f("ix_source_organization_id"), "source", ["organization_id"])
    op.create_table(
        "source_progress",
        sa.Column("source_id", sa.String(length=32), nullable=False),
        sa.Column("checkpoint", sa.Text()),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False, server_default="0")
            for name in ("accepted", "late", "finished", "rejected")
        ),
        sa.Column("last_success_at", sa.DateTime()),
        sa.Column("newest", sa.DateTime()),
        sa.Column("problem", sa.Text()),
        sa.Column("hint", sa.Text()),
        sa.Column("stopped", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("next_try_at", sa.DateTime()),
        sa.Column("holder", sa.Text()),
        sa.Column("held_until", sa.DateTime()),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["source.id"],
            name=op.f("fk_source_progress_source_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_source_progress")),
    )
