"""Add what organizations settle about rules, their own rules, and mutes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _create(
        "ruleset",
        sa.Column("version", sa.Integer(), nullable=False),
        key=("organization_id",),
    )
    _create(
        "rule_setting",
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean()),
        sa.Column("level", sa.Text()),
        sa.Column("threshold", sa.Integer()),
        sa.Column("switched_on_at", sa.DateTime()),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        key=("organization_id", "rule_id"),
    )
    _create(
        "own_rule",
        sa.Column("rule_id", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(), nullable=False),
        sa.Column("saved_by", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.DateTime(), nullable=False),
        key=("organization_id", "rule_id"),
    )
    _create(
        "rule_mute",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("rule_id", sa.Text()),
        sa.Column("filter", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("begins_at", sa.DateTime(), nullable=False),
        sa.Column("ends_at", sa.DateTime(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(), nullable=False),
        sa.Column("lifted_by", sa.Text()),
        sa.Column("lifted_at", sa.DateTime()),
        key=("id",),
    )
    op.create_index(op.f("ix_rule_mute_organization_id"), "rule_mute", ["organization_id"])


def _create(name: str, *columns: sa.Column[Any], key: tuple[str, ...]) -> None:
    """A table of what an organization has, which goes with the organization."""
    op.create_table(
        name,
        sa.Column("organization_id", sa.Text(), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f(f"fk_{name}_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(*key, name=op.f(f"pk_{name}")),
    )
