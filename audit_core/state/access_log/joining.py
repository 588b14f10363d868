"""Alike refusals, joined to one row a minute.

Anybody can make a server refuse something, as often as they like. So of these events each row
stands for all that are alike within a minute: same verb, same name, same network, same reason.
And of one organization (or of none) at most `MAX_ROWS` such rows are made a minute; what comes
beyond is counted in one row more for each verb, with the number of networks that it came from.
No attempt is left out of the counts.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from audit_core.state.tables import access_event, access_event_network

MAX_ROWS = 60
"""How many rows of joined events an organization gets in a minute, before the rows for the rest;
as many again for the events of no organization."""

MAX_NETWORKS = 1_000
"""How far the networks behind such a row are counted."""

MANY = "(several)"
"""Stands for the actor in the row for the rest."""
REST = {"more": "further attempts of this minute"}
"""The detail of that row."""


def network_of(address: str | None) -> str:
    """What addresses are joined by: an IPv4 address itself, of an IPv6 address its /64 network,
    all of which one machine usually has. Text that is no address stands for itself."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return (address or "")[:100]
    if isinstance(parsed, ipaddress.IPv6Address):
        network = ipaddress.ip_network((parsed, 64), strict=False)
        return str(parsed.ipv4_mapped or network)
    return str(parsed)


def join(
    connection: Connection, row: Mapping[str, Any], *, times: int, until: datetime
) -> Mapping[str, Any] | None:
    """Count `times` events that are like `row` and happened from its time on, up to `until`.

    `None` when a row has taken them; else the row to add. Only one transaction at a time may be
    here; see `database.take_turns`.
    """
    minute = row["at"].astimezone(UTC).strftime("%Y%m%d%H%M")
    of_organization = f"{minute} {_digest(row['organization_id'])[:16]} "
    network = network_of(row["address"])
    key = of_organization + _digest(row["verb"], row["actor"], network, row["detail"])
    if _counted(connection, key, times, until):
        return None
    rows = connection.execute(
        select(func.count())
        .select_from(access_event)
        .where(
            access_event.c.join_key >= of_organization,
            access_event.c.join_key < f"{of_organization}~",
            access_event.c.networks.is_(None),
        )
    ).scalar_one()
    added = {**row, "join_key": key, "count": times, "last_at": until}
    if rows < MAX_ROWS:
        return added
    key = of_organization + _digest(row["verb"])
    new = _new_network(connection, key, network)
    if _counted(connection, key, times, until, networks=new):
        return None
    _forget_networks(connection, minute)
    return {
        **added,
        "join_key": key,
        "actor": MANY,
        "address": None,
        "detail": REST,
        "target": None,
        "networks": new,
    }


def _counted(
    connection: Connection, key: str, times: int, until: datetime, *, networks: int = 0
) -> bool:
    """Whether a row with the key is there; it then counts more."""
    values: dict[str, Any] = {"count": access_event.c.count + times}
    if networks:
        values["networks"] = access_event.c.networks + networks
    changed = connection.execute(
        access_event.update().where(access_event.c.join_key == key).values(last_at=until, **values)
    )
    return changed.rowcount > 0


def _new_network(connection: Connection, key: str, network: str) -> int:
    """1 for a network that was not counted for this row before, else 0."""
    same_row = access_event_network.c.join_key == key
    known = select(func.count()).select_from(access_event_network).where(same_row)
    if connection.execute(known.where(access_event_network.c.network == network)).scalar_one():
        return 0
    if connection.execute(known).scalar_one() >= MAX_NETWORKS:
        return 0
    connection.execute(insert(access_event_network).values(join_key=key, network=network))
    return 1


def _forget_networks(connection: Connection, minute: str) -> None:
    """Forget the networks of minutes before: their rows hold the number."""
    connection.execute(
        access_event_network.delete().where(access_event_network.c.join_key < minute)
    )


def _digest(*parts: Any) -> str:
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:40]
