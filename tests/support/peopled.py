"""Entries of a few actors who work in sessions, with keys, clients and targets."""

from __future__ import annotations

import random
from datetime import timedelta

from audit_core.domain.entries import AuditEntry
from tests.support.strategies import ACTIONS, NOW, STATUS_CODES, entry

PEOPLE = (
    ("user-1", "ann@example.org"),
    ("user-1", "ann.new@example.org"),
    ("user-2", "Bob_50%@example.org"),
    ("o'brien", "ÄRGER@example.org"),
    ("runner", ""),
    ("-", ""),
)
KEYS = ((None, None), ("dtn_ab", "9f"), ("dtn_ab", None), (None, "x"), ("dtn_cd", "01"))
AGENTS = (None, "", "curl/8", "sdk/1.0")
SOURCES = (None, "", "cli", "sdk-python")
ADDRESSES = (None, "10.0.0.1", "10.0.0.2", "::1", "203.0.113.9")
TARGETS = (None, "sb-1", "sb-2", "sb-3", "a%b", "Straße")
TYPES = (None, "sandbox", "api_key")
PAUSES_MINUTES = (0, 0, 1, 3, 10, 29, 30, 31, 300, 4000)


def worked_entries(count: int = 700, *, seed: int = 5) -> list[AuditEntry]:
    """Entries over some months up to `NOW`, in order of arrival but not of time."""
    chance = random.Random(seed)  # noqa: S311
    instants = {person: NOW - timedelta(minutes=1) for person in PEOPLE}
    made = []
    for number in range(count):
        person = chance.choice(PEOPLE)
        instants[person] -= timedelta(
            minutes=chance.choice(PAUSES_MINUTES), microseconds=chance.choice((0, 1))
        )
        prefix, suffix = chance.choice(KEYS)
        made.append(
            entry(
                f"entry-{number}",
                actor_id=person[0],
                actor_email=person[1],
                actor_api_key_prefix=prefix,
                actor_api_key_suffix=suffix,
                organization_id=chance.choice(("org-alpha", "org-alpha", "org-beta", None)),
                action=chance.choice((*ACTIONS, "rare") if number % 50 == 0 else ACTIONS),
                target_type=chance.choice(TYPES),
                target_id=chance.choice(TARGETS),
                status_code=chance.choice(STATUS_CODES),
                ip_address=chance.choice(ADDRESSES[:3] if number % 20 else ADDRESSES),
                user_agent=chance.choice(AGENTS),
                source=chance.choice(SOURCES),
                created_at=instants[person],
            )
        )
    return made
