"""Add what is kept of trees of hashes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "tree_tile",
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.PrimaryKeyConstraint("organization_id", "level", "number", name=op.f("pk_tree_tile")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tree_leaf",
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", "revision", name=op.f("pk_tree_leaf")),
        sqlite_with_rowid=False,
    )
    counter = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "tree_checkpoint",
        sa.Column("id", counter, nullable=False),
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("signed_at", sa.DateTime(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("tail", sa.LargeBinary(), nullable=True),
        sa.Column("log_revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tree_checkpoint")),
    )
    op.create_index(
        "ix_tree_checkpoint_organization_id_id", "tree_checkpoint", ["organization_id", "id"]
    )
    op.create_table(
        "actor_key",
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("sealed_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "actor", name=op.f("pk_actor_key")),
        sqlite_with_rowid=False,
    )
    _status_and_lease()


def _status_and_lease() -> None:
    op.create_table(
        "tree_status",
        sa.Column("organization_id", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("problem_at", sa.DateTime(), nullable=True),
        sa.Column("requested_at", sa.DateTime(), nullable=True),
        sa.Column("requested_by", sa.Text(), nullable=True),
        sa.Column("running_since", sa.DateTime(), nullable=True),
        sa.Column("checked", sa.BigInteger(), nullable=True),
        sa.Column("to_check", sa.BigInteger(), nullable=True),
        sa.Column("cancelled", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("verified_at", sa.DateTime(), nullable=True),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_tree_status")),
    )
    op.create_table(
        "work_lease",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("holder", sa.String(length=32), nullable=False),
        sa.Column("held_until", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_work_lease")),
    )
