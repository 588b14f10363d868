"""The sources of an organization, as the state keeps them: what is pulled, and how it goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, Row, and_, delete, insert, or_, select, update

from audit_core.domain.errors import AuditError
from audit_core.sources.problems import SourceUnavailable
from audit_core.state.access_log.record import record
from audit_core.state.secrets import new_id
from audit_core.state.tables import source, source_progress

MAX_SOURCES = 20
"""How many sources an organization may have."""
MAX_NAME, MAX_URL, MAX_KEY = 100, 500, 500
LEASE = timedelta(seconds=90)
"""For how long a process holds a source without saying that it still does; longer than an answer
may take."""
FASTEST, SLOWEST, DEFAULT_PACE = 6_000, 1, 300
"""Requests a minute that a source may be set to."""


class SourceLost(SourceUnavailable):
    """Another process reads this source now, or it was removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is pulled from, as somebody set it up."""

    id: str
    organization_id: str
    """Whose log its entries go to, and the organization that is asked for."""
    name: str
    url: str
    """The address of the API, without a slash at its end."""
    sealed_key: str
    requests_per_minute: int
    paused: bool
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How it goes."""

    checkpoint: str | None
    """As `write_checkpoint` wrote it; `None` before the first request."""
    accepted: int
    late: int
    """Of the accepted those that arrived after newer ones."""
    finished: int
    rejected: int
    last_success_at: datetime | None
    """When an answer last came."""
    newest: datetime | None
    """The time of the newest entry that was read."""
    problem: str | None
    """What is wrong now; `None` if nothing is."""
    hint: str | None
    stopped: bool
    """Whether it waits for somebody to act on the problem."""
    next_try_at: datetime | None
    """When it is tried again after a problem."""


def add_source(
    connection: Connection,
    *,
    organization_id: str,
    name: str,
    url: str,
    sealed_key: str,
    requests_per_minute: int = DEFAULT_PACE,
    actor: str,
    now: datetime,
    address: str | None = None,
) -> Source:
    """Set up a source; it begins by itself. Raises `AuditError` for what does not fit."""
    name, url = name.strip(), url.strip().rstrip("/")
    _require_fitting(name, url, requests_per_minute)
    present = sources_of(connection, organization_id)
    if len(present) >= MAX_SOURCES:
        raise AuditError(
            f"This organization has {MAX_SOURCES} sources already, and that is the most.",
            "Remove one that is not needed.",
        )
    if any(one.name == name for one in present):
        raise AuditError(f"There is already a source “{name}”.", "Choose another name.")
    made = Source(
        id=new_id(),
        organization_id=organization_id,
        name=name,
        url=url,
        sealed_key=sealed_key,
        requests_per_minute=requests_per_minute,
        paused=False,
        created_at=now,
        created_by=actor,
    )
    values = {name: getattr(made, name) for name in Source.__dataclass_fields__}
    connection.execute(insert(source).values(values))
    connection.execute(insert(source_progress).values(source_id=made.id))
    _note(connection, made, "source.added", actor, now, address)
    return made


def sources_of(connection: Connection, organization_id: str | None) -> list[Source]:
    """The sources of an organization by name; `None`: all."""
    statement = select(source).order_by(source.c.organization_id, source.c.name)
    if organization_id is not None:
        statement = statement.where(source.c.organization_id == organization_id)
    return [_source(row) for row in connection.execute(statement)]


def sources_with_progress(
    connection: Connection, organization_id: str | None
) -> list[tuple[Source, Progress]]:
    """The same sources, each with how it goes."""
    statement = (
        select(source, *(source_progress.c[name] for name in Progress.__dataclass_fields__))
        .join(source_progress)
        .order_by(source.c.organization_id, source.c.name)
    )
    if organization_id is not None:
        statement = statement.where(source.c.organization_id == organization_id)
    return [(_source(row), _progress(row)) for row in connection.execute(statement)]


def find_source(connection: Connection, source_id: str) -> Source | None:
    """The source with an id; `None` if there is none."""
    row = connection.execute(select(source).where(source.c.id == source_id)).first()
    return None if row is None else _source(row)


def progress_of(connection: Connection, source_id: str) -> Progress | None:
    """How a source goes; `None` if there is none."""
    statement = select(source_progress).where(source_progress.c.source_id == source_id)
    row = connection.execute(statement).first()
    return None if row is None else _progress(row)


def set_paused(
    connection: Connection,
    found: Source,
    *,
    paused: bool,
    actor: str,
    now: datetime,
    address: str | None = None,
) -> None:
    """Pause a source, or have it go on, also after a problem that had stopped it."""
    connection.execute(update(source).where(source.c.id == found.id).values(paused=paused))
    if paused:
        _update(connection, found.id, next_try_at=None)
    else:
        _update(connection, found.id, problem=None, hint=None, stopped=False, next_try_at=None)
    _note(
        connection,
        found,
        "source.paused" if paused else "source.resumed",
        actor,
        now,
        address,
    )


def change_key(
    connection: Connection,
    found: Source,
    *,
    sealed_key: str,
    actor: str,
    now: datetime,
    address: str | None = None,
) -> None:
    """Give a source another key; it goes on with it."""
    connection.execute(update(source).where(source.c.id == found.id).values(sealed_key=sealed_key))
    _update(connection, found.id, problem=None, hint=None, stopped=False, next_try_at=None)
    _note(connection, found, "source.key_changed", actor, now, address)


def remove_source(
    connection: Connection,
    found: Source,
    *,
    actor: str,
    now: datetime,
    address: str | None = None,
) -> None:
    """Forget a source and its key. What it brought stays in the log."""
    connection.execute(delete(source_progress).where(source_progress.c.source_id == found.id))
    connection.execute(delete(source).where(source.c.id == found.id))
    _note(connection, found, "source.removed", actor, now, address)


def hold(connection: Connection, source_id: str, *, holder: str, now: datetime) -> bool:
    """Take a source for `LEASE`, or hold on to it; whether it could be had.

    Of several processes that read the same log one holds a source; when it is gone, another one
    has it once the time is up.
    """
    free = or_(
        source_progress.c.holder.is_(None),
        source_progress.c.holder == holder,
        source_progress.c.held_until < now,
    )
    result = connection.execute(
        update(source_progress)
        .where(and_(source_progress.c.source_id == source_id, free))
        .values(holder=holder, held_until=now + LEASE)
    )
    return result.rowcount == 1


def let_go(connection: Connection, source_id: str, *, holder: str) -> None:
    """Let others have a source at once."""
    connection.execute(
        update(source_progress)
        .where(source_progress.c.source_id == source_id, source_progress.c.holder == holder)
        .values(holder=None, held_until=None)
    )


def let_go_abandoned(connection: Connection, *, shared_log: bool) -> None:
    """Let go of what a process held that has ended without a word, before anything is read.

    An embedded log (not `shared_log`) has one owner: whoever held a source before is gone. With a
    log that processes share nobody can tell, and their time must run out.
    """
    if not shared_log:
        connection.execute(update(source_progress).values(holder=None, held_until=None))


def note_progress(connection: Connection, source_id: str, *, holder: str, **values: Any) -> None:
    """Keep how it goes, by the fields of `Progress`. Raises `SourceLost` if another process holds
    it by now, or it was removed."""
    result = connection.execute(
        update(source_progress)
        .where(source_progress.c.source_id == source_id, source_progress.c.holder == holder)
        .values(values)
    )
    if result.rowcount != 1:
        raise SourceLost("Another process reads this source now, or it was removed.", "")


def _update(connection: Connection, source_id: str, **values: Any) -> None:
    connection.execute(
        update(source_progress).where(source_progress.c.source_id == source_id).values(values)
    )


def _source(row: Row[Any]) -> Source:
    return Source(**{name: getattr(row, name) for name in Source.__dataclass_fields__})


def _progress(row: Row[Any]) -> Progress:
    return Progress(**{name: getattr(row, name) for name in Progress.__dataclass_fields__})


def _require_fitting(name: str, url: str, requests_per_minute: int) -> None:
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise AuditError(
            f"The name of a source has 1 to {MAX_NAME} printable characters, not {len(name)}.",
            "Call it after where it comes from, such as “Daytona production”.",
        )
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or len(url) > MAX_URL:
        raise AuditError(
            f"“{url[:100]}” is no address of an API.",
            "Give one such as https://app.daytona.io/api.",
        )
    if parts.username or parts.query or parts.fragment:
        raise AuditError(
            "The address holds more than a host and a path.",
            "Give the key in its own field, and nothing behind the path.",
        )
    if not SLOWEST <= requests_per_minute <= FASTEST:
        raise AuditError(
            f"{requests_per_minute} requests a minute cannot be set.",
            f"Choose from {SLOWEST} to {FASTEST:,}.",
        )


def _note(
    connection: Connection,
    found: Source,
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
        detail={"source": found.name, "url": found.url},
    )
