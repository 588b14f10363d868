"""When a message is sent again, and when it is given up: by the Standard Webhooks text. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

WAITS = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""How long after the last attempt each one is made; the first at once."""

SLOW_DOWN = frozenset({429, 502, 504})
"""Statuses by which a receiver asks for less."""
GONE = 410
REST = timedelta(minutes=1)
"""How long a receiver is left alone that asks for less, or hangs, and does not say how long."""
LONGEST_REST = timedelta(hours=24)
"""However long a receiver asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The receiver has the message."""

    answer: str
    """What it said, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The receiver does not have the message, or did not say so."""

    problem: str
    """A sentence for people."""
    gone: bool = False
    """Whether the receiver wants nothing any more."""
    rest: timedelta | None = None
    """For how long nothing at all may be sent to it; `None`: it asked for nothing."""


Outcome = Delivered | Failed


def outcome_of(status: int, retry_after: str | None, now: datetime) -> Outcome:
    """What an HTTP answer means: 2xx is success, and nothing else. `retry_after`: the header."""
    if 200 <= status < 300:
        return Delivered(answer=f"It answered {status}.")
    if 300 <= status < 400:
        return Failed(problem=f"It answered {status}; redirects are not followed.")
    if status == GONE:
        return Failed(problem="It answered 410: it wants no more messages.", gone=True)
    asked = rest_asked_for(retry_after, now)
    if asked is None and status in SLOW_DOWN:
        asked = REST
    return Failed(problem=f"It answered {status}.", rest=asked)


def rest_asked_for(retry_after: str | None, now: datetime) -> timedelta | None:
    """How long a `Retry-After` header asks for, at most `LONGEST_REST`; `None` for none that can
    be read."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        seconds = int(text[:9])
        return min(timedelta(seconds=seconds), LONGEST_REST)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return min(max(at - now, timedelta(0)), LONGEST_REST)


def next_attempt(attempts: int, rest: timedelta | None, now: datetime) -> datetime | None:
    """When a message is sent again that failed `attempts` times, 1 or more; `None`: never."""
    if attempts >= len(WAITS):
        return None
    return now + max(WAITS[attempts], rest or timedelta(0))
