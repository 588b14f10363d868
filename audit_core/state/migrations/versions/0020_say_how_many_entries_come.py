"""Say of a source how many entries come in a minute, and how many are in flight."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    for name in ("in_flight", "last_minute"):
        column = sa.Column(name, sa.Integer(), nullable=False, server_default="0")
        op.add_column("source_progress", column)
