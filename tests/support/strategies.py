"""Hypothesis strategies for the values of the log and the query, and entries by the thousand."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

from hypothesis import strategies as st

from audit_core.domain.entries import EARLIEST, LATEST, AuditEntry, Category, Outcome
from audit_core.explore.autocomplete.completion import examples
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.keyset import Cursor
from audit_core.query.time.presets import PRESETS
from audit_core.query.time.windows import Window
from audit_core.query.value_filter import NONE

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
"""What the clock of the tests says."""

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Pacific/Apia",
)

CLOCK_CHANGES = [
    datetime(2026, 3, 29, 1, tzinfo=UTC),  # Berlin
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 3, 8, 7, tzinfo=UTC),  # New York
    datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),  # Lord Howe, by half an hour
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
    datetime(2006, 4, 2, 3, 31, tzinfo=UTC),  # St Johns, at one minute past midnight
    datetime(2006, 10, 29, 2, 31, tzinfo=UTC),
    datetime(2011, 12, 30, 10, tzinfo=UTC),  # Apia skipped a day
    datetime(2021, 4, 3, 14, tzinfo=UTC),
]
"""When the clocks of some zone were set."""

ORGANIZATIONS = ("org-alpha", "org-beta", None)
ACTOR_IDS = ("user-1", "user-2", "USER-2", "runner", "o'brien", "-")
ACTOR_EMAILS = ("ann@example.org", "Bob_50%@example.org", "ÄRGER@example.org", "")
ACTIONS = ("create", "delete", "login", "create_ssh_access", "update_quota", "toolbox_read")
ODD_ACTIONS = ("toolboxed", "Create", "toolbox%", "frobnicate")
TARGET_TYPES = ("sandbox", "api_key", "user", None)
TARGET_IDS = ("sb-1", "a%b", "a_b", "axb", "C:\\temp", "it's", "Straße", None)
STATUS_CODES = (None, 0, 100, 200, 204, 302, 399, 400, 404, 499, 500, 599)
MESSAGES = (
    None,
    "Disk 100% full",
    "disk 1000 full",
    "ÄRGER mit _id_",
    "'; DROP TABLE x --",
    "Д\nж",
)
SOURCES = ("cli", "sdk-python", "", None)
IP_ADDRESSES = ("10.0.0.1", "::1", None)
QUERIES = (
    "",
    "action:create -outcome:success",
    "(type:sandbox OR target:none) status:[200 TO 404]",
    "ÄRGER OR actor:runner",
    "NOT ip:10.0.0.0/8 source:*",
    "message:_id_ -actor:ann@example.org",
)
TEXTS = ("%", "_", "'", "\\", "100%", "ärger", "STRAßE", "A_B", "example.ORG", "д", "", "--")

plain_text = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"), max_size=30
)
given_text = plain_text.filter(bool)
instants = st.datetimes(
    EARLIEST.replace(tzinfo=None), LATEST.replace(tzinfo=None), timezones=st.just(UTC)
)
cursors = st.builds(
    Cursor, created_at=instants, seq=st.integers(0, 10**18 - 1), newer=st.booleans()
)


def subsets(values: tuple[Any, ...], *, most: int = 3) -> st.SearchStrategy[tuple[Any, ...]]:
    """Some of the values, often none of them."""
    few = [group for size in range(1, most + 1) for group in combinations(values, size)]
    return st.just(()) | st.sampled_from(few)


@st.composite
def windows(
    draw: st.DrawFn, times: st.SearchStrategy[datetime] = instants, zones: tuple[str, ...] = ZONES
) -> Window:
    """Windows of all three kinds: relative, fixed, open at one end or both."""
    zone = draw(st.sampled_from(zones))
    if draw(st.booleans()):
        return Window(preset=draw(st.sampled_from(tuple(PRESETS))), zone=zone)
    ends = sorted({draw(times), draw(times)})
    since = draw(st.sampled_from((None, ends[0])))
    until = draw(st.sampled_from((None, ends[-1])))
    if since is not None and since == until:
        until = None
    return Window(preset=None, since=since, until=until, zone=zone)


@st.composite
def windows_around_changes(draw):
    """Windows of all lengths that reach into the days around a change of clocks."""
    length = timedelta(minutes=draw(st.sampled_from((2, 30, 100, 600, 1440, 4000, 40000, 999999))))
    change = draw(st.sampled_from(CLOCK_CHANGES))
    since = change - length * draw(st.floats(0, 1)) - timedelta(seconds=draw(st.integers(0, 999)))
    zone = draw(st.sampled_from(ZONES))
    return Window(preset=None, since=since, until=since + length, zone=zone)


def entry_filters(values: st.SearchStrategy[str] = given_text) -> st.SearchStrategy[EntryFilter]:
    """Filters of any values that a URL may carry."""
    several = st.lists(values, max_size=3).map(tuple)
    return st.builds(
        EntryFilter,
        window=windows(),
        actors=several,
        actions=several,
        categories=subsets(tuple(Category)),
        target_types=several,
        targets=several,
        outcomes=subsets(tuple(Outcome)),
        status_codes=st.lists(st.just(0) | st.integers(100, 599), max_size=3).map(tuple),
        sources=several,
        ip_addresses=several,
        text=plain_text,
        query=st.sampled_from([*QUERIES, *(example.text for example in examples())]),
    )


def matching_filters(window: st.SearchStrategy[Window]) -> st.SearchStrategy[EntryFilter]:
    """Filters whose values occur in `sample_entries`, mostly of one or two fields."""
    some = {
        "actors": subsets((*ACTOR_IDS, *ACTOR_EMAILS[:3], "nobody")),
        "actions": subsets((*ACTIONS, *ODD_ACTIONS)),
        "categories": subsets(tuple(Category)),
        "target_types": subsets(("sandbox", "api_key", "user", NONE)),
        "targets": subsets((*TARGET_IDS[:-1], NONE)),
        "outcomes": subsets(tuple(Outcome)),
        "status_codes": subsets(STATUS_CODES[1:]),
        "sources": subsets(("cli", "sdk-python", NONE)),
        "ip_addresses": subsets(("10.0.0.1", "::1", NONE)),
        "text": st.sampled_from(TEXTS),
        "query": st.sampled_from(QUERIES),
    }
    asked = st.sets(st.sampled_from(tuple(some)), max_size=3)
    return asked.flatmap(
        lambda names: st.builds(
            EntryFilter, window=window, **{name: some[name] for name in sorted(names)}
        )
    )


def entry(entry_id: str, **fields: Any) -> AuditEntry:
    """An entry of which only some fields matter."""
    values: dict[str, Any] = {
        "id": entry_id,
        "actor_id": "user-1",
        "actor_email": "ann@example.org",
        "actor_api_key_prefix": None,
        "actor_api_key_suffix": None,
        "organization_id": "org-alpha",
        "action": "create",
        "target_type": "sandbox",
        "target_id": "sb-1",
        "status_code": 200,
        "error_message": None,
        "ip_address": None,
        "user_agent": None,
        "source": None,
        "metadata": None,
        "created_at": NOW - timedelta(hours=1),
    }
    return AuditEntry(**{**values, **fields})


def sample_entries(
    count: int,
    *,
    seed: int = 7,
    since: datetime = NOW - timedelta(days=3),
    until: datetime = NOW,
) -> list[AuditEntry]:
    """Entries of all organizations with values from the tuples above; many share a time."""
    chance = random.Random(seed)  # noqa: S311
    minutes = int((until - since) / timedelta(minutes=1))
    return [
        entry(
            f"entry-{number}",
            actor_id=chance.choice(ACTOR_IDS),
            actor_email=chance.choice(ACTOR_EMAILS),
            organization_id=chance.choice(ORGANIZATIONS),
            action=chance.choice((*ACTIONS, *ODD_ACTIONS)),
            target_type=chance.choice(TARGET_TYPES),
            target_id=chance.choice(TARGET_IDS),
            status_code=chance.choice(STATUS_CODES),
            error_message=chance.choice(MESSAGES),
            source=chance.choice(SOURCES),
            ip_address=chance.choice(IP_ADDRESSES),
            metadata=chance.choice((None, '{"body":{"name":"x"}}')),
            created_at=since + timedelta(minutes=chance.randrange(minutes)),
        )
        for number in range(count)
    ]
