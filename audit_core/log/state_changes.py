"""State changes beside the entries: appended once each, with a head by which readers know of news.

They have no numbers and no rollups: each is read by its target, and there are few of one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection

from audit_core.domain.state_changes import StateChange
from audit_core.log.engines.engine import LogEngine
from audit_core.log.group_commit import Writer
from audit_core.log.heads import POLL_S
from audit_core.log.schema import KEY, STATE_CHANGES

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
RECEIVED = "received_at"


@dataclass(frozen=True, slots=True)
class _Stored:
    fresh: Sequence[bool]

    def report(self, start: int, stop: int) -> int:
        """How many of some rows were stored."""
        return sum(self.fresh[start:stop])


class StateChangeLog:
    """The state changes of an opened log. Safe to use from many threads.

    `writing` gives a connection for one transaction, `reading` one that sees every organization;
    `require_writable` raises while nothing may be appended.
    """

    def __init__(
        self,
        log_engine: LogEngine,
        writing: Callable[[], AbstractContextManager[Connection]],
        reading: Callable[[None], AbstractContextManager[Connection]],
        require_writable: Callable[[], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._log_engine = log_engine
        self._writing = writing
        self._reading = reading
        self._require_writable = require_writable
        self._clock = clock
        self._newest: dict[str, datetime] = {}
        self._asked_at = -POLL_S
        self._asked = False
        self._lock = threading.Lock()
        self._writer: Writer[int] = Writer(self._commit)

    def append(self, changes: Sequence[StateChange]) -> int:
        """Store those that are not stored yet, by organization and id; how many that were, after
        the commit. Raises as `AuditLog.append`."""
        return self.append_table(as_table(changes)) if changes else 0

    def append_table(self, rows: pa.Table) -> int:
        """As `append`, for rows of the shape `schema.STATE_CHANGES`. Where `received_at` is NULL it
        is the present time."""
        return self._writer.append(rows) if rows.num_rows else 0

    def head(self, organization_id: str | None) -> int:
        """A number that rises with each state change of an organization; 0 if it has none, and for
        `None`. At most `POLL_S` old where other processes write too."""
        if organization_id is None:
            return 0
        with self._lock:
            polls = self._log_engine.shared and time.monotonic() - self._asked_at >= POLL_S
            if polls or not self._asked:
                self._ask()
        newest = self._newest.get(organization_id)
        return 0 if newest is None else (newest - _EPOCH) // _MICROSECOND

    def close(self) -> None:
        """Finish what was accepted. Calling it twice is harmless."""
        self._writer.close()

    def _ask(self) -> None:
        self._asked_at = time.monotonic()
        with self._reading(None) as connection:
            self._take(self._log_engine.change_heads(connection))
        self._asked = True

    def _take(self, newest: Mapping[str, datetime]) -> None:
        for organization, received_at in newest.items():
            known = self._newest.get(organization, _EPOCH)
            self._newest[organization] = max(known, received_at)

    def _commit(self, arriving: pa.Table) -> _Stored:
        self._require_writable()
        with self._writing() as connection:
            known = self._log_engine.known_changes(connection, arriving)
            fresh = _first_of_each(arriving, known)
            rows = self._received(arriving.filter(pa.array(fresh, pa.bool_())))
            if rows.num_rows:
                self._log_engine.insert_changes(connection, rows)
        with self._lock:
            self._take(newest_of(rows))
        return _Stored(fresh)

    def _received(self, rows: pa.Table) -> pa.Table:
        """The rows with the time of their arrival: later than any that is known here, so that the
        head rises whatever the clock does."""
        with self._lock:
            now = max([self._clock(), *(at + _MICROSECOND for at in self._newest.values())])
        position = rows.schema.get_field_index(RECEIVED)
        column = pc.fill_null(rows.column(position), now.replace(tzinfo=None))
        return rows.set_column(position, rows.schema.field(position), column)


def as_table(changes: Sequence[StateChange]) -> pa.Table:
    """State changes as rows of the shape `schema.STATE_CHANGES`, not received yet."""
    columns = [
        [
            getattr(change, name).replace(tzinfo=None)
            if name == "changed_at"
            else getattr(change, name, None)
            for change in changes
        ]
        for name in STATE_CHANGES.names
    ]
    return pa.table(
        [
            pa.array(values, field.type)
            for values, field in zip(columns, STATE_CHANGES, strict=True)
        ],
        schema=STATE_CHANGES,
    )


def newest_of(rows: pa.Table) -> dict[str, datetime]:
    """When the newest of some rows of each organization was received."""
    newest: dict[str, datetime] = {}
    columns = (rows.column(name).to_pylist() for name in ("organization_id", RECEIVED))
    for organization, received_at in zip(*columns, strict=True):
        known = newest.get(organization, _EPOCH)
        newest[organization] = max(known, received_at.replace(tzinfo=UTC))
    return newest


def _first_of_each(rows: pa.Table, known: Collection[tuple[str, str]]) -> list[bool]:
    """For each row whether it is neither known nor a repetition of a row before it."""
    seen = set(known)
    fresh = []
    for key in zip(*(rows.column(name).to_pylist() for name in KEY), strict=True):
        fresh.append(key not in seen)
        seen.add(key)
    return fresh
