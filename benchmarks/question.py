"""A question that is measured, and what it is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from audit_core.explore.reader import Reader
from audit_core.query.keyset import Cursor
from audit_core.query.time.windows import Window

PAGE = 25
MOST = 100_000
TEXT = "no space left"

PAGE_MS, HISTORY_MS, OTHER_MS, FACETS_MS, VIEW_MS = 30.0, 50.0, 150.0, 400.0, 500.0
"""What a statement may take, warm, at ten million entries on two cores."""

WEEK, MONTHS, ALL = (Window(preset=preset, zone=zone) for preset, zone in (
    ("7d", "UTC"), ("90d", "Europe/Berlin"), ("all", "UTC"),
))  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the questions are about, looked up in the log that is measured."""

    organization_id: str
    target_id: str
    """The target with the most entries."""
    sandbox_id: str
    """A target with as many entries as most have."""
    actor: str
    """The e-mail address of the most active person."""
    person_id: str
    """Of a person with tens of thousands of entries."""
    earliest: datetime
    deep: Cursor
    """A place in the middle of the log."""
    last_seq: int
    entry_id: str
    entry_at: datetime


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a page asks, and SQL that a person would write for the same answer."""

    name: str
    ask: Callable[[Reader], object]
    """The whole way: every statement that it takes, limits, Arrow, and the answer's objects."""
    target_ms: float | None
    """How fast it must be at ten million entries on the embedded engine; `None`: a download or a
    command asks it, no page."""
    by_hand: dict[str, str]
    """SQL by engine."""
