"""Make the access record a log: what it is filtered by stands in columns; operators."""

from __future__ import annotations

import ipaddress
import json
import uuid
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BATCH = 5_000
_TARGETS = ("email", "name", "file", "permission", "entry", "fingerprint", "zone")

_event = sa.table(
    "access_event",
    sa.column("id", sa.BigInteger()),
    sa.column("verb", sa.Text()),
    sa.column("actor", sa.Text()),
    sa.column("address", sa.Text()),
    sa.column("detail", sa.JSON()),
    sa.column("uid", sa.Text()),
    sa.column("outcome", sa.Text()),
    sa.column("target", sa.Text()),
    sa.column("address_digits", sa.Text()),
    sa.column("search_text", sa.Text()),
)


def upgrade() -> None:
    """Add the columns, fill them for the events that are there, then add the indexes."""
    with op.batch_alter_table("account") as batch:
        batch.add_column(
            sa.Column("operator", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    for column in (
        sa.Column("uid", sa.String(length=32), nullable=False, server_default=""),
        sa.Column("outcome", sa.Text(), nullable=False, server_default="done"),
        sa.Column("target", sa.Text()),
        sa.Column("count", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("last_at", sa.DateTime()),
        sa.Column("networks", sa.Integer()),
        sa.Column("address_digits", sa.String(length=33)),
        sa.Column("search_text", sa.Text(), nullable=False, server_default=""),
        sa.Column("join_key", sa.String(length=80)),
    ):
        op.add_column("access_event", column)
    _fill(op.get_bind())
    with op.batch_alter_table("access_event") as batch:
        for name, kind in (
            ("uid", sa.String(length=32)),
            ("outcome", sa.Text()),
            ("count", sa.Integer()),
            ("search_text", sa.Text()),
        ):
            batch.alter_column(
                name, existing_type=kind, existing_nullable=False, server_default=None
            )
    op.create_table(
        "access_event_network",
        sa.Column("join_key", sa.String(length=80), nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("join_key", "network", name=op.f("pk_access_event_network")),
    )
    _add_indexes()


def _add_indexes() -> None:
    op.create_index("ix_access_event_uid", "access_event", ["uid"], unique=True)
    op.create_index("ix_access_event_at", "access_event", ["at", "uid"])
    op.create_index(
        "ix_access_event_organization_id_at", "access_event", ["organization_id", "at", "uid"]
    )
    op.create_index(
        "ix_access_event_organization_id_verb",
        "access_event",
        ["organization_id", "verb", "at", "uid"],
    )
    without_organization = sa.text("organization_id IS NULL")
    op.create_index(
        "ix_access_event_installation",
        "access_event",
        ["at", "uid"],
        sqlite_where=without_organization,
        postgresql_where=without_organization,
    )
    joined = sa.text("join_key IS NOT NULL")
    op.create_index(
        "ix_access_event_join_key",
        "access_event",
        ["join_key"],
        unique=True,
        sqlite_where=joined,
        postgresql_where=joined,
    )


def _fill(connection: sa.Connection) -> None:
    last = 0
    while True:
        columns = (_event.c.id, _event.c.verb, _event.c.actor, _event.c.address, _event.c.detail)
        rows = connection.execute(
            sa.select(*columns).where(_event.c.id > last).order_by(_event.c.id).limit(_BATCH)
        ).all()
        if not rows:
            return
        last = rows[-1].id
        connection.execute(
            _event.update()
            .where(_event.c.id == sa.bindparam("of_id"))
            .values(
                {
                    name: sa.bindparam(f"new_{name}")
                    for name in ("uid", "outcome", "target", "address_digits", "search_text")
                }
            ),
            [_filled(row) for row in rows],
        )


def _filled(row: Any) -> dict[str, Any]:
    detail = row.detail if isinstance(row.detail, dict) else {}
    target = next((str(detail[name]) for name in _TARGETS if detail.get(name) is not None), None)
    ending = row.verb.rpartition(".")[2]
    shown = json.dumps(detail, ensure_ascii=False)
    parts = [row.actor, row.verb, target, row.address, shown]
    found = "\n".join(part for part in parts if part).casefold()
    return {
        "of_id": row.id,
        "new_uid": uuid.uuid4().hex,
        "new_outcome": ending if ending in ("refused", "broken") else "done",
        "new_target": None if target is None else _storable(target),
        "new_address_digits": _address_digits(row.address),
        "new_search_text": _storable(found),
    }


def _storable(text: str) -> str:
    return text.replace("\0", "\u2400").encode("utf-8", "replace").decode("utf-8")


def _address_digits(address: str | None) -> str | None:
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    return f"{parsed.version}{int(parsed):0{parsed.max_prefixlen // 4}x}"
