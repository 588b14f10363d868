"""The sources of an organization, as the state keeps them: what is pulled, and how it goes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, insert, or_, select, update

from audit_core.domain.errors import AuditError
from audit_core.domain.silence import read_arrivals, resumed, write_arrivals
from audit_core.runtime.outgoing.policy import OutgoingPolicy
from audit_core.sources.problems import SourceUnavailable
from audit_core.sources.source_input import require_address, require_fitting
from audit_core.state.access_log.record import record
from audit_core.state.import_checkpoints import forget_imports
from audit_core.state.secrets import new_id
from audit_core.state.tables import source, source_progress

MAX_SOURCES = 20
"""How many sources an organization may have."""
LEASE = timedelta(seconds=90)
"""For how long a process holds a source without saying that it still does; longer than an answer
may take."""
DEFAULT_PACE = 300
"""Requests a minute, unless a source is set to others."""


class SourceLost(SourceUnavailable):
    """Another process reads this source now, or it was removed."""


class SourceGone(AuditError):
    """Somebody removed the source meanwhile; nothing was changed."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The source “{name}” was removed meanwhile.", "Reload the page.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is pulled from, as somebody set it up."""

    id: str
    organization_id: str | None
    """Whose log its entries go to; `None`: each goes to its own organization's."""
    remote_organization_id: str | None
    """The organization that is asked for at Daytona; `None`: all of the deployment."""
    name: str
    url: str
    """The address of the API, without a slash at its end."""
    sealed_key: str
    requests_per_minute: int
    paused: bool
    any_address: bool
    """Whether its address may lead anywhere, since whoever runs this server set it up; else only
    where the outgoing policy lets it."""
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
    in_flight: int
    """How many entries are asked for again until they are finished."""
    last_minute: int
    """How many entries came in the minute before the last answer."""
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
    arrivals: str | None
    """When entries came, as `write_arrivals` wrote it; `None`: not yet."""


def add_source(
    connection: Connection,
    *,
    organization_id: str | None,
    remote_organization_id: str | None = None,
    name: str,
    url: str,
    sealed_key: str,
    requests_per_minute: int = DEFAULT_PACE,
    policy: OutgoingPolicy | None,
    actor: str,
    now: datetime,
    address: str | None = None,
) -> Source:
    """Set up a source; it begins by itself. Raises `AuditError` for what does not fit.

    `organization_id` `None` is for the operator only: all organizations of a deployment.
    `remote_organization_id` is Daytona's id of the organization, `None` where it is the same.
    `policy` says where the address may lead; `None` for the operator, whose may lead anywhere.
    """
    remote = (remote_organization_id or organization_id or "").strip() or None
    if organization_id is None and (policy is not None or remote is not None):
        raise ValueError("a source of a whole deployment is the operator's, and asks for all")
    name, url = name.strip(), url.strip().rstrip("/")
    require_fitting(name, remote or "", requests_per_minute)
    require_address(url, policy)
    _require_room(connection, organization_id, name)
    made = Source(
        id=new_id(),
        organization_id=organization_id,
        remote_organization_id=remote,
        name=name,
        url=url,
        sealed_key=sealed_key,
        requests_per_minute=requests_per_minute,
        paused=False,
        any_address=policy is None,
        created_at=now,
        created_by=actor,
    )
    values = {name: getattr(made, name) for name in Source.__dataclass_fields__}
    connection.execute(insert(source).values(values))
    connection.execute(insert(source_progress).values(source_id=made.id))
    _note(connection, made, "source.added", actor, now, address)
    return made


def _require_room(connection: Connection, organization_id: str | None, name: str) -> None:
    everywhere = sources_of(connection, None)
    present = [one for one in everywhere if one.organization_id == organization_id]
    if len(present) >= MAX_SOURCES:
        raise AuditError(
            f"There are {MAX_SOURCES} sources here already, and that is the most.",
            "Remove one that is not needed.",
        )
    if any(one.name == name for one in present):
        raise AuditError(f"There is already a source “{name}”.", "Choose another name.")


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


def deployment_sources(connection: Connection) -> list[tuple[Source, Progress]]:
    """Those of whole deployments, with how they go: for the operator only."""
    found = sources_with_progress(connection, None)
    return [(one, progress) for one, progress in found if one.organization_id is None]


def source_with_progress(connection: Connection, source_id: str) -> tuple[Source, Progress] | None:
    """One source with how it goes; `None` if there is none."""
    found, progress = find_source(connection, source_id), progress_of(connection, source_id)
    return None if found is None or progress is None else (found, progress)


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
    """Pause a source, or have it go on, also after a problem that had stopped it. Raises
    `SourceGone`."""
    _change(connection, found, paused=paused)
    if paused:
        _update(connection, found.id, next_try_at=None)
    else:
        _go_on(connection, found, now)
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
    """Give a source another key; it goes on with it. Raises `SourceGone`."""
    _change(connection, found, sealed_key=sealed_key)
    _go_on(connection, found, now)
    _note(connection, found, "source.key_changed", actor, now, address)


def remove_source(
    connection: Connection,
    found: Source,
    *,
    actor: str,
    now: datetime,
    address: str | None = None,
) -> None:
    """Forget a source and its key. What it brought stays in the log. Raises `SourceGone`."""
    connection.execute(delete(source_progress).where(source_progress.c.source_id == found.id))
    if connection.execute(delete(source).where(source.c.id == found.id)).rowcount != 1:
        raise SourceGone(found.name)
    _note(connection, found, "source.removed", actor, now, address)


def note_test(
    connection: Connection,
    *,
    organization_id: str | None,
    name: str,
    url: str,
    answered: bool,
    actor: str,
    now: datetime,
    address: str | None = None,
) -> None:
    """Put on record that somebody had an address asked with a key, and whether it granted that."""
    record(
        connection,
        at=now,
        verb="source.tested",
        actor=actor,
        organization_id=organization_id,
        address=address,
        detail={"source": name, "url": url, "answered": answered},
    )


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


def read_all_again(connection: Connection) -> None:
    """Have every source, and every import of a database, be read from its beginning: after the log
    has lost something, or an older one was put back.

    A checkpoint says what was read, which is more than the log holds by now. What the log does
    hold is known, and stays as it is. Processes that read a source begin anew too.
    """
    connection.execute(
        update(source_progress).values(checkpoint=None, holder=None, held_until=None)
    )
    forget_imports(connection)


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


def _change(connection: Connection, found: Source, **values: Any) -> None:
    changed = connection.execute(update(source).where(source.c.id == found.id).values(values))
    if changed.rowcount != 1:
        raise SourceGone(found.name)


def _go_on(connection: Connection, found: Source, now: datetime) -> None:
    """Forget what was wrong with a source. While it waited it was not silent by itself."""
    progress = progress_of(connection, found.id)
    arrivals = resumed(read_arrivals(progress.arrivals if progress else None), now)
    _update(
        connection,
        found.id,
        problem=None,
        hint=None,
        stopped=False,
        next_try_at=None,
        arrivals=None if arrivals is None else write_arrivals(arrivals),
    )


def _update(connection: Connection, source_id: str, **values: Any) -> None:
    connection.execute(
        update(source_progress).where(source_progress.c.source_id == source_id).values(values)
    )


def _source(row: Row[Any]) -> Source:
    return Source(**{name: getattr(row, name) for name in Source.__dataclass_fields__})


def _progress(row: Row[Any]) -> Progress:
    return Progress(**{name: getattr(row, name) for name in Progress.__dataclass_fields__})


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
