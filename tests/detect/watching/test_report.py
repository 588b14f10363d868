"""That nothing watches, that a rule fails or does not keep up, is known; what moves is not told."""

from datetime import timedelta

import pytest

from audit_core.detect.watching.ledger import Watermark, begin_watermark
from audit_core.detect.watching.progress import (
    BlindReason,
    BlindTime,
    beat,
    keep_blind_time,
    set_progress,
)
from audit_core.detect.watching.report import SILENT_AFTER, watch_figures, watch_report
from audit_core.log.numbering import Head
from tests.support.strategies import NOW

HEADS = {"a": Head(organization_revision=100), "b": Head(organization_revision=7), "": Head()}
MINUTE = timedelta(minutes=1)


@pytest.fixture
def watched(state):
    with state.begin() as connection:
        beat(connection, NOW)
        for rule_id, revision in (("off", 3), ("far", 40), ("near", 98), ("of no entries", -1)):
            mark = Watermark(rule="0" * 64, revision=revision, looked_at=NOW)
            begin_watermark(connection, "a", rule_id, mark)
        set_progress(connection, "a", "off", off_since=NOW)
    return state


def report(state, at=NOW):
    with state.read() as connection:
        return watch_report(connection, "a", head=100, now=at)


def figures(state, at=NOW):
    with state.read() as connection:
        return watch_figures(connection, HEADS, now=at)


def test_nothing_is_told_while_all_is_well(watched):
    found = report(watched)
    assert found.watches
    assert (found.silent_since, found.failing, found.behind, found.behind_since) == (
        None,
        (),
        0,
        None,
    )
    assert not figures(watched).is_silent
    assert figures(watched).behind_entries == 60


def test_that_no_process_watches(watched):
    later = NOW + SILENT_AFTER
    assert report(watched, later).silent_since == NOW
    assert report(watched, later).behind == 60
    assert not report(watched, later).watches
    assert figures(watched, later).is_silent
    with watched.begin() as connection:
        beat(connection, later)
    found = report(watched, later)
    assert (found.silent_since, found.begun_at, found.behind) == (None, NOW, 0)


def test_that_none_ever_did(state):
    assert figures(state).is_silent
    assert report(state).begun_at is None
    with state.read() as connection:
        assert not watch_figures(connection, {}, now=NOW).is_silent


def test_what_fails_and_what_does_not_keep_up(watched):
    with watched.begin() as connection:
        set_progress(connection, "a", "near", problem="Because.", failing_since=NOW)
        set_progress(connection, "a", "far", behind_since=NOW - MINUTE)
        set_progress(connection, "b", "far", behind_since=NOW)
    found = report(watched)
    assert [(one.rule_id, one.problem) for one in found.failing] == [("near", "Because.")]
    assert (found.behind, found.behind_since) == (60, NOW - MINUTE)
    assert (figures(watched).failing, figures(watched).behind) == (1, 2)


def test_when_a_rule_did_not_watch(watched):
    blind = [
        BlindTime(rule_id="near", reason=BlindReason.OFF, began_at=end - MINUTE, ended_at=end)
        for end in (NOW - timedelta(days=31), NOW - timedelta(days=2), NOW)
    ]
    with watched.begin() as connection:
        for one in blind:
            keep_blind_time(connection, "a", one)
    assert report(watched).blind == (blind[2], blind[1])
