"""Which alert a finding joins, and what becomes of one whose findings have changed."""

from dataclasses import replace

import pytest

from audit_core.detect.alerts.alert import AlertEventKind, sentence_of
from audit_core.detect.alerts.joining import Figures, alert_to_join, what_happened
from audit_core.detect.watching.changes import HOUR, Found
from audit_core.domain.alerts.alert_state import AlertState, Resolution
from tests.support.alerts import NOON, OPEN_ALERT

CLOSED = replace(
    OPEN_ALERT, state=AlertState.CLOSED, resolution=Resolution.BENIGN, closed_at=NOON + 2 * HOUR
)
WITHDRAWN = replace(CLOSED, resolution=None, count=0, withdrawn_at=NOON + 2 * HOUR)


def found(first, last=None):
    return Found(count=1, first_at=first, last_at=last or first)


@pytest.mark.parametrize(
    "first",
    [NOON + 25 * HOUR, NOON - 24 * HOUR, NOON + HOUR / 2],
    ids=["a day after", "a day before", "within"],
)
def test_a_finding_joins_an_open_alert_within_a_day(first):
    assert alert_to_join([OPEN_ALERT], found(first)) is OPEN_ALERT


@pytest.mark.parametrize(
    "alert", [CLOSED, WITHDRAWN, OPEN_ALERT], ids=["closed", "withdrawn", "far"]
)
def test_it_joins_none_that_is_closed_or_farther_away(alert):
    first = NOON + 26 * HOUR if alert is OPEN_ALERT else NOON
    assert alert_to_join([alert], found(first)) is None


def test_it_joins_the_closest_one():
    later = replace(
        OPEN_ALERT, id="b" * 32, number=8, first_at=NOON + 30 * HOUR, last_at=NOON + 31 * HOUR
    )
    assert alert_to_join([OPEN_ALERT, later], found(NOON + 10 * HOUR)) is OPEN_ALERT
    assert alert_to_join([OPEN_ALERT, later], found(NOON + 20 * HOUR)) is later


@pytest.mark.parametrize(
    ("alert", "figures", "kind"),
    [
        (OPEN_ALERT, Figures(count=3, first_at=NOON, last_at=NOON + HOUR), None),
        (OPEN_ALERT, Figures(count=4, first_at=NOON, last_at=NOON + HOUR), AlertEventKind.GROWN),
        (OPEN_ALERT, None, AlertEventKind.WITHDRAWN),
        (WITHDRAWN, None, None),
        (
            WITHDRAWN,
            Figures(count=3, first_at=NOON, last_at=NOON + HOUR),
            AlertEventKind.RAISED_AGAIN,
        ),
        (
            CLOSED,
            Figures(count=4, first_at=NOON, last_at=NOON + 3 * HOUR),
            AlertEventKind.RAISED_AGAIN,
        ),
        (CLOSED, Figures(count=4, first_at=NOON, last_at=NOON + HOUR), AlertEventKind.GROWN),
    ],
)
def test_what_happens_to_an_alert(alert, figures, kind):
    assert what_happened(alert, figures) == kind


def test_a_sentence_says_who_and_how_often():
    assert sentence_of(OPEN_ALERT) == "Many refusals: actorId ann, 3 entries."
    assert sentence_of(WITHDRAWN) == "Many refusals: actorId ann, no entry any more."
    assert sentence_of(replace(OPEN_ALERT, group={"actorId": ""}, count=1)) == (
        "Many refusals: actorId (empty), 1 entry."
    )
