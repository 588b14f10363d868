"""Moving a log: rows from one log into another, and the proof that both hold the same.

The work goes by organization and day. A day whose digests agree is done: so a transfer that was
cut off, or that finds a log that has grown, goes on with the days that differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import pyarrow as pa

from audit_core.domain.access import Scope
from audit_core.log.numbering import Head
from audit_core.log.schema import ARROW, STATE_CHANGES
from audit_core.log.store import AuditLog
from audit_core.query.keyset import Cursor, numbers_of
from audit_core.transfer import digests_sql
from audit_core.transfer.digests_sql import Kind

STEP = 50_000
"""How many rows are read and stored at once."""

MAX_DAYS = 10_000_000
"""How many digests a log may give: far above the days of all organizations."""

ROUNDS = 3
"""How often days that differ are gone through: a log that is in use grows meanwhile."""

SHAPES = {Kind.ENTRIES: ARROW, Kind.STATE_CHANGES: STATE_CHANGES}
"""The shape of the rows of each kind."""

Day = tuple[str, int]
"""An organization ('' for none) and a day (UTC), counted from 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What a log holds of one day: equal digests mean equal rows."""

    count: int
    first: int
    second: int
    """Sums of 32-bit fingerprints of the rows, over every column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Days of one organization that are copied together."""

    organization_id: str
    """'' for none."""
    first: int
    last: int
    """Included. Days in between that do not differ are read, and found to be there."""


class Origin(Protocol):
    """The log that is read."""

    def digest(self, kind: Kind = Kind.ENTRIES) -> dict[Day, Digest]:
        """The digest of every day that has entries, or what else is copied."""

    def rows(self, stretch: Stretch, kind: Kind = Kind.ENTRIES) -> Iterator[pa.Table]:
        """The rows of some days, oldest first, in tables of the shape `SHAPES[kind]`."""

    def heads(self) -> dict[str, Head]:
        """The highest numbers of every organization; see `AuditLog.heads`."""


@dataclass(frozen=True, slots=True)
class LocalOrigin:
    """A log that this process has open; `scope` is the operator's."""

    log: AuditLog
    scope: Scope

    def digest(self, kind: Kind = Kind.ENTRIES) -> dict[Day, Digest]:
        """See `Origin.digest`."""
        return digest_of(self.log, self.scope, kind)

    def rows(self, stretch: Stretch, kind: Kind = Kind.ENTRIES) -> Iterator[pa.Table]:
        """See `Origin.rows`."""
        return self._entries(stretch) if kind is Kind.ENTRIES else self._state_changes(stretch)

    def _state_changes(self, stretch: Stretch) -> Iterator[pa.Table]:
        after: tuple[datetime, str] | None = None
        while True:
            statement = digests_sql.changes_of_days(
                self.scope, stretch.organization_id, stretch.first, stretch.last, after=after
            )
            fetched = self.log.fetch(statement, self.scope, max_rows=STEP)
            if not fetched.table.num_rows:
                return
            yield fetched.table.select(STATE_CHANGES.names).cast(STATE_CHANGES)
            if not fetched.truncated:
                return
            at, id_ = (fetched.table.column(name)[-1].as_py() for name in ("changed_at", "id"))
            after = (at.replace(tzinfo=UTC), id_)

    def _entries(self, stretch: Stretch) -> Iterator[pa.Table]:
        after: Cursor | None = None
        while True:
            statement = digests_sql.rows_of_days(
                self.scope, stretch.organization_id, stretch.first, stretch.last, after=after
            )
            fetched = self.log.fetch(statement, self.scope, max_rows=STEP)
            if not fetched.table.num_rows:
                return
            yield fetched.table.select(ARROW.names).cast(ARROW)
            if not fetched.truncated:
                return
            created_at = fetched.table.column("created_at")[-1].as_py().replace(tzinfo=UTC)
            seq = numbers_of(fetched.table, self.scope)[-1]
            after = Cursor(created_at=created_at, seq=seq, newer=True)

    def heads(self) -> dict[str, Head]:
        """See `Origin.heads`."""
        return self.log.heads()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A day that the two logs do not agree on."""

    day: Day
    there: int
    """Entries in the log that is read."""
    here: int
    """Entries in the log that is written."""
    kind: Kind = Kind.ENTRIES
    """What is meant by entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of a transfer."""

    entries: int
    """How many the log that was read holds."""
    days: int
    """On how many days of an organization they lie."""
    copied: int
    """How many rows were stored by this transfer."""
    differences: tuple[Difference, ...]
    """What still differs; empty: both logs hold the same."""
    state_changes: int = 0
    """How many the log that was read holds."""


def digest_of(log: AuditLog, scope: Scope, kind: Kind = Kind.ENTRIES) -> dict[Day, Digest]:
    """The digest of every day that has entries, or what else is copied. Raises what
    `AuditLog.fetch` raises."""
    table = log.fetch(digests_sql.digest(scope, kind), scope, max_rows=MAX_DAYS).table
    return {
        (row["organization_id"], int(row["day"])): Digest(
            count=int(row["count"]), first=int(row["first"]), second=int(row["second"])
        )
        for row in table.to_pylist()
    }


def differing(
    there: Mapping[Day, Digest], here: Mapping[Day, Digest], kind: Kind = Kind.ENTRIES
) -> tuple[Difference, ...]:
    """The days that differ, by organization and time."""
    return tuple(
        Difference(
            day=day,
            there=there[day].count if day in there else 0,
            here=here[day].count if day in here else 0,
            kind=kind,
        )
        for day in sorted(there.keys() | here.keys())
        if there.get(day) != here.get(day)
    )


def stretches(differences: Sequence[Difference]) -> Iterator[Stretch]:
    """The days that differ, in the order of `differing`, together as long as they are of one
    organization and hold no more than `STEP` entries: one by one, sparse days take long."""
    gathered: list[Day] = []
    entries = 0
    for difference in differences:
        if gathered and (difference.day[0] != gathered[0][0] or entries + difference.there > STEP):
            yield _stretch(gathered)
            gathered, entries = [], 0
        gathered.append(difference.day)
        entries += difference.there
    if gathered:
        yield _stretch(gathered)


def _stretch(days: Sequence[Day]) -> Stretch:
    return Stretch(organization_id=days[0][0], first=days[0][1], last=days[-1][1])


def transfer(
    origin: Origin,
    target: AuditLog,
    scope: Scope,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Bring `target` to hold what `origin` holds, and compare the two.

    `progress` is told how many of the entries are done. Nothing in `target` is removed: days on
    which it holds other entries stand in `differences`. Raises what the logs raise; what was
    stored by then stays, and the next transfer goes on from there.
    """
    there, copied, differences = _bring(origin, target, scope, Kind.ENTRIES, progress)
    # Last: entries that have the highest numbers may be dropped, here or there.
    target.raise_heads(origin.heads())
    changes = _bring(origin, target, scope, Kind.STATE_CHANGES, lambda done, total: None)
    return Report(
        entries=sum(digest.count for digest in there.values()),
        days=len(there),
        copied=copied,
        differences=(*differences, *changes[2]),
        state_changes=sum(digest.count for digest in changes[0].values()),
    )


def _bring(
    origin: Origin,
    target: AuditLog,
    scope: Scope,
    kind: Kind,
    progress: Callable[[int, int], None],
) -> tuple[dict[Day, Digest], int, tuple[Difference, ...]]:
    """Bring `target` to hold what `origin` holds of a kind: the digest of that, how many rows were
    stored, and what still differs."""
    store = target.replicate if kind is Kind.ENTRIES else target.state_changes.append_table
    there, here = origin.digest(kind), digest_of(target, scope, kind)
    copied = 0
    for _ in range(ROUNDS):
        wanting = [item for item in differing(there, here, kind) if item.there]
        if not wanting:
            break
        total = sum(digest.count for digest in there.values())
        done = total - sum(item.there for item in wanting)
        stored = 0
        progress(done, total)
        for stretch in stretches(wanting):
            for rows in origin.rows(stretch, kind):
                stored += store(rows)
                done += rows.num_rows
                progress(min(done, total), total)
        copied += stored
        there, here = origin.digest(kind), digest_of(target, scope, kind)
        if not stored:
            break
    return there, copied, differing(there, here, kind)
