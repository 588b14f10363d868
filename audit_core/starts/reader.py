"""Reads of attempts to start: builds a statement, runs it, gives a frozen answer."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit_core.access import Scope
from audit_core.entries import AuditEntry
from audit_core.log.schema import from_arrow
from audit_core.log.store import AuditLog
from audit_core.query import starts
from audit_core.query.cursors import Cursor
from audit_core.query.filters import EntryFilter
from audit_core.query.spans import Spans
from audit_core.query.starts import SilentRule, StartOutcome
from audit_core.query.windows import EPOCH, Bounds
from audit_core.redaction import redact
from audit_core.starts.attempts import StartAttempt, StartPage

Counts = dict[StartOutcome, tuple[int, ...]]
"""Attempts by outcome in each span, oldest first; every outcome is there."""


@dataclass(frozen=True, slots=True)
class StartsReader:
    """The reads. Each takes the filter, the scope and what the window means now."""

    log: AuditLog
    rule: SilentRule

    def page(
        self,
        wanted: EntryFilter,
        scope: Scope,
        bounds: Bounds,
        *,
        outcomes: tuple[StartOutcome, ...] = tuple(StartOutcome),
        cursor: Cursor | None = None,
        rows: int = 50,
    ) -> StartPage:
        """The attempts with one of the outcomes at the cursor; the newest for `None`."""
        statement = starts.start_page(
            wanted, scope, bounds, self.rule, outcomes=outcomes, cursor=cursor
        )
        fetched = self.log.fetch(statement, scope, max_rows=rows)
        found = fetched.table.to_pylist()
        back = cursor is not None and cursor.newer
        if back:
            found.reverse()
        entries = self._entries({row["seq"]: row["at_us"] for row in found}, scope)
        attempts = tuple(
            StartAttempt(
                seq=row["seq"],
                entry=entries[row["seq"]],
                sandbox=row["sandbox"],
                by_name=bool(row["by_name"]),
                outcome=StartOutcome(row["outcome"]),
                next_action=row["next_action"] or None,
                next_at=instant(row["next_us"]) if row["next_action"] else None,
            )
            for row in found
            if row["seq"] in entries
        )
        more_older = True if back else fetched.truncated
        more_newer = fetched.truncated if back else cursor is not None
        return StartPage(
            attempts=attempts,
            older=attempts[-1].cursor(newer=False) if attempts and more_older else None,
            newer=attempts[0].cursor(newer=True) if attempts and more_newer else None,
            elapsed_s=fetched.elapsed_s,
        )

    def counts(self, wanted: EntryFilter, scope: Scope, bounds: Bounds, spans: Spans) -> Counts:
        """How many attempts had which outcome, over time."""
        statement = starts.start_counts(wanted, scope, bounds, self.rule, spans)
        table = self.log.fetch(statement, scope, max_rows=spans.number * len(StartOutcome)).table
        found: dict[str, dict[int, int]] = defaultdict(dict)
        for row in table.to_pylist():
            found[row["outcome"]][row["span"]] = row["count"]
        return {
            outcome: tuple(found[outcome].get(number, 0) for number in range(spans.number))
            for outcome in StartOutcome
        }

    def _entries(self, times_us: dict[int, int], scope: Scope) -> dict[int, AuditEntry]:
        """The entries by seq; one that retention dropped meanwhile is missing."""
        if not times_us:
            return {}
        statement = starts.whole_entries(
            tuple(sorted(times_us)),
            scope,
            since=instant(min(times_us.values())),
            until=instant(max(times_us.values())),
        )
        table = self.log.fetch(statement, scope, max_rows=len(times_us)).table
        return {
            seq: entry if scope.secrets else redact(entry)
            for seq, entry in zip(table.column("seq").to_pylist(), from_arrow(table), strict=True)
        }


def instant(at_us: int) -> datetime:
    """The time of so many microseconds since 1970."""
    return EPOCH + timedelta(microseconds=at_us)
