"""What legal holds keep: the months that do not expire, and whether an entry may be erased."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pyarrow as pa

from audit_core.domain.access import Scope
from audit_core.domain.erasure import Subject
from audit_core.domain.errors import AuditError, FilterError
from audit_core.evidence.holds.held_sql import MAX_DAYS, HeldDay, held_days, held_of
from audit_core.explore.presentation import text
from audit_core.log.erasing.erased_rows import erased_rows
from audit_core.log.reads.fetched import Fetched
from audit_core.log.retention import HeldMonth, month_of
from audit_core.log.schema import ARROW, Statement
from audit_core.log.store import AuditLog
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.buckets import ORIGIN
from audit_core.query.time.windows import TimeRange, Window
from audit_core.state.database import State
from audit_core.workspace.legal_holds import LegalHold, holds_in_force

_AT_ONCE = 5_000
"""How many entries are looked at in one read."""


class HeldError(AuditError):
    """What was asked for would erase what a legal hold keeps."""


@dataclass(frozen=True, slots=True)
class StateHolds:
    """See `audit_core.log.retention.Holds`: the holds that stand in the state."""

    state: State

    def held(
        self, earliest: datetime, fetch: Callable[[Statement], pa.Table]
    ) -> frozenset[HeldMonth]:
        """Looks for each hold among what is about to expire. Raises `StoreUnavailableError`."""
        with self.state.read() as connection:
            holds = holds_in_force(connection)
        return frozenset(
            HeldMonth(organization_id=hold.organization_id, month=month_of(_start(day.day)))
            for hold in holds
            for day in _rows(fetch(held_days(query_of(hold), earliest)))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBeyond:
    """What the holds of one organization keep beyond its retention."""

    holds: int
    """How many are in force."""
    entries: int
    """How many entries they keep that would have expired, where one that several keep counts for
    each; the months that hold these stay whole."""
    months: tuple[datetime, ...]
    """The beginnings of these months (UTC), in order."""


def kept_beyond(log: AuditLog, holds: Sequence[LegalHold], earliest: datetime | None) -> KeptBeyond:
    """What holds, all of one organization, keep of what was made before `earliest`; nothing where
    nothing expires. Raises `AuditError`."""
    found: list[HeldDay] = []
    if earliest is not None:
        for hold in holds:
            query = query_of(hold)
            statement = held_days(query, earliest)
            found += log.fetch_rows(statement, query.scope, HeldDay, limit=MAX_DAYS).items
    return KeptBeyond(
        holds=len(holds),
        entries=sum(day.count for day in found),
        months=tuple(sorted({month_of(_start(day.day)) for day in found})),
    )


def kept_in_words(kept: KeptBeyond, *, has_retention: bool) -> str:
    """What holds keep beyond the retention: a sentence."""
    if not has_retention:
        return "No retention is set, so everything is kept anyway."
    if not kept.months:
        return "Nothing is kept beyond the retention because of that by now."
    first = f"{kept.months[0]:%Y-%m}"
    months = "a month" if len(kept.months) == 1 else f"{len(kept.months):,} months"
    return (
        f"Because of that {months} of the organization {'is' if len(kept.months) == 1 else 'are'} "
        f"kept whole beyond the retention, from {first} on, for {text.entries(kept.entries)}."
    )


def held_count(log: AuditLog, query: Query) -> int:
    """How many entries a hold with this query keeps by now. Raises `AuditError`."""
    days = log.fetch_rows(held_days(query), query.scope, HeldDay, limit=MAX_DAYS).items
    return sum(day.count for day in days)


def require_not_held(
    log: AuditLog,
    holds: Collection[LegalHold],
    subject: Subject,
    *,
    until: datetime | None = None,
) -> None:
    """Raises `HeldError` if a hold keeps an entry made up to `until` (`None`: however new) that
    erasing the person would change: nothing of it may be erased."""
    for hold in holds:
        if hold.organization_id != subject.organization_id:
            continue
        if _keeps_any(log, query_of(hold), subject, until):
            raise HeldError(
                f"A legal hold of {hold.set_at:%Y-%m-%d} by {hold.set_by} keeps entries of this "
                "person, or entries that name them.",
                "Have the hold lifted first, on Evidence → Legal holds.",
            )


def _keeps_any(log: AuditLog, query: Query, subject: Subject, until: datetime | None) -> bool:
    after, more = 0, True
    while more:
        statement = held_of(query, subject, until, after=after)
        fetched = log.fetch(statement, query.scope, max_rows=_AT_ONCE)
        rows, more = fetched.table.select(ARROW.names).cast(ARROW), fetched.truncated
        if erased_rows(rows, subject, "").before.num_rows:
            return True
        if more:
            after = rows.column("seq")[-1].as_py()
    return False


def query_of(hold: LegalHold) -> Query:
    """The query of what a hold keeps.

    A filter that cannot be read any more keeps everything of the organization: somebody meant to
    keep something.
    """
    scope = Scope(organization_id=hold.organization_id)
    try:
        entry_filter = EntryFilter.from_params(hold.params)
        return Query(entry_filter, scope, entry_filter.window.time_range(hold.set_at))
    except FilterError:
        return Query(EntryFilter(), scope, TimeRange(since=None, until=None))


def hold_in_words(hold: LegalHold) -> str:
    """What a hold keeps, without a full stop."""
    try:
        return EntryFilter.from_params(hold.params).describe()
    except FilterError:
        return "all entries, since its filter cannot be read any more"


def fixed(entry_filter: EntryFilter, now: datetime) -> EntryFilter:
    """The filter with the window that it means at `now`: what is kept must not move along."""
    window = entry_filter.window
    meant = window.time_range(now)
    return replace(
        entry_filter,
        window=Window(preset=None, since=meant.since, until=meant.until, zone=window.zone),
    )


def _rows(table: pa.Table) -> tuple[HeldDay, ...]:
    return tuple(Fetched(table=table, truncated=False, elapsed_s=0).rows(HeldDay))


def _start(day: int) -> datetime:
    return ORIGIN + timedelta(days=day)
