"""Reads what the support bundle of one failed start needs, and writes the bundle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit_core.detect.alerts.alert import Alert
from audit_core.domain.access import Scope
from audit_core.domain.listing import Listing
from audit_core.domain.message_template import template_of
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.spans import Spans
from audit_core.query.time.windows import TimeRange
from audit_core.starts.attempt import StartAttempt
from audit_core.starts.failure_groups_sql import FailureGroup
from audit_core.starts.reader import StartsReader
from audit_core.starts.support_bundle import Similar, support_bundle
from audit_core.starts.traces.trace_reader import TracesReader

SIMILAR_WITHIN = timedelta(days=7)
"""How long before the attempt similar failures are counted."""

MAX_GROUPS = 200
"""Among how many failure groups, the largest first, the attempt's own is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportBundle:
    """One file about a failed start."""

    entry_id: str
    """The entry of the attempt that it is about."""
    file_name: str
    text: str
    """Markdown, secrets redacted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleReader:
    """The reads."""

    starts: StartsReader
    traces: TracesReader
    alerts: Callable[[str], Listing[Alert]] | None = None
    """Those about a sandbox, by its id, in the organization that asks; `None`: a bundle says
    nothing of alerts."""

    def bundle(
        self, sandbox: str, scope: Scope, *, entry_id: str, near: datetime | None, made_at: datetime
    ) -> SupportBundle | None:
        """The bundle about one failed or suspected attempt to start a sandbox.

        `sandbox` and `near` are those of `TracesReader.trace`, `entry_id` is the attempt's entry.
        `None` if the scope holds no such attempt. Raises what a read of the log raises.
        """
        trace = self.traces.trace(sandbox, scope, near=near)
        failing = trace.failing if trace else ()
        attempt = next((item for item in failing if item.entry.id == entry_id), None)
        if attempt is None:
            return None
        return SupportBundle(
            entry_id=entry_id,
            file_name=f"failed-start-{attempt.entry.created_at:%Y%m%d-%H%M%S}.md",
            text=support_bundle(
                attempt,
                trace,
                self._similar(attempt, scope),
                rule=self.starts.rule_for(scope),
                made_at=made_at,
                alerts=self._alerts(attempt),
            ),
        )

    def _alerts(self, attempt: StartAttempt) -> Listing[Alert] | None:
        if self.alerts is None or attempt.sandbox is None:
            return None
        return self.alerts(attempt.sandbox)

    def _similar(self, attempt: StartAttempt, scope: Scope) -> Similar | None:
        until = attempt.entry.created_at + timedelta(microseconds=1)
        since = until - SIMILAR_WITHIN
        found = self.starts.groups(
            Query(EntryFilter(), scope, TimeRange(since=since, until=until)),
            Spans(since=since, until=until),
            MAX_GROUPS,
        )
        group = next((item for item in found.largest if _belongs(attempt, item)), None)
        return None if group is None else Similar(group=group, since=since)


def _belongs(attempt: StartAttempt, group: FailureGroup) -> bool:
    key, entry = group.key, attempt.entry
    message = entry.error_message or ""
    template = template_of(message) if attempt.outcome.value == "failed" else ""
    return (key.template, key.action, key.status_code, key.outcome) == (
        template,
        entry.action,
        entry.status_code,
        attempt.outcome,
    )
