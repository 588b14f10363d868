"""Say of a source what it asks for and whether its address is the operator's; let one be for a
whole deployment."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns. The sources that are there were added at the command line."""
    connection = op.get_bind()
    progress = connection.execute(sa.text("SELECT * FROM source_progress")).mappings().all()
    with op.batch_alter_table("source") as batch:
        batch.alter_column("organization_id", existing_type=sa.Text(), nullable=True)
        batch.add_column(sa.Column("remote_organization_id", sa.Text()))
        batch.add_column(
            sa.Column("any_address", sa.Boolean(), nullable=False, server_default=sa.true())
        )
    op.execute("UPDATE source SET remote_organization_id = organization_id")
    if connection.dialect.name == "sqlite" and progress:
        # The table was made anew, and what refers to its rows was deleted with the old one.
        columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in progress[0]]
        op.bulk_insert(sa.table("source_progress", *columns), [dict(row) for row in progress])
