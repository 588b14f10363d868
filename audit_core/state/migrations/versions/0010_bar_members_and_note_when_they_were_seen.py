"""Let an organization bar a member, and note when each was last seen there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both columns: nobody is barred, and nobody has been seen yet."""
    op.add_column(
        "membership",
        sa.Column("disabled", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("membership", sa.Column("last_seen_at", sa.DateTime()))
