"""The channels of an organization, as the state keeps them, and what admins do to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from audit_core.domain.errors import AuditError
from audit_core.identity.administration import Administrator, record_by, require_admin
from audit_core.notify.channel_input import ChannelInput
from audit_core.notify.channel_kind import ChannelKind
from audit_core.notify.quiet_hours import QuietHours, require_quiet_hours
from audit_core.notify.secrets import ChannelSecrets, seal
from audit_core.runtime.webhook_signing import new_private_key, new_secret
from audit_core.state.operator_text import plain_text
from audit_core.state.secrets import new_id
from audit_core.state.tables import channel

MAX_CHANNELS = 20
"""How many an organization may have."""
MAX_NAME = 100
FORMER_LASTS = timedelta(hours=24)
"""How long a webhook is signed by the former secret too, once it has a new one."""
GROUP_MINUTES = (0, 1, 5, 15, 60)
"""How long after a message the next one comes, at least, with all that came meanwhile."""
DEFAULT_GROUP_MINUTES = 1


class Standing(StrEnum):
    """How a channel goes. The value is the name for people, in sentence case."""

    UNUSED = "Nothing sent yet"
    DELIVERS = "Delivers"
    FAILING = "Failing"
    PAUSED = "Paused"
    ENDED = "Ended by its receiver"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """Where messages go."""

    id: str
    organization_id: str
    kind: ChannelKind
    name: str
    destination: str
    """What people see of where it leads: an address, a host, or recipients with commas."""
    sealed: str
    """See `notify.secrets`."""
    former: str | None
    former_until: datetime | None
    """The former secrets, and how long they are used beside the new ones."""
    quiet: QuietHours | None
    group_minutes: int
    paused: bool
    """Whether what is to be told is kept until it is resumed."""
    created_at: datetime
    created_by: str
    disabled_at: datetime | None
    """When its receiver said that it wants nothing more (410)."""
    problem: str | None
    """What is wrong, a sentence; `None` since the last delivery, or before the first attempt."""
    failing_since: datetime | None
    told_at: datetime | None
    """When another channel was told of it."""
    delivered_at: datetime | None
    rest_until: datetime | None
    """Until when nothing is sent, because the receiver asked for it."""

    @property
    def standing(self) -> Standing:
        """How it goes."""
        if self.disabled_at is not None:
            return Standing.ENDED
        if self.paused:
            return Standing.PAUSED
        if self.failing_since is not None:
            return Standing.FAILING
        return Standing.UNUSED if self.delivered_at is None else Standing.DELIVERS


def add_channel(
    connection: Connection,
    by: Administrator,
    *,
    organization_id: str,
    name: str,
    given: ChannelInput,
    installation_key: bytes,
) -> tuple[Channel, ChannelSecrets]:
    """A new channel that is told everything, and its secrets: those of a webhook are made here and
    shown once. Raises `AuditError` for what does not fit, or where `by` may not."""
    require_admin(connection, by, organization_id)
    plain = plain_text("name", name, longest=MAX_NAME)
    present = channels_of(connection, organization_id)
    if len(present) >= MAX_CHANNELS:
        raise AuditError(
            f"This organization has {MAX_CHANNELS} channels already, and that is the most.",
            "Remove one that is not needed.",
        )
    if any(one.name == plain for one in present):
        raise AuditError(f"There is already a channel “{plain}”.", "Choose another name.")
    secrets = given.secrets
    if given.kind is ChannelKind.WEBHOOK:
        secrets = replace(secrets, secret=new_secret(), private_key=new_private_key())
    channel_id = new_id()
    values = {
        "id": channel_id,
        "organization_id": organization_id,
        "kind": given.kind.value,
        "name": plain,
        "destination": given.destination,
        "sealed": seal(secrets, installation_key),
        "group_minutes": DEFAULT_GROUP_MINUTES,
        "paused": False,
        "created_at": by.now,
        "created_by": by.actor,
    }
    connection.execute(insert(channel).values(values))
    added = require_channel(connection, channel_id, organization_id)
    note(connection, by, added, "channel.added", kind=added.kind.value)
    return added, secrets


def channels_of(connection: Connection, organization_id: str | None) -> list[Channel]:
    """The channels of an organization by name; `None`: of all, for the program's own work and the
    operator."""
    statement = select(channel).order_by(channel.c.organization_id, channel.c.name)
    if organization_id is not None:
        statement = statement.where(channel.c.organization_id == organization_id)
    return [channel_of(row) for row in connection.execute(statement)]


def find_channel(
    connection: Connection, channel_id: str, organization_id: str | None = None
) -> Channel | None:
    """The channel with an id; `None` if there is none, or, where an organization is given, none
    of that one."""
    statement = select(channel).where(channel.c.id == channel_id)
    if organization_id is not None:
        statement = statement.where(channel.c.organization_id == organization_id)
    row = connection.execute(statement).first()
    return None if row is None else channel_of(row)


def require_channel(
    connection: Connection, channel_id: str, organization_id: str | None = None
) -> Channel:
    """As `find_channel`. Raises `AuditError` if there is none."""
    found = find_channel(connection, channel_id, organization_id)
    if found is None:
        raise AuditError("The channel is not there any more.", "Reload the page.")
    return found


def set_paused(connection: Connection, by: Administrator, found: Channel, *, paused: bool) -> None:
    """Send nothing until it is resumed; what is to be told is kept. Resuming also takes back that
    its receiver had ended it."""
    require_admin(connection, by, found.organization_id)
    values: dict[str, Any] = {"paused": paused}
    if not paused:
        values |= {"disabled_at": None, "rest_until": None}
    _set(connection, found, values)
    note(connection, by, found, "channel.paused" if paused else "channel.resumed")


def set_quiet_hours(
    connection: Connection, by: Administrator, found: Channel, quiet: QuietHours | None
) -> None:
    """Hold messages back in these hours; `None`: in none. Raises `AuditError`."""
    require_admin(connection, by, found.organization_id)
    kept = None if quiet is None else require_quiet_hours(quiet).as_json()
    _set(connection, found, {"quiet": kept})
    said = "none" if quiet is None else quiet.describe()
    note(connection, by, found, "channel.quiet_hours", hours=said)


def set_group_minutes(
    connection: Connection, by: Administrator, found: Channel, minutes: int
) -> None:
    """Send what comes within so many minutes after a message as one. Raises `AuditError`."""
    require_admin(connection, by, found.organization_id)
    if minutes not in GROUP_MINUTES:
        raise AuditError(
            f"{minutes} minutes cannot be set.",
            f"Choose one of {', '.join(map(str, GROUP_MINUTES))}.",
        )
    _set(connection, found, {"group_minutes": minutes})
    note(connection, by, found, "channel.grouping", minutes=minutes)


def change_secrets(
    connection: Connection,
    by: Administrator,
    found: Channel,
    *,
    given: ChannelInput | None,
    installation_key: bytes,
) -> ChannelSecrets:
    """Give a channel what it is reached by anew; the new secrets. A webhook has new ones made here
    (`given` is `None`), and is signed by the former ones too for `FORMER_LASTS`. Raises
    `AuditError`."""
    require_admin(connection, by, found.organization_id)
    values: dict[str, Any] = {"problem": None, "failing_since": None, "told_at": None}
    if given is None:
        secrets = ChannelSecrets(secret=new_secret(), private_key=new_private_key())
        values |= {"former": found.sealed, "former_until": by.now + FORMER_LASTS}
    else:
        secrets = given.secrets
        values["destination"] = given.destination
    values["sealed"] = seal(secrets, installation_key)
    _set(connection, found, values)
    note(connection, by, found, "channel.secret_changed")
    return secrets


def remove_channel(connection: Connection, by: Administrator, found: Channel) -> None:
    """Forget it, its secrets, and what was to be told to it."""
    require_admin(connection, by, found.organization_id)
    connection.execute(delete(channel).where(channel.c.id == found.id))
    note(connection, by, found, "channel.removed")


def note(
    connection: Connection, by: Administrator, found: Channel, verb: str, **detail: Any
) -> None:
    """Put on record what was done to a channel."""
    record_by(
        connection,
        by,
        verb,
        organization_id=found.organization_id,
        detail={"channel": found.name, **detail},
    )


def channel_of(row: Row[Any]) -> Channel:
    """The channel that a row keeps."""
    kept = row._mapping
    values = {name: kept[name] for name in Channel.__dataclass_fields__}
    quiet = kept["quiet"]
    return Channel(
        **{
            **values,
            "kind": ChannelKind(kept["kind"]),
            "quiet": None if quiet is None else QuietHours.from_json(quiet),
        }
    )


def _set(connection: Connection, found: Channel, values: Mapping[str, Any]) -> None:
    changed = connection.execute(
        update(channel)
        .where(channel.c.id == found.id, channel.c.organization_id == found.organization_id)
        .values(values)
    )
    if not changed.rowcount:
        raise AuditError("The channel is not there any more.", "Reload the page.")
