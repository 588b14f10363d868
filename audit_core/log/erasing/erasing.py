"""Erases persons from an opened log, and has written anew what still holds their bytes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection

from audit_core.domain.erasure import Subject
from audit_core.domain.errors import StoreUnavailableError
from audit_core.log.engines.engine import LogEngine
from audit_core.log.engines.erased_parts import newest_number, note_parts, pending_parts
from audit_core.log.erasing.erased_rows import ErasedRows, erased_rows
from audit_core.log.erasing.erasing_sql import (
    ConcernedEntry,
    actors_sql,
    concerned_rows_sql,
    concerned_sql,
    organizations_sql,
    own_entries_sql,
    own_keys_sql,
    own_values_sql,
    rows_of_actors_sql,
)
from audit_core.log.heads import POLL_S
from audit_core.log.reads.fetched import Fetched
from audit_core.log.schema import ARROW, Statement
from audit_core.log.writes.forgetting import WriteKeeper

ENTRIES_AT_ONCE = 20_000
"""How many entries are changed in one transaction at most."""

BYTES_AT_ONCE = 64 * 2**20
"""How long their texts may be together: they are in memory."""

PATIENCE_S = 3600.0
"""How long one look for the entries of a person may take: it reads all of an organization."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What one erasure has changed; both 0 where nothing was left to change."""

    own: int = 0
    """Entries of the person."""
    mentions: int = 0
    """Entries of others that named the person."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Whose entries there are."""

    actor_id: str
    actor_email: str
    """'' for none."""
    first_at: datetime
    """When the first of these entries was made; aware."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Who a person is in the log of an organization."""

    subject: Subject
    entries: int
    """The person's own; 0: none, then the two times are `None`."""
    mentions: int
    """Entries of others that name the person."""
    first_at: datetime | None
    last_at: datetime | None


class Erasing:
    """The erasures of an opened log. Safe to use from many threads.

    `changing` gives a connection for one transaction; `turn` is held while this process writes.
    """

    def __init__(
        self,
        log_engine: LogEngine,
        changing: Callable[[], AbstractContextManager[Connection]],
        turn: threading.Lock,
        keeper: WriteKeeper | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._log_engine = log_engine
        self._changing = changing
        self._turn = turn
        self._keeper = keeper
        self._clock = clock
        self._newest = 0
        self._asked_at: float | None = None
        self._lock = threading.Lock()
        self._closed = False

    def close(self) -> None:
        """Returns once nothing is erased any more: what is left is, when it is asked for again."""
        with self._turn:
            self._closed = True

    @property
    def count(self) -> int:
        """A number that is another one whenever something was erased: what was kept of the log
        before that must not be shown any more. At most `POLL_S` old where other processes write.
        Raises `StoreUnavailableError`."""
        with self._lock:
            asked, now = self._asked_at, time.monotonic()
            if asked is None or (self._log_engine.shared and now - asked >= POLL_S):
                with self._reading() as connection:
                    self._newest = max(self._newest, newest_number(connection))
                self._asked_at = now
            return self._newest

    def erase(self, subject: Subject, *, pseudonym: str, until: datetime | None = None) -> Erased:
        """Erase a person's values from all entries that were created up to `until` (`None`:
        however new).

        The person's own entries get `pseudonym` for the actor's id and lose all that is personal;
        a text of others' entries that mentions the person goes. The keeper is told first. Each
        part is one transaction: broken off, or called again, it goes on with what is left. Raises
        `AuditError`.
        """
        own = mentions = after = 0
        while (piece := self._next_piece(subject, until, after)) is not None:
            first, after = piece
            rows = concerned_rows_sql(subject, until, first=first, last=after)
            changed = self._erase_piece(rows, subject, pseudonym)
            own += changed.own
            mentions += changed.before.num_rows - changed.own
        return Erased(own=own, mentions=mentions)

    def destroy_keys(self, subject: Subject) -> None:
        """Destroy the keys with which the person's own entries were committed, in every copy.

        To be called once all of them were erased. Entries that came since, which are not erased,
        keep their place in the tree, but their leaves cannot be opened any more. Called again it
        does no harm, but to such entries. Raises `AuditError`.
        """
        if self._keeper is None:
            return
        seen = 0
        while (rows := self._rows_of(subject, after=seen)).num_rows:
            self._keeper.erasing(rows)
            seen = pc.max(rows.column("revision")).as_py()
        self._keeper.destroy_keys(
            subject.organization_id, subject.actor_ids, lambda: self._rows_of(subject, after=seen)
        )

    def _rows_of(self, subject: Subject, *, after: int) -> pa.Table:
        statement = rows_of_actors_sql(subject, after=after).limit(ENTRIES_AT_ONCE)
        with self._reading() as connection:
            rows = self._log_engine.fetch(connection, statement)
        return rows.select(ARROW.names).cast(ARROW)

    def subject_of(
        self, organization_id: str, *, actor_id: str | None = None, address: str | None = None
    ) -> Found | None:
        """Who is meant by an actor's id, or an e-mail address, in an organization ('' for none):
        with every id and spelling of an address that stands with it. `None` if no entry has it.

        Raises `ValueError` unless one of the two is given, and not empty; else `AuditError`.
        """
        asked = Subject(
            organization_id=organization_id,
            # Some systems name their actors by their addresses.
            actor_ids=frozenset(name for name in (actor_id, address) if name is not None),
            addresses=frozenset({address} if address is not None else ()),
        )
        with self._reading() as connection:
            ids = frozenset(self._actors(connection, asked).column("actor_id").to_pylist())
            named = Subject(
                organization_id=organization_id,
                actor_ids=(ids | asked.actor_ids) - {""},
                addresses=asked.addresses,
            )
            rows = self._actors(connection, named)
        if not rows.num_rows:
            return None
        subject = Subject(
            organization_id=organization_id,
            actor_ids=frozenset(rows.column("actor_id").to_pylist()) - {""},
            addresses=(frozenset(rows.column("actor_email").to_pylist()) | asked.addresses) - {""},
        )
        return self._found(subject, rows)

    def count_of(self, subject: Subject) -> Found:
        """How much there is by now of a person whose names are known. Raises `AuditError`."""
        with self._reading() as connection:
            rows = self._actors(connection, subject)
        return self._found(subject, rows)

    def keys_of(self, subject: Subject) -> list[tuple[str, str]]:
        """The API keys of the person's own entries, by their first and last characters. Raises
        `AuditError`."""
        with self._reading() as connection:
            table = self._log_engine.fetch(connection, own_keys_sql(subject))
        return list(zip(*(table.column(place).to_pylist() for place in (0, 1)), strict=True))

    def own_values(self, subject: Subject, field: str) -> frozenset[str]:
        """What entries of the person have in a column, and no other entry of the organization: an
        IP address that is this person's alone. Raises `AuditError`."""
        with self._reading() as connection:
            table = self._log_engine.fetch(connection, own_values_sql(subject, field))
        return frozenset(filter(None, table.column("value").to_pylist()))

    def only_here(self, subject: Subject, pseudonyms: Collection[str]) -> bool:
        """Whether the subject's organization has entries under one of these pseudonyms and no other
        one of this log has entries under the subject's names. Entries of no organization do not
        count. Raises `AuditError`."""
        with self._reading() as connection:
            table = self._log_engine.fetch(connection, organizations_sql(subject, pseudonyms))
        found: list[str] = table.column("organization_id").to_pylist()
        return found == [subject.organization_id]

    def actors(self, organization_id: str, *, after: int) -> list[Actor]:
        """Whose entries an organization ('' for none) has written above a revision of the whole
        log; see `AuditLog.last_known`. Raises `AuditError`."""
        with self._reading() as connection:
            table = self._log_engine.fetch(connection, actors_sql(organization_id, after=after))
        found = Fetched(table=table, truncated=False, elapsed_s=0).rows(Actor)
        return [replace(actor, first_at=actor.first_at.replace(tzinfo=UTC)) for actor in found]

    def pending(self) -> list[datetime]:
        """The months (their beginnings, UTC) whose files may hold erased bytes, in order. Raises
        `AuditError`."""
        with self._reading() as connection:
            return pending_parts(connection)

    def write_anew(self) -> bool:
        """Write anew what may hold erased bytes, as far as that can be done while the log is open:
        `True` once nothing is left. An embedded log is written anew when it is next opened. Raises
        `AuditError`."""
        pending = self.pending()
        if pending:
            # The connection is there to have errors translated; each step takes its own.
            with self._open() as connection:
                self._log_engine.write_anew(connection.engine, pending, self._clock)
        return not (pending and self.pending())

    def _next_piece(
        self, subject: Subject, until: datetime | None, after: int
    ) -> tuple[int, int] | None:
        """The first and last `seq` of the next entries to look at; `None`: there are none."""
        statement = concerned_sql(subject, until, after=after).limit(ENTRIES_AT_ONCE)
        with self._reading() as connection:
            table = self._log_engine.fetch(connection, statement)
        found = Fetched(table=table, truncated=False, elapsed_s=0).rows(ConcernedEntry)
        if not found:
            return None
        size, last = 0, found[0].seq
        for entry in found:
            size += entry.size
            if size > BYTES_AT_ONCE and entry is not found[0]:
                break
            last = entry.seq
        return found[0].seq, last

    def _erase_piece(self, rows: Statement, subject: Subject, pseudonym: str) -> ErasedRows:
        with self._turn, self._open() as connection:
            now = self._clock()
            self._log_engine.numbers(connection, after=0, now=now)
            stored = self._log_engine.fetch(connection, rows).select(ARROW.names).cast(ARROW)
            changed = erased_rows(stored, subject, pseudonym)
            newest = 0
            if changed.before.num_rows:
                if self._keeper is not None:
                    # Before the commit: kept for nothing if it fails, and never missing.
                    self._keeper.erasing(changed.before)
                newest = note_parts(connection, _months(changed.before), rewritten=False, now=now)
                self._log_engine.replace_values(connection, changed.before, changed.after)
            self._log_engine.keep_heads(connection, {})
        with self._lock:
            self._newest = max(self._newest, newest)
        return changed

    def _found(self, subject: Subject, rows: pa.Table) -> Found:
        """`rows`: see `own_entries_sql`."""
        first, last = (
            None if at is None else at.replace(tzinfo=UTC)
            for at in (
                pc.min(rows.column("first_at")).as_py(),
                pc.max(rows.column("last_at")).as_py(),
            )
        )
        return Found(
            subject=subject,
            entries=pc.sum(rows.column("entries")).as_py() or 0,
            mentions=self._count_mentions(subject),
            first_at=first,
            last_at=last,
        )

    def _count_mentions(self, subject: Subject) -> int:
        count = after = 0
        while (piece := self._next_piece(subject, None, after)) is not None:
            first, after = piece
            with self._reading() as connection:
                table = self._log_engine.fetch(
                    connection, concerned_rows_sql(subject, None, first=first, last=after)
                )
            changed = erased_rows(table.select(ARROW.names).cast(ARROW), subject, "")
            count += changed.before.num_rows - changed.own
        return count

    def _actors(self, connection: Connection, subject: Subject) -> pa.Table:
        return self._log_engine.fetch(connection, own_entries_sql(subject))

    def _open(self) -> AbstractContextManager[Connection]:
        if self._closed:
            # A new connection would open the file again, without the lock.
            raise StoreUnavailableError("The log is closed.", "Start the program again.")
        return self._changing()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with (
            self._open() as connection,
            self._log_engine.reading(connection, None, timeout_s=PATIENCE_S),
        ):
            yield connection


def _months(rows: pa.Table) -> list[datetime]:
    """The beginnings of the months in which entries were created."""
    months = pc.unique(pc.floor_temporal(rows.column("created_at"), unit="month"))
    return [month.replace(tzinfo=UTC) for month in months.to_pylist()]
