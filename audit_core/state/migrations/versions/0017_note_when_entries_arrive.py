"""Note when entries arrive from each sender, to say when one is silent for longer than usual."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    for table in ("source_progress", "token"):
        op.add_column(table, sa.Column("arrivals", sa.Text()))
