"""Failure groups, suspects and retry chains, on every engine, against plain Python."""

import json
from collections import Counter, defaultdict
from datetime import timedelta
from itertools import pairwise

import pytest

from audit_core.domain.access import Scope
from audit_core.domain.addresses import address_key
from audit_core.domain.message_template import template_of
from audit_core.domain.redaction import redact_text
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.spans import Spans
from audit_core.query.time.windows import TimeRange
from audit_core.starts.attempts_sql import FAILING, SilentRule, StartOutcome
from audit_core.starts.failure_groups_sql import GroupKey
from audit_core.starts.reader import StartsReader
from audit_core.starts.retries_sql import LONGEST_PAUSE, Ending
from tests.support.plain_starts import plain_attempts
from tests.support.start_entries import SINCE, SPELLINGS, life_entries
from tests.support.strategies import NOW

ALPHA = Scope(organization_id="org-alpha")
ALWAYS = TimeRange(since=None, until=None)
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


FAILURES = [item for item in ATTEMPTS.values() if item.outcome in FAILING]
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
    assert {item.key.fingerprint for item in found.largest} == set(MEMBERS)
    assert [item.count for item in found.largest] == sorted(map(len, MEMBERS.values()))[::-1]
    for group in found.largest:
        members = MEMBERS[group.key.fingerprint]
        times = [item.entry.created_at for item in members]
        assert group.count == len(members) == sum(group.over_time)
        assert (group.first, group.last) == (min(times), max(times))
        assert group.sandboxes == len({item.sandbox for item in members} - {None})
        assert group.actors == len({address_key(item.entry.actor) for item in members})
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
    assert {item.key.fingerprint for item in found.largest} == set(MEMBERS)
    assert any("abcdef12345" in item.example for item in found.largest)


def test_members_of_a_group_are_given_newest_first(reader):
    key = max(map(key_of, FAILURES), key=lambda item: len(MEMBERS[item.fingerprint]))
    expected = sorted(
        MEMBERS[key.fingerprint], key=lambda item: item.entry.created_at, reverse=True
    )
    members = reader.group_members(Query(EntryFilter(), ALPHA, ALWAYS), key, 500)
    found, more = members.items, members.truncated
    assert [item.entry.id for item in found] == [item.entry.id for item in expected]
    assert not more
    members = reader.group_members(Query(EntryFilter(), ALPHA, ALWAYS), key, 1)
    found, more = members.items, members.truncated
    assert [item.entry.id for item in found] == [expected[0].entry.id]
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
            item.metadata
            for item in ENTRIES
            if item.action == "create"
            and item.target_type == "sandbox"
            and item.target_id == attempt.sandbox
            and 200 <= (item.status_code or 0) < 300
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
        "person": address_key(entry.actor),
        "hour": f"{entry.created_at.hour:02d}:00",
    }


@pytest.mark.parametrize("action", ["create", "start"])
def test_suspects_count_values_of_failures_and_of_successes(reader, action):
    key = max(
        (key_of(item) for item in FAILURES if item.entry.action == action),
        key=lambda item: len(MEMBERS[item.fingerprint]),
    )
    failed, started = Counter(), Counter()
    members = MEMBERS[key.fingerprint]
    successes = [
        item
        for item in ATTEMPTS.values()
        if item.outcome == "started" and item.entry.action == action
    ]
    for counts, attempts in ((failed, members), (started, successes)):
        for attempt in attempts:
            counts.update(traits_of(attempt).items())
    found = reader.suspects(Query(EntryFilter(), ALPHA, ALWAYS), key)
    assert (found.failed, found.started) == (len(members), len(successes))
    assert {compared(item): item.failed for item in found.values} == failed
    for item in found.values:
        assert item.started == started[compared(item)]
        if item.trait == "person" and "@" in item.value:
            assert item.value in SPELLINGS


def compared(item):
    return item.trait, address_key(item.value) if item.trait == "person" else item.value


def plain_chains():
    lives = defaultdict(list)
    for attempt in sorted(ATTEMPTS.values(), key=lambda item: item.entry.created_at):
        if attempt.sandbox is not None:
            lives[attempt.sandbox].append(attempt)
    for sandbox, attempts in lives.items():
        chain = attempts[:1]
        for one, other in [*pairwise(attempts), (attempts[-1], None)]:
            pause = other and other.entry.created_at - one.entry.created_at
            if other is None or one.outcome == "started" or pause > LONGEST_PAUSE:
                if len(chain) > 1 and any(item.outcome in FAILING for item in chain):
                    yield sandbox, chain
                chain = []
            chain.append(other)


def test_retry_chains_are_those_of_a_plain_reading(reader):
    expected = {(sandbox, chain[0].entry.created_at): chain for sandbox, chain in plain_chains()}
    chains = reader.retries(Query(EntryFilter(), ALPHA, ALWAYS), 500)
    found, more = chains.items, chains.truncated
    assert not more
    assert len(expected) > 10
    assert {(item.sandbox, item.first) for item in found} == set(expected)
    assert [item.last for item in found] == sorted((item.last for item in found), reverse=True)
    for item in found:
        chain = expected[item.sandbox, item.first]
        assert item.attempts == len(chain)
        assert item.last == chain[-1].entry.created_at
        assert item.failing == sum(one.outcome in FAILING for one in chain)
        assert item.suspected == sum(one.outcome == "suspected" for one in chain)
        failed = [one for one in chain if one.outcome == "failed"]
        assert item.errors == len({key_of(one).template for one in failed})
        assert item.people == len({address_key(one.entry.actor) for one in chain})
        assert item.clients == len(
            {one.entry.user_agent or one.entry.source or "" for one in chain}
        )
        assert (item.ending is Ending.STARTED) == (chain[-1].outcome == "started")
        assert item.lost >= item.last - item.first
    assert {item.ending for item in found} == set(Ending)
