"""Add exports that are made in the background."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "export",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("what", sa.JSON(), nullable=False),
        sa.Column("since_export_id", sa.String(length=32)),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("holder", sa.Text()),
        sa.Column("held_until", sa.DateTime()),
        sa.Column("started_at", sa.DateTime()),
        sa.Column("ended_at", sa.DateTime()),
        sa.Column("expires_at", sa.DateTime()),
        sa.Column("expected", sa.BigInteger()),
        sa.Column("entries", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("size", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("left_out", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("sha256", sa.String(length=64)),
        sa.Column("file", sa.Text()),
        sa.Column("problem", sa.Text()),
        sa.Column("hint", sa.Text()),
        sa.Column("held", sa.JSON()),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_export_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export")),
    )
    op.create_index("ix_export_organization_id", "export", ["organization_id", "requested_at"])
    op.create_index("ix_export_state", "export", ["state", "requested_at"])
