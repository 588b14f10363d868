"""What is said of a source: what it brought lately, and how far its past is read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from audit_core.sources.daytona.checkpoint import (
    EVERYTHING,
    Checkpoint,
    TimeWindow,
    Why,
    write_checkpoint,
)
from audit_core.sources.figures import figures
from audit_core.sources.source import Progress

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
NOTHING = Progress(
    checkpoint=None,
    accepted=0,
    late=0,
    finished=0,
    rejected=0,
    in_flight=0,
    last_minute=0,
    last_success_at=None,
    newest=None,
    problem=None,
    hint=None,
    stopped=False,
    next_try_at=None,
    arrivals=None,
)


def test_what_is_nothing_is_left_out() -> None:
    assert figures(NOTHING, NOW) == ("0 accepted", "0 finished", "0 rejected")


def test_what_came_in_a_minute_that_is_over_is_left_out() -> None:
    lately = replace(NOTHING, last_minute=1_200, last_success_at=NOW - timedelta(seconds=59))
    assert "1,200 a minute" in figures(lately, NOW)
    assert "1,200 a minute" not in figures(lately, NOW + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("windows", "said"),
    [
        ((EVERYTHING,), "the past is being read"),
        (
            (TimeWindow(since=EVERYTHING.since, until=datetime(2026, 3, 1, tzinfo=UTC)),),
            "the past is being read, back to 2026-03-01 so far",
        ),
        ((), None),
        ((TimeWindow(since=NOW, until=NOW, why=Why.NEW),), None),
    ],
    ids=["nothing yet", "back to March", "all of it", "only what is new"],
)
def test_it_says_how_far_the_past_is_read(
    windows: tuple[TimeWindow, ...], said: str | None
) -> None:
    checkpoint = write_checkpoint(Checkpoint(windows=windows))
    found = figures(replace(NOTHING, checkpoint=checkpoint), NOW)
    assert [text for text in found if "past" in text] == ([said] if said else [])
