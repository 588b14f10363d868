"""Add how the watching of rules goes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "watch_beat",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("begun_at", sa.DateTime(), nullable=False),
        sa.Column("beat_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watch_beat")),
    )
    op.create_table(
        "watched_organization",
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_watched_organization")),
    )
    op.create_table(
        "rule_watch",
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text()),
        sa.Column("failing_since", sa.DateTime()),
        sa.Column("behind_since", sa.DateTime()),
        sa.Column("off_since", sa.DateTime()),
        sa.PrimaryKeyConstraint("organization_id", "rule_id", name=op.f("pk_rule_watch")),
    )
    op.create_table(
        "blind_time",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("began_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blind_time")),
    )
    op.create_index(
        "ix_blind_time_organization_id_ended_at", "blind_time", ["organization_id", "ended_at"]
    )
