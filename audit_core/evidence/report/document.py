"""A report as one HTML file: no scripts, nothing fetched, good on paper.

All text of the log goes through the templates, which escape it; the file's own content security
policy refuses everything but the style that stands in it.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC
from functools import cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from audit_core.domain.entries import AuditEntry
from audit_core.domain.terminal_text import printable_lines
from audit_core.evidence.coverage.catalogue import GAPS
from audit_core.evidence.download import name_part
from audit_core.evidence.report import drawing
from audit_core.evidence.report.content import MAX_GROUPS, Report
from audit_core.explore.presentation.metrics import compared_with, metrics_of
from audit_core.explore.presentation.outcome_colors import COLOR_OF_OUTCOME
from audit_core.identity.memberships import Grants
from audit_core.query.time.windows import UTC_NAME, written

MEDIA_TYPE = "text/html"
EXTENSION = "html"

MAX_NAME = 120
"""Characters that are shown of a name, such as that of an actor or a target."""
MAX_TEXT = 400
"""Characters that are shown of a message, or of metadata."""

NO_ACCESS = (
    "Left out: whoever made this report may not see who has access (read:access_record), or it is "
    "about several organizations."
)

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A report as a file."""

    name: str
    content: bytes
    """UTF-8."""
    fingerprint: str
    """SHA-256, in hexadecimal, of the part from the line `<main>` to the line `</main>`, each with
    its line end."""

    @property
    def sha256(self) -> str:
        """Of the whole file, in hexadecimal."""
        return sha256(self.content).hexdigest()


def render(report: Report) -> Document:
    """The report as a file. Its size is bounded by what a `Report` may list."""
    environment = _environment(report.entry_filter.window.zone)
    content = environment.get_template("content.html").render(
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
        message=lambda entry: _cut(entry.error_message or "", MAX_TEXT),
        metadata=lambda entry: _cut(entry.metadata or "", MAX_TEXT),
    )
    main = content[content.index("<main>") :].strip()
    fingerprint = sha256(f"{main}\n".encode()).hexdigest()
    style = _style(fingerprint)
    page = environment.get_template("page.html").render(
        report=report,
        # The templates have escaped the one, and the other is a file of ours.
        content=Markup(main),  # noqa: S704
        style=Markup(style),  # noqa: S704
        style_hash=_hash_source(style),
        fingerprint=fingerprint,
    )
    return Document(name=_file_name(report), content=page.encode(), fingerprint=fingerprint)


def _environment(zone: str) -> Environment:
    """What fills the templates: it escapes whatever is put in, and fails for what is missing."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "name": lambda text: _cut(text, MAX_NAME) or "(empty)",
        "long": lambda text: _cut(text, MAX_TEXT),
        "shown": printable_lines,
        "count": lambda number: f"{number:,}",
        "number": lambda number: f"{number:.2f}".rstrip("0").rstrip("."),
        "time": lambda instant: written(instant, zone),
        "minute": lambda instant: written(instant, zone, "minutes"),
        "utc": lambda instant: f"{written(instant, UTC_NAME)} UTC",
        "moment": lambda instant: written(instant, UTC_NAME, "minutes") if instant else "never",
        "grants": _grants,
        "target": _target,
        "status": lambda entry: (
            entry.outcome.label if not entry.status_code else str(entry.status_code)
        ),
    }
    return environment


def _cut(text: str, limit: int) -> str:
    """The text with what turns it around or hides in it written out; at most `limit` characters."""
    shown = printable_lines(text)
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"


def _target(entry: AuditEntry) -> str:
    parts = (entry.target_type or "", entry.target_id or "")
    return " ".join(_cut(part, MAX_NAME) for part in parts if part) or "–"


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


@cache
def _css() -> str:
    return (_TEMPLATES / "report.css").read_text(encoding="utf-8").strip()


def _style(fingerprint: str) -> str:
    """The style, with a foot of each page on paper that tells which report it is from."""
    foot = f'content: "Fingerprint {fingerprint[:16]}…"; font: 8pt sans-serif; color: #535d69;'
    return f"{_css()}\n@page {{ @bottom-left {{ {foot} }} }}"


def _hash_source(text: str) -> str:
    """What a content security policy names a text by."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
