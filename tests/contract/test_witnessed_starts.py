"""Attempts to start with state changes beside them, on every engine, against plain Python."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from audit_core.domain.access import Scope
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.spans import Spans
from audit_core.query.time.windows import TimeRange
from audit_core.starts.attempts_sql import SilentRule, StartOutcome
from audit_core.starts.reader import StartsReader
from audit_core.starts.traces.trace_reader import TracesReader
from tests.support.plain_starts import plain_attempts
from tests.support.start_entries import SINCE, life_changes, life_entries
from tests.support.strategies import NOW, entry

ALPHA = Scope(organization_id="org-alpha")
ALWAYS = TimeRange(since=None, until=None)
RULE = SilentRule()
ENTRIES = life_entries(220)
CHANGES = life_changes(300, seed=31)
FOREIGN = life_changes(300, seed=6, organization_id="org-beta")


@pytest.fixture(scope="module")
def log(new_log):
    log = new_log()
    log.append([*ENTRIES, *life_entries(220, seed=4, organization_id="org-gamma")])
    log.state_changes.append([*CHANGES, *FOREIGN])
    return log


def found_by(log, scope=ALPHA, time_range=ALWAYS):
    page = StartsReader(log, RULE).page(Query(EntryFilter(), scope, time_range), rows=1000)
    return {item.entry.id: item for item in page.attempts}


def outcomes_of(found):
    return {key: item.outcome.value for key, item in found.items()}


def expected_of(entries=ENTRIES, changes=CHANGES, **options):
    plain = plain_attempts(entries, RULE, changes=changes, **options)
    return {key: item.outcome for key, item in plain.items()}


def test_what_changes_tell_is_a_fact_and_what_they_do_not_stays_as_it_was(log):
    expected = expected_of()
    without = expected_of(changes=())
    turned = Counter(
        (without[key], expected[key]) for key in expected if without[key] != expected[key]
    )
    assert turned[("started", "failed")] > 3
    assert turned[("suspected", "failed")] == turned[("suspected", "started")] == 2
    found = found_by(log)
    assert outcomes_of(found) == expected
    told = [item for item in found.values() if item.told_failed]
    assert all(item.outcome is StartOutcome.FAILED for item in told)
    assert len(told) == sum(count for pair, count in turned.items() if pair[1] == "failed")
    assert all("by webhook" in item.evidence() for item in told)


def test_changes_of_another_organization_tell_nothing(log):
    gamma = Scope(organization_id="org-gamma")
    entries = life_entries(220, seed=4, organization_id="org-gamma")
    assert outcomes_of(found_by(log, gamma)) == expected_of(entries, ())


def test_who_sees_one_actor_alone_is_told_nothing_that_others_do_not(log):
    own = [item for item in ENTRIES if item.actor_id == "user-1"]
    scope = Scope(organization_id="org-alpha", actor_id="user-1")
    assert outcomes_of(found_by(log, scope)) == expected_of(own, ())


def test_what_comes_after_the_window_tells_too(log):
    until = SINCE + timedelta(hours=3)
    seen = [item for item in ENTRIES if item.created_at < until + timedelta(minutes=35)]
    expected = expected_of(seen, asked=lambda item: item.created_at < until)
    found = found_by(log, time_range=TimeRange(since=SINCE, until=until))
    assert outcomes_of(found) == expected


def test_every_view_counts_the_same_failures(log):
    query = Query(EntryFilter(), ALPHA, ALWAYS)
    reader = StartsReader(log, RULE)
    expected = Counter(expected_of().values())
    spans = Spans(since=SINCE, until=NOW, number=6)
    counts = reader.counts(query, spans)
    assert {outcome.value: sum(numbers) for outcome, numbers in counts.items()} == expected
    groups = reader.groups(query, spans, 100).largest
    failing = expected["failed"] + expected["suspected"]
    assert sum(group.count for group in groups) == failing
    told = [group for group in groups if group.key.told]
    number = sum(item.told_failed for item in found_by(log).values())
    assert sum(group.count for group in told) == number
    assert all("failed later by webhook" in group.key.describe() for group in told)
    members = reader.group_members(query, told[0].key, 100)
    assert len(members.items) == told[0].count
    assert all(item.told_failed for item in members.items)
    targets = TracesReader(log, RULE).targets(query, rows=100).targets
    known = [item for item in plain_attempts(ENTRIES, RULE, changes=CHANGES).values()]
    for target in targets:
        own = [item.outcome for item in known if item.sandbox == target.target]
        assert target.failing == own.count("failed") + own.count("suspected")


def test_a_trace_judges_as_a_window_does(new_log):
    log = new_log()
    # Names that are given to several sandboxes lead to the last one here, and to each there.
    log.append(
        [
            item
            for item in life_entries(300, seed=12)
            if item.target_id in (None, "sb-1", "sb-2") and item.target_type == "sandbox"
        ]
    )
    log.state_changes.append(CHANGES)
    window = found_by(log)
    reader = TracesReader(log, RULE)
    told = Counter()
    for sandbox in ("sb-1", "sb-2"):
        trace = reader.trace(sandbox, ALPHA)
        for attempt in trace.attempts:
            if attempt.entry.target_id != sandbox:
                continue
            other = window[attempt.entry.id]
            found = (attempt.outcome, attempt.told_state, attempt.told_at)
            assert found == (other.outcome, other.told_state, other.told_at)
            told[attempt.told_state] += 1
        expected = [
            item.changed_at
            for item in CHANGES
            if (item.target_type, item.target_id) == ("sandbox", sandbox)
        ]
        assert [change.at for change in trace.witness.changes] == expected
        assert trace.witness.since == CHANGES[0].changed_at
        assert trace.witness.until == CHANGES[-1].changed_at
    assert told[None] > 0 < told["started"] and told["error"] + told["build_failed"] > 2


def test_a_sandbox_that_only_changes_tell_of_has_a_trace(new_log):
    log = new_log()
    log.state_changes.append(CHANGES)
    trace = TracesReader(log, RULE).trace("sb-1", ALPHA)
    assert trace.rows == trace.attempts == () and trace.witness.changes
    assert TracesReader(log, RULE).trace("nothing", ALPHA) is None


def test_without_changes_nothing_is_asked_and_nothing_is_told(new_log):
    log = new_log()
    log.append([entry("a", target_id="sb-1", action="start", created_at=NOW)])
    reader = TracesReader(log, RULE)
    assert reader.trace("sb-1", Scope(organization_id="org-alpha")).witness is None
