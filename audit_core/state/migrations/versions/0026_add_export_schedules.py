"""Add schedules, by which exports are made by themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, and what exports say of their schedule."""
    op.create_table(
        "export_schedule",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("what", sa.JSON(), nullable=False),
        sa.Column("every", sa.Text(), nullable=False),
        sa.Column("minute", sa.Integer(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("to_folder", sa.Boolean(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("next_at", sa.DateTime(), nullable=False),
        sa.Column("problem", sa.Text()),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_export_schedule_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_export_schedule_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_schedule")),
    )
    op.create_index(
        op.f("ix_export_schedule_organization_id"), "export_schedule", ["organization_id"]
    )
    op.add_column("export", sa.Column("schedule_id", sa.String(length=32)))
    op.add_column("export", sa.Column("slot", sa.DateTime()))
    op.add_column(
        "export",
        sa.Column("to_folder", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("export", sa.Column("handed_at", sa.DateTime()))
    op.create_index("ix_export_slot", "export", ["schedule_id", "slot"], unique=True)
