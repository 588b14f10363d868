"""Keep which entries were unfinished when an export was made, to tell what became of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("export", sa.Column("unfinished", sa.JSON()))
