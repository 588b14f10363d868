"""Count the rejections of each organization, so that old ones can be dropped and counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, and count what is there."""
    op.create_table(
        "rejection_count",
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("kept", sa.BigInteger(), nullable=False),
        sa.Column("dropped", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_rejection_count")),
    )
    op.execute(
        "INSERT INTO rejection_count (organization_id, kept, dropped) "
        "SELECT coalesce(organization_id, ''), count(*), 0 FROM rejection GROUP BY 1"
    )
    op.create_index(
        "ix_rejection_no_organization",
        "rejection",
        ["id"],
        sqlite_where=sa.text("organization_id IS NULL"),
        postgresql_where=sa.text("organization_id IS NULL"),
    )
