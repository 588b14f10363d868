"""What a report says: gathered by the readers that the pages ask too, never computed anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from audit_core.domain.entries import FAILURES, AuditEntry, Outcome
from audit_core.domain.listing import Listing
from audit_core.domain.redaction import redact
from audit_core.explore.counts import Count, CountReader
from audit_core.explore.histogram import Histogram
from audit_core.explore.message_patterns import Patterns
from audit_core.explore.reader import Reader
from audit_core.explore.results import ErrorCount, HourOfWeek, Share, Summary
from audit_core.explore.view_params import READY_VIEWS
from audit_core.identity.api_tokens import Token, list_tokens
from audit_core.identity.invitations import pending_invitations
from audit_core.identity.memberships import Member, members
from audit_core.identity.one_time_links import Link
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.language.ast import Expression, all_of
from audit_core.query.query import Query

MAX_GROUPS = 10
"""How many groups a chart shows: as many as on Overview."""
MAX_ERRORS = 200
"""How many pairs of action and status code are read for the chart of errors."""
MAX_PATTERNS = 10
MAX_LISTED = 100
"""How many entries each of the two lists holds; the report says how many there are."""
MAX_COUNTED = 10_000
"""How far changes of access are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAccess:
    """Who may do what in the organization at one moment."""

    members: tuple[Member, ...]
    tokens: tuple[Token, ...]
    """Those that are valid."""
    invitations: tuple[Link, ...]
    """Those that may still be accepted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who made a report, when, and with what."""

    organization: str
    """Its name; for the operator `All organizations`."""
    made_by: str
    made_at: datetime
    version: str
    checkpoint: str = ""
    """The newest signed head of the organization's tree; empty: there is none, or it is about
    several organizations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that a report says. Entries are redacted."""

    origin: Origin
    entry_filter: EntryFilter
    since: datetime
    until: datetime
    """What the window held, aware: an open end is cut to what there is."""
    heads: tuple[int, int]
    """The organization's newest revision before the first read and after the last one."""
    summary: Summary
    before: Summary | None
    """Of the window before; `None` if there is none."""
    histogram: Histogram[Outcome]
    errors: Listing[ErrorCount]
    failing: Listing[Share]
    actors: Listing[Share]
    actions: Listing[Share]
    hours: tuple[HourOfWeek, ...]
    patterns: Patterns
    failures: Listing[AuditEntry]
    """The newest, newest first; how many there are is in `summary`."""
    access_changes: Listing[AuditEntry]
    access_count: Count
    access: OpenAccess | None
    """`None` where whoever made it may not see that."""


@dataclass(frozen=True, slots=True)
class ReportReader:
    """The reads of a report."""

    reader: Reader

    def report(
        self, query: Query, as_of: datetime, origin: Origin, access: OpenAccess | None
    ) -> Report:
        """What a report says of the query; `as_of` stands for an open end of its window.

        Raises what a read of the log raises.
        """
        reader, scope = self.reader, query.scope
        head = reader.log.head(scope.organization_id)
        before = query.entry_filter.window.before(as_of)
        histogram = reader.outcomes_over_time(query, as_of)
        changes = query.asking(all_of([query.predicate, _access_changes()]))
        failures = query.asking(all_of([query.predicate, EntryFilter(outcomes=FAILURES).predicate]))
        return Report(
            origin=origin,
            entry_filter=query.entry_filter,
            since=histogram.since,
            until=histogram.until,
            summary=reader.summary(query),
            before=reader.summary(query.within(before)) if before else None,
            histogram=histogram,
            errors=reader.errors(query, MAX_ERRORS),
            failing=reader.failing_actors(query, MAX_GROUPS),
            actors=reader.actors(query, MAX_GROUPS),
            actions=reader.actions(query, MAX_GROUPS),
            hours=reader.hours_of_week(query, as_of),
            patterns=reader.patterns(query, as_of, MAX_PATTERNS),
            failures=self._newest(failures),
            access_changes=self._newest(changes),
            access_count=CountReader(reader).count_up_to(MAX_COUNTED, changes),
            access=access,
            heads=(head, reader.log.head(scope.organization_id)),
        )

    def _newest(self, query: Query) -> Listing[AuditEntry]:
        page = self.reader.page(query, None, MAX_LISTED)
        shown: Callable[[AuditEntry], AuditEntry] = (
            (lambda entry: entry) if query.scope.secrets else redact
        )
        return Listing(
            tuple(shown(row.entry) for row in page.rows), truncated=page.older is not None
        )


def open_access(connection: Connection, organization_id: str, now: datetime) -> OpenAccess:
    """Who may do what in the organization now. Not for everybody: see `Permission.READ_RECORD`."""
    tokens = list_tokens(connection, organization_id=organization_id)
    return OpenAccess(
        members=members(connection, organization_id, now),
        tokens=tuple(token for token in tokens if token.is_valid(now)),
        invitations=pending_invitations(connection, organization_id, now),
    )


def _access_changes() -> Expression:
    """The predicate of the ready-made view of that name: one meaning of a change of access."""
    return READY_VIEWS["access_changes"].entry_filter.predicate
