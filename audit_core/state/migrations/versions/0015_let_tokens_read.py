"""Let tokens say where they may come from, and be of the whole installation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add where tokens may come from, anywhere so far; no organization means the installation."""
    with op.batch_alter_table("token") as batch:
        batch.add_column(sa.Column("networks", sa.Text()))
        batch.alter_column("organization_id", existing_type=sa.Text(), nullable=True)
