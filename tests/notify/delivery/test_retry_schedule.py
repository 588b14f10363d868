"""When a message is sent again: the Standard Webhooks text, as numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.notify.delivery.retry_schedule import (
    LONGEST_REST,
    REST,
    Delivered,
    Failed,
    next_attempt,
    outcome_of,
    rest_asked_for,
)
from tests.support.laws import law

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTES = [5 / 60, 5, 30, 120, 300, 600, 840, 1200, 1440]
"""How long after each failed attempt the next one is made."""


def test_a_message_is_tried_ten_times_at_the_times_of_the_standard() -> None:
    waits = [next_attempt(attempts, None, NOW) for attempts in range(1, 12)]
    expected = [NOW + timedelta(minutes=minutes) for minutes in MINUTES]
    assert waits == [*expected, None, None]


@given(st.integers(100, 599), st.none() | st.text(max_size=30))
@law(300)
def test_only_2xx_is_success_and_only_410_is_the_end(status: int, retry_after: str | None) -> None:
    outcome = outcome_of(status, retry_after, NOW)
    assert isinstance(outcome, Delivered) == (200 <= status <= 299)
    if isinstance(outcome, Failed):
        assert outcome.gone == (status == 410)
        assert str(status) in outcome.problem


@pytest.mark.parametrize("status", [429, 502, 504])
def test_who_asks_for_less_is_left_alone_for_a_while(status: int) -> None:
    assert outcome_of(status, None, NOW) == Failed(problem=f"It answered {status}.", rest=REST)


@given(st.integers(0, 10**12), st.integers(1, 9))
@law(200)
def test_retry_after_is_kept_up_to_a_day_and_never_brings_an_attempt_forward(
    seconds: int, attempts: int
) -> None:
    rest = rest_asked_for(str(seconds), NOW)
    assert rest is not None
    assert rest == min(timedelta(seconds=min(seconds, 10**8)), LONGEST_REST)
    at, alone = next_attempt(attempts, rest, NOW), next_attempt(attempts, None, NOW)
    assert at is not None and alone is not None
    assert at >= alone and at >= NOW + rest


@given(st.timedeltas(-timedelta(days=3), timedelta(days=3)))
@law(100)
def test_retry_after_may_be_a_date(ahead: timedelta) -> None:
    header = format_datetime((NOW + ahead).replace(microsecond=0), usegmt=True)
    rest = rest_asked_for(header, NOW)
    assert rest is not None and timedelta(0) <= rest <= LONGEST_REST
    inside = timedelta(0) <= ahead <= LONGEST_REST
    assert not inside or abs(rest - ahead) < timedelta(seconds=1)


@given(st.text(max_size=40))
@law(200)
def test_a_retry_after_that_nobody_can_read_is_none(header: str) -> None:
    assert rest_asked_for(header, NOW) is None or header.strip()
