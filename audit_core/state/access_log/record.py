"""The access record: who signed in, was refused, exported, or changed an access. Append-only.

`access_verbs.VERBS` lists what can be done. A deed that concerns several organizations, such as
the sign-in of a member of two, is kept once for each, with nothing that would tell one of the
other. What belongs to no organization is for operators only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from audit_core.domain.ip_addresses import read_address
from audit_core.state.access_log.joining import join
from audit_core.state.access_log.verbs import About, AccessOutcome, Verb, verb_named
from audit_core.state.database import take_turns
from audit_core.state.secrets import new_id
from audit_core.state.tables import access_event, account, membership

_LONGEST_ACTOR = 320

EVENT_COLUMNS = (
    access_event.c.uid,
    access_event.c.at,
    access_event.c.verb,
    access_event.c.actor,
    access_event.c.organization_id,
    access_event.c.address,
    access_event.c.outcome,
    access_event.c.target,
    access_event.c.count,
    access_event.c.last_at,
    access_event.c.networks,
    access_event.c.detail,
)
"""What an `AccessEvent` is made of, in its order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessEvent:
    """One deed, or alike refusals of one minute."""

    uid: str
    """Random; 32 hexadecimal digits."""
    at: datetime
    """When it was done; of several, when the first was."""
    verb: str
    """A name of `access_verbs.VERBS`, like ``sign_in.refused``."""
    actor: str
    """An e-mail address, the name of a token, or ``command line`` with the user's name there."""
    organization_id: str | None
    """`None` when the deed belongs to no organization."""
    address: str | None
    """Where it came from over the network; `None` when it did not, or is unknown."""
    outcome: AccessOutcome
    target: str | None
    """What it was done to; `None` when to nothing that has a name."""
    count: int
    """How many deeds it stands for; 1 for everything but refusals."""
    last_at: datetime | None
    """When the last of several was done; `None` where there can be one only."""
    networks: int | None
    """How many networks the attempts came from that were too many for rows of their own, counted
    up to `access_joining.MAX_NETWORKS`; else `None`."""
    detail: dict[str, Any]
    """More about it, without secrets; may be empty."""


def record(
    connection: Connection,
    *,
    at: datetime,
    verb: str,
    actor: str,
    organization_id: str | None = None,
    address: str | None = None,
    detail: Mapping[str, Any] | None = None,
    times: int = 1,
    until: datetime | None = None,
) -> None:
    """Record a deed, in the transaction of the deed itself, as the last thing there.

    `detail` must be what JSON can hold, and must not hold secrets, nor the name of another
    organization. What `access_verbs` says of the verb decides which organizations it belongs to,
    and whether it is joined with alike ones. `times` deeds, from `at` until `until`, may be
    recorded at once for a verb that is joined.
    """
    known = verb_named(verb)
    row = event_row(known, at=at, actor=actor, address=address, detail=detail)
    if known.joined:
        take_turns(connection, of="access record")
    for belongs_to in _organizations(connection, known, row, organization_id):
        added: Mapping[str, Any] | None = {**row, "organization_id": belongs_to}
        if known.joined and added is not None:
            added = join(connection, added, times=times, until=until or at)
        if added is not None:
            connection.execute(access_event.insert().values(**finished_row(added, known)))


def event_row(
    verb: Verb,
    *,
    at: datetime,
    actor: str,
    address: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The row of one deed, but for its organization and what `finished_row` adds."""
    details = dict(detail or {})
    return {
        "at": at,
        "verb": verb.name,
        "actor": actor[:_LONGEST_ACTOR],
        "address": address,
        "detail": details,
        "outcome": verb.outcome.value,
        "target": _target(verb, details),
        "address_digits": address_digits(address),
        "count": 1,
    }


def finished_row(row: Mapping[str, Any], verb: Verb) -> dict[str, Any]:
    """A row with an id of its own and the text that words are looked for in, to be inserted."""
    return {**row, "uid": new_id(), "search_text": search_text(row, verb)}


def list_events(
    connection: Connection, *, organization_id: str | None, limit: int, verb: str | None = None
) -> tuple[AccessEvent, ...]:
    """The `limit` events of an organization that were recorded last, the last one first; with a
    verb only those.

    `None` means all organizations and the events of none: for the operator only.
    """
    statement = select(*EVENT_COLUMNS).order_by(access_event.c.id.desc()).limit(limit)
    if organization_id is not None:
        statement = statement.where(access_event.c.organization_id == organization_id)
    if verb is not None:
        statement = statement.where(access_event.c.verb == verb)
    return tuple(event_of(row._mapping) for row in connection.execute(statement))


def fetch(connection: Connection, statement: Select[Any]) -> list[Mapping[Any, Any]]:
    """The rows that a read of the record gives, by the names of its columns."""
    return [row._mapping for row in connection.execute(statement)]


def newest_at(connection: Connection) -> datetime | None:
    """When the latest event was recorded, by the clock of then; `None`: nothing was."""
    found: datetime | None = connection.execute(select(func.max(access_event.c.at))).scalar()
    return found


def event_of(row: Mapping[Any, Any]) -> AccessEvent:
    """The event in a row of `EVENT_COLUMNS`."""
    return AccessEvent(**{**row, "outcome": AccessOutcome(row["outcome"])})


def address_digits(address: str | None) -> str | None:
    """The address as text that sorts like addresses do: ``4`` or ``6`` and hexadecimal digits.

    `None` for what is no address.
    """
    try:
        parsed = read_address(address or "")
    except ValueError:
        return None
    return f"{parsed.version}{int(parsed):0{parsed.max_prefixlen // 4}x}"


def search_text(row: Mapping[str, Any], verb: Verb) -> str:
    """All that a row says, in which words are looked for: in lower case, a line for each part."""
    parts = [row["actor"], row["verb"], verb.sentence, row["target"], row["address"]]
    return "\n".join([*(part for part in parts if part), *_texts(row["detail"])]).casefold()


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for name, item in value.items() for text in (str(name), *_texts(item))]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _texts(item)]
    return [] if value is None else [str(value)]


def _target(verb: Verb, detail: Mapping[str, Any]) -> str | None:
    value = detail.get(verb.target) if verb.target else None
    return None if value is None else str(value)


def _organizations(
    connection: Connection, verb: Verb, row: Mapping[str, Any], given: str | None
) -> list[str | None]:
    """Those that the event belongs to; `None` alone when to none."""
    if verb.about is None:
        return [given]
    email = row["actor"] if verb.about is About.ACTOR else row["detail"].get("email")
    found = connection.execute(
        select(membership.c.organization_id)
        .join(account, account.c.id == membership.c.account_id)
        .where(account.c.email == email)
        .order_by(membership.c.organization_id)
    ).scalars()
    return list(found) or [given]
