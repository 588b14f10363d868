"""The endpoints to which an organization's webhooks are sent, as the state keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from audit_core.domain.errors import AuditError
from audit_core.sources.sealed_key import seal
from audit_core.sources.webhooks.signature import key_of
from audit_core.state.access_log.record import record
from audit_core.state.operator_text import plain_text
from audit_core.state.secrets import new_id
from audit_core.state.tables import webhook_endpoint

MAX_ENDPOINTS = 20
"""How many an organization may have."""
MAX_NAME = 100
_LAST_PRECISION = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where the webhooks of one organization at Daytona come in."""

    id: str
    """Random; 32 hexadecimal digits. Part of the address; names the endpoint, opens nothing."""
    organization_id: str
    """Whose state changes they are, here."""
    daytona_organization_id: str
    """The organization that a message must say it is about."""
    name: str
    sealed_secret: str
    created_at: datetime
    created_by: str
    last_received_at: datetime | None
    """When a message last came that was signed, to the minute; `None`: not yet."""


def add_endpoint(
    connection: Connection,
    *,
    organization_id: str,
    daytona_organization_id: str,
    name: str,
    secret: str,
    installation_key: bytes,
    actor: str,
    now: datetime,
    address: str | None = None,
) -> Endpoint:
    """Accept messages that are signed by a secret such as `whsec_…`. Raises `AuditError` for what
    does not fit."""
    key_of(secret)
    plain = plain_text("name", name, longest=MAX_NAME)
    about = plain_text(
        "Daytona's id of the organization", daytona_organization_id, longest=MAX_NAME
    )
    present = endpoints_of(connection, organization_id)
    if len(present) >= MAX_ENDPOINTS:
        raise AuditError(
            f"This organization has {MAX_ENDPOINTS} webhooks already, and that is the most.",
            "Remove one that is not needed.",
        )
    if any(one.name == plain for one in present):
        raise AuditError(f"There is already a webhook “{plain}”.", "Choose another name.")
    made = Endpoint(
        id=new_id(),
        organization_id=organization_id,
        daytona_organization_id=about,
        name=plain,
        sealed_secret=seal(secret.strip(), installation_key),
        created_at=now,
        created_by=actor,
        last_received_at=None,
    )
    values = {field: getattr(made, field) for field in Endpoint.__dataclass_fields__}
    connection.execute(insert(webhook_endpoint).values(values))
    _note(connection, made, "webhook.added", actor, now, address)
    return made


def endpoints_of(connection: Connection, organization_id: str | None) -> list[Endpoint]:
    """The endpoints of an organization by name; `None`: all, for the operator only."""
    column = webhook_endpoint.c
    statement = select(webhook_endpoint).order_by(column.organization_id, column.name)
    if organization_id is not None:
        statement = statement.where(column.organization_id == organization_id)
    return [_endpoint(row) for row in connection.execute(statement)]


def find_endpoint(
    connection: Connection, endpoint_id: str, *, organization_id: str | None = None
) -> Endpoint | None:
    """The endpoint with an id; `None` if there is none, or, where an organization is given, none
    of that one."""
    statement = select(webhook_endpoint).where(webhook_endpoint.c.id == endpoint_id)
    if organization_id is not None:
        statement = statement.where(webhook_endpoint.c.organization_id == organization_id)
    row = connection.execute(statement).first()
    return None if row is None else _endpoint(row)


def remove_endpoint(
    connection: Connection,
    found: Endpoint,
    *,
    actor: str,
    now: datetime,
    address: str | None = None,
) -> None:
    """Accept nothing there any more, and forget its secret. What came stays."""
    connection.execute(delete(webhook_endpoint).where(webhook_endpoint.c.id == found.id))
    _note(connection, found, "webhook.removed", actor, now, address)


def is_due(found: Endpoint, now: datetime) -> bool:
    """Whether it is to be noted that a message came: at most once a minute."""
    last = found.last_received_at
    return last is None or now - last >= _LAST_PRECISION


def note_received(connection: Connection, found: Endpoint, now: datetime) -> None:
    """Keep when a message last came."""
    connection.execute(
        update(webhook_endpoint)
        .where(webhook_endpoint.c.id == found.id)
        .values(last_received_at=now)
    )


def _endpoint(row: Row[Any]) -> Endpoint:
    return Endpoint(**{name: getattr(row, name) for name in Endpoint.__dataclass_fields__})


def _note(
    connection: Connection,
    found: Endpoint,
    verb: str,
    actor: str,
    now: datetime,
    address: str | None,
) -> None:
    record(
        connection,
        at=now,
        verb=verb,
        actor=actor,
        organization_id=found.organization_id,
        address=address,
        detail={"webhook": found.name, "daytona_organization": found.daytona_organization_id},
    )
