"""Attempts to start, on every engine, against plain Python and against what really happened."""

from collections import Counter
from datetime import timedelta

import pytest

from audit_core.domain.access import Scope
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.spans import Spans
from audit_core.query.time.windows import TimeRange
from audit_core.starts.attempts_sql import FAILING, SilentRule, StartOutcome
from audit_core.starts.reader import StartsReader
from tests.support.plain_starts import plain_attempts
from tests.support.start_entries import SINCE, life_entries
from tests.support.strategies import NOW

ALPHA = Scope(organization_id="org-alpha")
ALWAYS = TimeRange(since=None, until=None)
RULE = SilentRule()

ENTRIES = life_entries(220)
STRANGERS = life_entries(220, seed=4, organization_id="org-beta")


@pytest.fixture(scope="module")
def reader(new_log):
    log = new_log()
    mixed = [item for pair in zip(ENTRIES, STRANGERS, strict=True) for item in pair]
    # The latter are too few to be counted.
    log.append(mixed[:340])
    log.append(mixed[340:])
    return StartsReader(log, RULE)


def found_by(reader, entry_filter=EntryFilter(), scope=ALPHA, time_range=ALWAYS):  # noqa: B008
    page = reader.page(Query(entry_filter, scope, time_range), rows=1000)
    return {
        item.entry.id: (item.sandbox, item.by_name, item.outcome.value) for item in page.attempts
    }


def expected_of(entries, **options):
    return {
        key: (item.sandbox, item.by_name, item.outcome)
        for key, item in plain_attempts(entries, RULE, **options).items()
    }


def test_attempts_and_outcomes_are_those_of_a_plain_reading(reader):
    expected = expected_of(ENTRIES)
    assert {outcome for _, _, outcome in expected.values()} == {*StartOutcome}
    assert Counter(by_name for _, by_name, _ in expected.values())[True] > 5
    assert found_by(reader) == expected


def test_who_sees_one_actor_alone_judges_by_what_that_one_did(reader):
    own = [item for item in ENTRIES if item.actor_id == "user-1"]
    scope = Scope(organization_id="org-alpha", actor_id="user-1")
    assert found_by(reader, scope=scope) == expected_of(own)


def test_a_filter_chooses_attempts_and_not_the_evidence(reader):
    entry_filter = EntryFilter(actions=("create",))
    expected = expected_of(ENTRIES, asked=lambda item: item.action == "create")
    assert found_by(reader, entry_filter) == expected


def test_what_comes_after_the_window_is_evidence_too(reader):
    until = SINCE + timedelta(hours=3)
    seen = [item for item in ENTRIES if item.created_at < until + RULE.within]
    expected = expected_of(seen, asked=lambda item: item.created_at < until)
    assert found_by(reader, time_range=TimeRange(since=SINCE, until=until)) == expected


def test_pages_give_every_attempt_once_in_order(reader):
    expected = [
        key
        for key, item in sorted(
            plain_attempts(ENTRIES, RULE).items(),
            key=lambda pair: pair[1].entry.created_at,
            reverse=True,
        )
        if item.outcome in FAILING
    ]
    found, cursor, back = [], None, None
    while True:
        page = reader.page(
            Query(EntryFilter(), ALPHA, ALWAYS), outcomes=FAILING, cursor=cursor, rows=7
        )
        found += [item.entry.id for item in page.attempts]
        if page.older is None:
            break
        cursor, back = page.older, page.newer
    assert found == expected
    before = reader.page(
        Query(EntryFilter(), ALPHA, ALWAYS), outcomes=FAILING, cursor=page.newer, rows=7
    )
    assert back is not None
    last = len(page.attempts)
    assert [item.entry.id for item in before.attempts] == expected[-last - 7 : -last]


def test_counts_over_time_are_those_of_the_attempts(reader):
    spans = Spans(since=SINCE, until=NOW, number=6)
    counts = reader.counts(Query(EntryFilter(), ALPHA, ALWAYS), spans)
    expected = Counter(item.outcome for item in plain_attempts(ENTRIES, RULE).values())
    assert {outcome.value: sum(numbers) for outcome, numbers in counts.items()} == expected
    assert all(len(numbers) == 6 for numbers in counts.values())


def test_messages_are_redacted_but_for_who_may_see_secrets(reader):
    def messages(scope):
        page = reader.page(Query(EntryFilter(), scope, ALWAYS), rows=1000)
        return {item.entry.error_message for item in page.attempts}

    assert "token=abcdef12345 lost" not in messages(ALPHA)
    assert "token=abcdef12345 lost" in messages(Scope(organization_id="org-alpha", secrets=True))
