"""The content of the morning digest: what a member wants to know before the day begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from audit_core.detect.alerts.alert import Alert, sentence_of
from audit_core.detect.alerts.reading import (
    alert_waiting_longest,
    alerts_closed,
    alerts_raised,
    open_by_level,
)
from audit_core.domain.alerts.level import Level
from audit_core.domain.redaction import redact_text
from audit_core.query.time.windows import length, written

MAX_NEW = 20
"""How many new alerts a digest names."""
PERIOD = timedelta(days=1)
"""How far back it looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What happened to the alerts of an organization."""

    since: datetime
    until: datetime
    new: tuple[Alert, ...]
    """Those raised in between and not withdrawn, the highest level first, at most `MAX_NEW`."""
    more_new: int
    """How many more there were."""
    open: Mapping[Level, int]
    """How many wait now, the highest level first."""
    oldest: Alert | None
    """The one that waits longest; `None`: none waits."""
    closed: int
    """How many persons closed in between."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell: nothing is new, waits, or was closed."""
        return not (self.new or self.open or self.closed)


def read_digest(connection: Connection, organization_id: str, *, now: datetime) -> Digest:
    """The digest of the `PERIOD` before `now`."""
    since = now - PERIOD
    return digest_of(
        raised=alerts_raised(connection, organization_id, since=since),
        waiting=open_by_level(connection, organization_id),
        oldest=alert_waiting_longest(connection, organization_id),
        closed=alerts_closed(connection, organization_id, since=since),
        since=since,
        until=now,
    )


def digest_of(
    *,
    raised: Sequence[Alert],
    waiting: Mapping[Level, int],
    oldest: Alert | None,
    closed: int,
    since: datetime,
    until: datetime,
) -> Digest:
    """What reads found, as a digest: pure. `raised` may hold withdrawn ones."""
    standing = [one for one in raised if one.withdrawn_at is None]
    ordered = sorted(standing, key=lambda one: (-one.level.rank, one.number))
    return Digest(
        since=since,
        until=until,
        new=tuple(ordered[:MAX_NEW]),
        more_new=max(0, len(ordered) - MAX_NEW),
        open=waiting,
        oldest=oldest,
        closed=closed,
    )


def subject(digest: Digest) -> str:
    """The subject of a mail. Holds no text of the log."""
    new = len(digest.new) + digest.more_new
    waiting = sum(digest.open.values())
    return f"Alerts: {new:,} new, {waiting:,} open"


def text(digest: Digest, zone: str) -> str:
    """The digest as plain text, times in the zone. Holds text of the log without secrets, in lines
    of their own; never to be read as markup."""
    lines = [
        f"From {written(digest.since, zone, 'minutes')} "
        f"to {written(digest.until, zone, 'minutes')} ({zone})",
        "",
    ]
    lines += _of_new(digest)
    counts = ", ".join(f"{count:,} {level.value}" for level, count in digest.open.items())
    lines += ["", f"Open now: {counts or 'none'}."]
    if digest.oldest is not None:
        waits = length(max(digest.until - digest.oldest.raised_at, timedelta(0)))
        lines += [f"Open longest, for {waits}:", f"  {_line(digest.oldest)}"]
    lines += [f"Closed: {digest.closed:,}."]
    return "\n".join(lines)


def _of_new(digest: Digest) -> list[str]:
    if not digest.new:
        return ["No new alerts."]
    new = len(digest.new) + digest.more_new
    lines = [f"{new:,} new {'alert' if new == 1 else 'alerts'}:"]
    lines += [f"  {_line(one)}" for one in digest.new]
    return [*lines, f"  and {digest.more_new:,} more"] if digest.more_new else lines


def _line(one: Alert) -> str:
    line = redact_text(sentence_of(one))
    return f"#{one.number} {one.level.value}: {' '.join(line.split())}"
