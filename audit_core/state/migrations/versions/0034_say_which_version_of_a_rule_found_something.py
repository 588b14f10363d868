"""Say which version of a rule found something."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what was found before that says nothing."""
    op.add_column("finding", sa.Column("rule", sa.String(length=64)))
