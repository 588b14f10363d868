"""What a digest says. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from audit_core.domain.alerts.level import Level
from audit_core.domain.redaction import redact_text
from audit_core.notify.formats.texts import cut, more


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestAlert:
    """One alert that somebody still has to work off."""

    number: int
    level: Level
    sentence: str
    """What happened; it may hold text of the log."""
    path: str
    """The app's page of the alert, without the host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """The alerts of one organization."""

    organization: str
    """Its name."""
    open_by_level: Mapping[Level, int]
    """How many somebody still has to work off; levels without any are left out."""
    raised: int
    closed: int
    """How many were raised, and closed, since the digest before."""
    alerts: tuple[DigestAlert, ...]
    """The first of the open ones, by level and age."""


DigestOf = Callable[[Connection, str, datetime, datetime], Digest]
"""The digest of the organization with an id, of what was from one moment to another one."""


def digest_subject(digest: Digest) -> str:
    """One line without text of the log."""
    number = sum(digest.open_by_level.values())
    noun = "alert" if number == 1 else "alerts"
    return f"{number or 'No'} open {noun}, {digest.raised:,} new since yesterday"


def digest_body(digest: Digest, public_url: str) -> str:
    """The text of the mail."""
    levels = ", ".join(
        f"{number:,} {level.value}"
        for level, number in sorted(digest.open_by_level.items(), key=lambda item: -item[0].rank)
    )
    parts = [
        f"{cut(digest.organization)}: {f'open are {levels}' if levels else 'no alert is open'}. "
        f"Since yesterday {digest.raised:,} {'was' if digest.raised == 1 else 'were'} raised, "
        f"{digest.closed:,} closed."
    ]
    for one in digest.alerts:
        heading = f"{one.level.value.capitalize()} · Alert {one.number}"
        lines = [heading, cut(redact_text(one.sentence))]
        parts.append("\n".join([*lines, *([f"{public_url}{one.path}"] if public_url else [])]))
    left = sum(digest.open_by_level.values()) - len(digest.alerts)
    if left > 0:
        parts.append(more(left))
    parts.append("You get this because you asked for it on your profile page; there it ends too.")
    return "\n\n".join(parts)
