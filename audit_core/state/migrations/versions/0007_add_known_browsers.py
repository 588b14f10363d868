"""Add what tells a person from a guesser, and when a session was last seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of known browsers, addresses and openings; extend two others.

    The counters of failures begin anew: they say nothing beyond a day, and the old ones cannot
    be told apart.
    """
    op.create_table(
        "known_browser",
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("signed_in_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_known_browser_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("secret_hash", "account_id", name=op.f("pk_known_browser")),
    )
    op.create_index(op.f("ix_known_browser_account_id"), "known_browser", ["account_id"])
    op.create_table(
        "known_address",
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("address_key", sa.String(length=64), nullable=False),
        sa.Column("signed_in_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_known_address_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "address_key", name=op.f("pk_known_address")),
    )
    op.create_table(
        "sign_in_opening",
        sa.Column("account_key", sa.String(length=64), nullable=False),
        sa.Column("opened_until", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("account_key", name=op.f("pk_sign_in_opening")),
    )
    op.execute(sa.text("DELETE FROM sign_in_failure"))
    op.add_column("sign_in_failure", sa.Column("account_key", sa.String(length=64)))
    op.add_column("sign_in_failure", sa.Column("address_key", sa.String(length=64)))
    op.create_index(op.f("ix_sign_in_failure_account_key"), "sign_in_failure", ["account_key"])
    op.create_index(op.f("ix_sign_in_failure_address_key"), "sign_in_failure", ["address_key"])
    op.add_column("session", sa.Column("last_seen_at", sa.DateTime()))
