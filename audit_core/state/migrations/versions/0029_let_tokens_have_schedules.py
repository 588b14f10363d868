"""Let tokens have schedules of exports, as accounts have."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the token, and let the account be missing. Nothing refers to a schedule by a foreign
    key, so that the table can be made anew."""
    with op.batch_alter_table("export_schedule") as batch:
        batch.alter_column("account_id", existing_type=sa.String(length=32), nullable=True)
        batch.add_column(sa.Column("token_id", sa.String(length=32), nullable=True))
        batch.create_foreign_key(
            op.f("fk_export_schedule_token_id"), "token", ["token_id"], ["id"], ondelete="CASCADE"
        )
