"""A check says how many entries there are and how far back they go, in few requests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from audit_core.sources.daytona.check import MAX_REQUESTS, PRECISION, WITHIN_S, Checked, check
from audit_core.sources.daytona.client import Answer, Request
from audit_core.sources.problems import TooManyRequests
from tests.support.daytona_model import DaytonaModel, Row, row_item

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def model(count: int, apart: timedelta) -> DaytonaModel:
    times = [NOW - number * apart for number in range(count)]
    rows = [
        Row(item=row_item(number, 200), created_at=at, visible_at=at, finished_at=at)
        for number, at in enumerate(times)
    ]
    return DaytonaModel(rows=rows, seed=1)


def asking(asked: DaytonaModel) -> Callable[[Request], Answer]:
    def ask(request: Request) -> Answer:
        answered = asked.answer(dict(request.parameters()), asked.key, NOW)
        assert answered.status == 200
        return Answer(body=answered.body, server_time=None)

    return ask


def test_a_short_log_is_known_exactly() -> None:
    asked = model(230, timedelta(hours=1))
    found = check(asking(asked))
    assert found == Checked(total=230, newest=NOW, oldest=NOW - timedelta(hours=229))
    assert asked.requests == 2
    assert found.sentence == (
        "230 entries, the oldest of 2026-11-10, the newest of 2026-11-20 12:00 UTC."
    )
    assert check(asking(model(0, PRECISION))).sentence == "no entries yet."
    assert check(asking(model(1, PRECISION))).oldest == NOW


def test_the_beginning_of_a_long_log_is_known_to_the_day() -> None:
    asked = model(12_000, timedelta(minutes=40))
    found = check(asking(asked))
    assert found.total == 12_000 and found.oldest is not None
    assert abs(found.oldest - (NOW - timedelta(minutes=40 * 11_999))) <= PRECISION
    assert asked.requests <= MAX_REQUESTS


def test_what_is_known_is_said_where_later_requests_fail_or_take_long() -> None:
    asked = model(50, timedelta(hours=1))
    whole = asking(asked)

    def once(request: Request) -> Answer:
        if asked.requests:
            raise TooManyRequests(30)
        return whole(request)

    assert check(once) == Checked(total=50, newest=NOW)
    with pytest.raises(TooManyRequests):
        check(once)
    seconds = iter([0.0, *[WITHIN_S + 1] * 20])
    assert check(whole, elapsed=lambda: next(seconds)) == Checked(total=50, newest=NOW)
