"""A report as one HTML file: no scripts, nothing fetched, good on paper.

All text of the log goes through the templates, which escape it; the file's own content security
policy refuses everything but the style that stands in it.
"""

from __future__ import annotations

from datetime import UTC
from urllib.parse import urlencode

from audit_core.domain.entries import AuditEntry
from audit_core.evidence.coverage.catalogue import GAPS
from audit_core.evidence.download import name_part
from audit_core.evidence.report import drawing
from audit_core.evidence.report.content import MAX_GROUPS, Report
from audit_core.evidence.report.frame import (
    EXTENSION,
    MAX_NAME,
    MAX_TEXT,
    Document,
    cut,
    environment,
    framed,
)
from audit_core.explore.presentation.metrics import compared_with, metrics_of
from audit_core.explore.presentation.outcome_colors import COLOR_OF_OUTCOME
from audit_core.identity.memberships import Grants
from audit_core.query.time.windows import UTC_NAME, written

NO_ACCESS = (
    "Left out: whoever made this report may not see who has access (read:access_record), or it is "
    "about several organizations."
)


def render(report: Report) -> Document:
    """The report as a file. Its size is bounded by what a `Report` may list."""
    made = environment(report.entry_filter.window.zone)
    made.filters |= {
        "grants": _grants,
        "target": _target,
        "status": lambda entry: (
            entry.outcome.label if not entry.status_code else str(entry.status_code)
        ),
    }
    content = made.get_template("content.html").render(
        report=report,
        address=f"/explore?{urlencode(report.entry_filter.to_params(), doseq=True)}",
        heads=_heads(report),
        metrics=metrics_of(report.summary, report.before),
        compared=compared_with(report.entry_filter.window),
        over_time=drawing.over_time(report.histogram),
        actions=drawing.ranked(report.actions),
        actors=drawing.ranked(report.actors),
        errors=drawing.errors(report.errors, MAX_GROUPS),
        failing=drawing.failing(report.failing),
        week=drawing.week(report.hours),
        colors=COLOR_OF_OUTCOME,
        gaps=GAPS,
        no_access=NO_ACCESS,
        message=lambda entry: cut(entry.error_message or "", MAX_TEXT),
        metadata=lambda entry: cut(entry.metadata or "", MAX_TEXT),
    )
    return framed(
        content,
        file_name=_file_name(report),
        title=f"Audit log report: {cut(report.origin.organization, MAX_NAME) or '(empty)'}",
        version=report.origin.version,
    )


def _target(entry: AuditEntry) -> str:
    parts = (entry.target_type or "", entry.target_id or "")
    return " ".join(cut(part, MAX_NAME) for part in parts if part) or "–"


def _grants(grants: Grants) -> str:
    """Each on a line, with its end."""
    lines = [
        name if ends_at is None else f"{name} until {written(ends_at, UTC_NAME, 'minutes')}"
        for name, ends_at in sorted(grants.items())
    ]
    return "\n".join(lines) or "none"


def _heads(report: Report) -> str:
    first, last = report.heads
    if first == last:
        return f"{first:,}"
    return (
        f"{first:,} when this report began, {last:,} when it ended: what came in between may be "
        "in its later parts only"
    )


def _file_name(report: Report) -> str:
    of = name_part(report.origin.organization, "organization")
    title = name_part(report.entry_filter.describe_conditions(), "all")
    ends = (report.since, report.until)
    times = (instant.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ") for instant in ends)
    return f"report_{'_'.join((of, title, *times))}_head-{report.heads[0]}.{EXTENSION}"
