"""Failure groups, suspects and retry chains, on every engine, against plain Python."""

import json
from collections import Counter, defaultdict
from datetime import timedelta
from itertools import pairwise

import pytest

from audit_core.domain.access import Scope
from audit_core.domain.message_template import template_of
from audit_core.domain.redaction import redact_text
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.spans import Spans
from audit_core.query.time.windows import Bounds
from audit_core.starts.attempts_sql import FAILING, SilentRule, StartOutcome
from audit_core.starts.failure_groups_sql import GroupKey
from audit_core.starts.reader import StartsReader
from audit_core.starts.retries_sql import LONGEST_PAUSE, Ending
from tests.support.plain_starts import plain_attempts
from tests.support.start_entries import SINCE, life_entries
from tests.support.strategies import NOW

ALPHA = Scope(organization_id="org-alpha")
ALWAYS = Bounds(since=None, until=None)
RULE = SilentRule()
SPANS = Spans(since=SINCE, until=NOW, number=8)
ENTRIES = life_entries(400, seed=5)
STRANGERS = life_entries(150, seed=6, organization_id="org-beta")
ATTEMPTS = plain_attempts(ENTRIES, RULE)


def key_of(attempt):
    failed = attempt.outcome == "failed"
    return GroupKey(
        template=template_of(redact_text(attempt.entry.error_message or "")) if failed else "",
        action=attempt.entry.action,
        status_code=attempt.entry.status_code,
        outcome=StartOutcome(attempt.outcome),
    )


FAILURES = [each for each in ATTEMPTS.values() if each.outcome in FAILING]
MEMBERS = defaultdict(list)
for failure in FAILURES:
    MEMBERS[key_of(failure).fingerprint].append(failure)


@pytest.fixture(scope="module")
def reader(new_log):
    log = new_log()
    log.append([*ENTRIES, *STRANGERS])
    return StartsReader(log, RULE)


def test_groups_are_those_of_a_plain_reading(reader):
    found = reader.groups(Query(EntryFilter(), ALPHA, ALWAYS), SPANS, limit=200)
    assert not found.truncated
    assert {each.key.fingerprint for each in found.largest} == set(MEMBERS)
    assert [each.count for each in found.largest] == sorted(map(len, MEMBERS.values()))[::-1]
    for group in found.largest:
        members = MEMBERS[group.key.fingerprint]
        times = [each.entry.created_at for each in members]
        assert group.count == len(members) == sum(group.over_time)
        assert (group.first, group.last) == (min(times), max(times))
        assert group.sandboxes == len({each.sandbox for each in members} - {None})
        assert group.actors == len({each.entry.actor for each in members})
        assert group.over_time == tuple(
            sum(min(7, (time - SINCE) // SPANS.width) == number for time in times)
            for number in range(8)
        )
        assert "abcdef12345" not in group.example


def test_only_the_largest_groups_are_given_and_the_rest_is_told(reader):
    found = reader.groups(Query(EntryFilter(), ALPHA, ALWAYS), SPANS, limit=3)
    assert len(found.largest) == 3
    assert found.truncated


def test_groups_are_the_same_for_who_may_see_secrets(reader):
    revealed = Scope(organization_id="org-alpha", secrets=True)
    found = reader.groups(Query(EntryFilter(), revealed, ALWAYS), SPANS, limit=200)
    assert {each.key.fingerprint for each in found.largest} == set(MEMBERS)
    assert any("abcdef12345" in each.example for each in found.largest)


def test_members_of_a_group_are_given_newest_first(reader):
    key = max(map(key_of, FAILURES), key=lambda each: len(MEMBERS[each.fingerprint]))
    expected = sorted(
        MEMBERS[key.fingerprint], key=lambda each: each.entry.created_at, reverse=True
    )
    found, more = reader.group_members(Query(EntryFilter(), ALPHA, ALWAYS), key, 500)
    assert [each.entry.id for each in found] == [each.entry.id for each in expected]
    assert not more
    found, more = reader.group_members(Query(EntryFilter(), ALPHA, ALWAYS), key, 1)
    assert [each.entry.id for each in found] == [expected[0].entry.id]
    assert more


def test_first_seen_looks_at_all_that_was_before(reader):
    before = SINCE + timedelta(hours=4)
    expected = {}
    for failure in FAILURES:
        at = failure.entry.created_at
        if failure.outcome == "failed" and at < before:
            key = key_of(failure).fingerprint
            expected[key] = min(at, expected.get(key, at))
    assert reader.first_seen(ALPHA, before) == expected


def traits_of(attempt):
    entry = attempt.entry
    source = entry.metadata
    if entry.action != "create":
        made = [
            each.metadata
            for each in ENTRIES
            if each.action == "create"
            and each.target_type == "sandbox"
            and each.target_id == attempt.sandbox
            and 200 <= (each.status_code or 0) < 300
        ]
        source = max(made, default=None)
    body = json.loads(source)["body"] if source else {}
    key = (entry.actor_api_key_prefix or "", entry.actor_api_key_suffix or "")
    return {
        "snapshot": body.get("snapshot", ""),
        "region": body.get("target", ""),
        "size": f"{body['cpu']} CPU, 4 GiB" if body else "",
        "client": entry.source or "",
        "version": entry.user_agent or "",
        "key": "…".join(key) if any(key) else "",
        "person": entry.actor,
        "hour": f"{entry.created_at.hour:02d}:00",
    }


@pytest.mark.parametrize("action", ["create", "start"])
def test_suspects_count_values_of_failures_and_of_successes(reader, action):
    key = max(
        (key_of(each) for each in FAILURES if each.entry.action == action),
        key=lambda each: len(MEMBERS[each.fingerprint]),
    )
    failed, started = Counter(), Counter()
    members = MEMBERS[key.fingerprint]
    successes = [
        each
        for each in ATTEMPTS.values()
        if each.outcome == "started" and each.entry.action == action
    ]
    for counts, attempts in ((failed, members), (started, successes)):
        for attempt in attempts:
            counts.update(traits_of(attempt).items())
    found = reader.suspects(Query(EntryFilter(), ALPHA, ALWAYS), key)
    assert (found.failed, found.started) == (len(members), len(successes))
    assert {(each.trait, each.value): each.failed for each in found.values} == failed
    for each in found.values:
        assert each.started == started[each.trait, each.value]


def plain_chains():
    lives = defaultdict(list)
    for attempt in sorted(ATTEMPTS.values(), key=lambda each: each.entry.created_at):
        if attempt.sandbox is not None:
            lives[attempt.sandbox].append(attempt)
    for sandbox, attempts in lives.items():
        chain = attempts[:1]
        for one, other in [*pairwise(attempts), (attempts[-1], None)]:
            pause = other and other.entry.created_at - one.entry.created_at
            if other is None or one.outcome == "started" or pause > LONGEST_PAUSE:
                if len(chain) > 1 and any(each.outcome in FAILING for each in chain):
                    yield sandbox, chain
                chain = []
            chain.append(other)


def test_retry_chains_are_those_of_a_plain_reading(reader):
    expected = {(sandbox, chain[0].entry.created_at): chain for sandbox, chain in plain_chains()}
    found, more = reader.retries(Query(EntryFilter(), ALPHA, ALWAYS), 500)
    assert not more
    assert len(expected) > 10
    assert {(each.sandbox, each.first) for each in found} == set(expected)
    assert [each.last for each in found] == sorted((each.last for each in found), reverse=True)
    for each in found:
        chain = expected[each.sandbox, each.first]
        assert each.attempts == len(chain)
        assert each.last == chain[-1].entry.created_at
        assert each.failing == sum(one.outcome in FAILING for one in chain)
        failed = [one for one in chain if one.outcome == "failed"]
        assert each.errors == len({key_of(one).template for one in failed})
        assert each.people == len({one.entry.actor for one in chain})
        assert each.clients == len(
            {one.entry.user_agent or one.entry.source or "" for one in chain}
        )
        assert (each.ending is Ending.STARTED) == (chain[-1].outcome == "started")
        assert each.lost >= each.last - each.first
    assert {each.ending for each in found} == set(Ending)
