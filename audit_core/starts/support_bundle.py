"""The support bundle: one Markdown text about a failed start. Pure.

Log text may hold anything: it stands in code blocks only, fenced so that nothing in it can end
the block, with what would turn or hide text written out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from audit_core.detect.alerts.alert import Alert, sentence_of
from audit_core.domain.entries import AuditEntry
from audit_core.domain.listing import Listing
from audit_core.domain.redaction import redact, redact_text
from audit_core.query.time.windows import format_instant
from audit_core.starts.attempt import StartAttempt, length_of
from audit_core.starts.attempts_sql import SilentRule, StartOutcome
from audit_core.starts.failure_groups_sql import FailureGroup
from audit_core.starts.suspicion import explanation
from audit_core.starts.traces.configuration import configuration_at
from audit_core.starts.traces.trace import Trace

MAX_CHARACTERS = 10_000
"""How much of one text of the log is quoted."""

MAX_EARLIER = 20
"""How many earlier attempts are told, the latest ones."""

TITLES = {False: "A sandbox that did not start", True: "A sandbox that seems not to have started"}
"""By whether that is only suspected."""

_RESOURCES = ("cpu", "gpu", "memory", "disk", "target", "snapshot")


@dataclass(frozen=True, slots=True, kw_only=True)
class Similar:
    """Failures like this one."""

    group: FailureGroup
    since: datetime
    """From when on they were counted."""


def support_bundle(
    attempt: StartAttempt,
    trace: Trace | None,
    similar: Similar | None,
    *,
    rule: SilentRule,
    made_at: datetime,
    alerts: Listing[Alert] | None = None,
) -> str:
    """The text about one attempt, judged by the rule. `alerts`: those about the sandbox; `None`
    says nothing of any.

    Secrets are redacted whoever asks, because it leaves the house. Times are UTC. It ends with a
    line break.
    """
    entry = redact(attempt.entry)
    parts = [
        f"# {TITLES[attempt.outcome is StartOutcome.SUSPECTED]}",
        f"Made at {format_instant(made_at)}. All times are UTC. Secrets are redacted.",
        "## The attempt",
        fenced(_lines(_particulars(attempt, entry))),
        "## The message",
        fenced(entry.error_message or "none: the platform answered as if all was well"),
        "## What was asked for",
        fenced(entry.metadata or "nothing is in the log"),
    ]
    if attempt.outcome is StartOutcome.SUSPECTED:
        parts += ["## Why it is suspected", *explanation(rule)]
    if trace is not None:
        parts += _of_trace(attempt, trace)
    if similar is not None:
        parts += _of_similar(similar)
    if alerts is not None:
        parts += _of_alerts(alerts)
    return "\n\n".join(parts) + "\n"


def _particulars(attempt: StartAttempt, entry: AuditEntry) -> dict[str, str]:
    return {
        "time": format_instant(entry.created_at),
        "entry id": entry.id,
        "action": entry.action,
        "outcome": attempt.outcome.label,
        "evidence": attempt.evidence(),
        "status": "none" if entry.status_code is None else str(entry.status_code),
        "sandbox": attempt.sandbox or "unknown",
        "matched by name": "yes" if attempt.by_name else "no",
        "organization": entry.organization_id or "none",
        "by": entry.actor,
        "API key": entry.api_key or "none",
        "client": entry.source or "none said",
        "user agent": entry.user_agent or "none said",
    }


def _of_trace(attempt: StartAttempt, trace: Trace) -> Iterable[str]:
    at = attempt.entry.created_at
    known = configuration_at(trace.changes, at)
    resources = {name: redact_text(known[name]) for name in _RESOURCES if name in known}
    yield "## Snapshot and resources at that time"
    yield fenced(_lines(resources) or "not in the log")
    earlier = [item for item in trace.attempts if item.entry.created_at < at]
    yield "## Earlier attempts on the same sandbox"
    if len(earlier) > MAX_EARLIER or trace.truncated:
        yield f"The last {min(len(earlier), MAX_EARLIER)} of more."
    yield fenced("\n".join(_attempt_line(item) for item in earlier[-MAX_EARLIER:]) or "none")
    if trace.to_first_success is not None:
        yield (
            f"From the first attempt to the first that worked: {length_of(trace.to_first_success)}."
        )


def _attempt_line(attempt: StartAttempt) -> str:
    entry = redact(attempt.entry)
    message = " ".join((entry.error_message or "").split())
    line = (
        f"{format_instant(entry.created_at)}  {entry.action}  {attempt.outcome.label}: "
        f"{attempt.evidence()}  {entry.id}"
    )
    return f"{line}  {message}" if message else line


def _of_similar(similar: Similar) -> Sequence[str]:
    group = similar.group
    return (
        f"## Similar failures since {format_instant(similar.since)}",
        fenced(
            _lines(
                {
                    "grouped because": redact_text(group.key.describe()),
                    "failures": str(group.count),
                    "first": format_instant(group.first),
                    "last": format_instant(group.last),
                    "sandboxes": str(group.sandboxes),
                    "people and keys": str(group.actors),
                    "group": group.key.fingerprint,
                }
            )
        ),
    )


def _of_alerts(alerts: Listing[Alert]) -> Iterable[str]:
    yield "## Alerts about the sandbox"
    if alerts.truncated:
        yield f"The first {len(alerts.items):,} of more, those that are open first."
    yield fenced("\n".join(map(_alert_line, alerts.items)) or "none")


def _alert_line(alert: Alert) -> str:
    came_of_it = alert.state if alert.resolution is None else alert.resolution
    line = (
        f"#{alert.number}  {format_instant(alert.first_at)}  {alert.level.value}  "
        f"{came_of_it.label.lower()}  {sentence_of(alert)}"
    )
    return " ".join(redact_text(line).split())


def _lines(values: Mapping[str, str]) -> str:
    """One line for each; a value that would break its line is put into one."""
    return "\n".join(f"{name}: {' '.join(value.split())}" for name, value in values.items())


def fenced(text: str) -> str:
    """The text as a code block that nothing in it can end."""
    shown = "".join(map(_visible, text[:MAX_CHARACTERS]))
    if len(text) > MAX_CHARACTERS:
        shown += f"\n… the first {MAX_CHARACTERS} of {len(text)} characters"
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{shown}\n{fence}"


def _visible(character: str) -> str:
    if character == "\n":
        return character
    # Other ends of lines, and what turns text round or takes no room.
    if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs"):
        return " " if character == "\t" else f"\\u{{{ord(character):x}}}"
    return character
