"""Notices of alerts, channels that are told of them, and random ones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from audit_core.domain.alerts.level import Level
from audit_core.notify.notice import Notice, NoticeKind

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
TARGETS = ("sandbox", "snapshot", "user", "volume")


def a_notice(number: int = 1, **changed: Any) -> Notice:
    """A notice about the alert with a number."""
    told: dict[str, Any] = {
        "alert_id": f"{number:032x}",
        "number": number,
        "kind": NoticeKind.RAISED,
        "rule_id": "f2f1c4d0-0000-4000-8000-000000000001",
        "rule_title": "Sandboxes deleted en masse",
        "level": Level.HIGH,
        "target_types": ("sandbox",),
        "sentence": "ada@example.com deleted 12 sandboxes within 10 minutes.",
        "group": {"user": "ada@example.com"},
        "count": 12,
        "first_at": AT,
        "last_at": AT,
        "at": AT,
        "reason": None,
        "path": f"/alerts?alert={number:032x}",
    }
    return Notice(**{**told, **changed})


def notices() -> st.SearchStrategy[Notice]:
    """Random ones, with text that nobody would write."""
    times = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)).map(  # noqa: DTZ001
        lambda time: time.replace(tzinfo=UTC)
    )
    return st.builds(
        a_notice,
        st.integers(1, 10**9),
        kind=st.sampled_from(NoticeKind),
        rule_id=st.sampled_from(("rule-a", "rule-b")),
        rule_title=st.text(max_size=100),
        level=st.sampled_from(Level),
        target_types=st.lists(st.sampled_from(TARGETS), unique=True, max_size=3).map(tuple),
        sentence=st.text(max_size=2000),
        group=st.dictionaries(st.text(max_size=30), st.text(max_size=300), max_size=4),
        count=st.integers(1, 10**12),
        first_at=times,
        last_at=times,
        at=times,
        reason=st.none() | st.text(max_size=500),
    )
