"""Traces of sandboxes and lists of targets, on every engine, against plain Python."""

from collections import Counter, defaultdict
from datetime import timedelta

import pytest

from audit_core.domain.access import Scope
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from audit_core.starts.attempts_sql import FAILING, SilentRule
from audit_core.starts.reader import StartsReader
from audit_core.starts.traces.trace_reader import TracesReader
from tests.support.plain_starts import LIFECYCLE, Reading, name_of, plain_attempts
from tests.support.start_entries import IDS, SINCE, life_entries
from tests.support.strategies import NOW, entry

ALPHA = Scope(organization_id="org-alpha")
ALWAYS = TimeRange(since=None, until=None)
RULE = SilentRule()
ENTRIES = life_entries(260, seed=8)
STATES = {
    **dict.fromkeys(("create", "start", "recover"), "started"),
    **dict.fromkeys(("stop", "auto_stop"), "stopped"),
    "delete": "deleted",
}
STRANGERS = life_entries(100, seed=9, organization_id="org-beta")


@pytest.fixture(scope="module")
def log(new_log):
    log = new_log()
    # The latter are too few to be counted.
    log.append([*STRANGERS, *ENTRIES[:160]])
    log.append(ENTRIES[160:])
    return log


@pytest.fixture(scope="module")
def reader(log):
    return TracesReader(log, RULE)


def named_later(number, action, target, *, name=None, status=200, **fields):
    """Something that happens `number` minutes after the beginning."""
    return entry(
        f"named-{number}-{action}",
        organization_id="org-names",
        action=action,
        target_id=target,
        status_code=status,
        metadata=None if name is None else f'{{"body":{{"name":"{name}"}}}}',
        created_at=NOW.replace(hour=1, minute=number),
        **fields,
    )


BORN_TWICE = [
    named_later(0, "create", None, name="amber", status=500, error_message="no runners"),
    named_later(1, "create", "sb-old", name="amber"),
    named_later(2, "start", "amber", status=400, error_message="Sandbox failed to start: x"),
    named_later(3, "toolbox_execute_command", "sb-old"),
    named_later(4, "delete", "sb-old"),
    named_later(10, "create", None, name="amber", status=500, error_message="no runners"),
    named_later(11, "create", "sb-new", name="amber"),
    named_later(12, "stop", "amber"),
]


def test_a_name_that_is_given_twice_leads_to_each_sandbox_in_its_time(new_log):
    log = new_log()
    log.append(BORN_TWICE)
    reader = TracesReader(log, RULE)
    scope = Scope(organization_id="org-names")

    def rows(key):
        trace = reader.trace(key, scope)
        return [(row.entry.created_at.minute, row.by_name) for row in trace.rows]

    old = [(0, True), (1, False), (2, True), (3, False), (4, False)]
    new = [(10, True), (11, False), (12, True)]
    assert rows("sb-old") == old
    assert rows("sb-new") == new
    assert rows("amber") == new
    assert reader.trace("sb-new", scope).name == "amber"


def test_a_name_that_nothing_was_created_with_leads_to_what_asked_for_it(new_log):
    log = new_log()
    log.append(
        [
            named_later(0, "create", None, name="never", status=500),
            named_later(1, "start", "never", status=404),
            named_later(2, "create", None, name="other", status=500),
            named_later(3, "create", None, name="never", status=None),
        ]
    )
    trace = TracesReader(log, RULE).trace("never", Scope(organization_id="org-names"))
    assert [row.entry.created_at.minute for row in trace.rows] == [0, 1, 3]
    assert (trace.sandbox, trace.name) == ("never", None)


def test_nothing_of_another_organization_is_in_a_trace(reader):
    nobody = Scope(organization_id="org-gamma")
    assert reader.trace("sb-1", nobody) is None
    trace = reader.trace("sb-1", ALPHA)
    assert {row.entry.organization_id for row in trace.rows} == {"org-alpha"}


def test_a_trace_that_is_cut_keeps_the_newest_and_says_so(reader):
    whole = reader.trace("sb-1", ALPHA)
    assert not whole.truncated
    cut = reader.trace("sb-1", ALPHA, rows=5)
    assert cut.truncated
    assert [row.seq for row in cut.rows] == [row.seq for row in whole.rows][-5:]


def test_attempts_of_a_trace_are_judged_as_those_of_a_window(new_log):
    entries = [
        item
        for item in life_entries(300, seed=12)
        if item.target_id in (None, "sb-1", "sb-2") and item.target_type == "sandbox"
    ]
    log = new_log()
    log.append(entries)
    window = StartsReader(log, RULE).page(Query(EntryFilter(), ALPHA, ALWAYS), rows=1000).attempts
    reader = TracesReader(log, RULE)
    for sandbox in ("sb-1", "sb-2"):
        own = {
            item.entry.id: (item.outcome, item.next_action, item.next_at)
            for item in window
            if item.entry.target_id == sandbox
        }
        found = {
            item.entry.id: (item.outcome, item.next_action, item.next_at)
            for item in reader.trace(sandbox, ALPHA).attempts
            if item.entry.target_id == sandbox
        }
        assert {key: value[0] for key, value in found.items()} == {
            key: value[0] for key, value in own.items()
        }


def plain_targets():
    reading = Reading(ENTRIES, RULE)
    found = defaultdict(list)
    for item in reading.told:
        target = item.target_id
        if item.action in LIFECYCLE:
            resolved, by_name = reading.sandbox_of(item)
            target = resolved if by_name or target is None else target
        if target is not None:
            found[target].append(item)
    return found


def test_sandboxes_are_listed_by_failed_starts_then_by_last_activity(reader):
    failing, suspected = Counter(), Counter()
    for attempt in plain_attempts(ENTRIES, RULE).values():
        failing[attempt.sandbox] += attempt.outcome in FAILING
        suspected[attempt.sandbox] += attempt.outcome == "suspected"
    expected = {
        target: (
            len(entries),
            max(item.created_at for item in entries),
            failing[target],
            suspected[target],
        )
        for target, entries in plain_targets().items()
    }
    found = reader.targets(Query(EntryFilter(), ALPHA, ALWAYS), rows=1000).targets
    assert {
        item.target: (item.entries, item.last, item.failing, item.suspected) for item in found
    } == expected
    order = [(-item.failing, -item.last.timestamp()) for item in found]
    assert order == sorted(order)


def test_a_sandbox_is_listed_with_its_name_and_with_what_was_last_done_to_it(reader):
    names, last = {}, {}
    for item in sorted(ENTRIES, key=lambda item: item.created_at):
        if item.target_type != "sandbox" or not 200 <= (item.status_code or 0) < 300:
            continue
        if item.action in LIFECYCLE and item.target_id is not None:
            last[item.target_id] = item
            if item.action == "create" and name_of(item):
                names.setdefault(item.target_id, name_of(item))
    expected = {
        target: (names.get(target), STATES.get(last[target].action) if target in last else None)
        for target in plain_targets()
    }
    assert {*names} == {*IDS}
    found = reader.targets(Query(EntryFilter(), ALPHA, ALWAYS), rows=1000).targets
    assert {item.target: (item.name, item.state) for item in found} == expected
    lately = TimeRange(since=SINCE + timedelta(hours=5), until=None)
    for item in reader.targets(Query(EntryFilter(), ALPHA, lately), rows=1000).targets:
        assert (item.name, item.state) == expected[item.target]


def test_pages_of_targets_give_each_once(reader):
    whole = [
        item.target
        for item in reader.targets(Query(EntryFilter(), ALPHA, ALWAYS), rows=1000).targets
    ]
    found, after = [], None
    while True:
        page = reader.targets(Query(EntryFilter(), ALPHA, ALWAYS), after=after, rows=2)
        found += [item.target for item in page.targets]
        if page.following is None:
            break
        after = page.following
    assert found == whole


def test_targets_of_other_types_are_listed_too(reader):
    expected = Counter(
        item.target_id for item in ENTRIES if item.target_type == "volume" and item.target_id
    )
    page = reader.targets(Query(EntryFilter(), ALPHA, ALWAYS), target_type="volume", rows=1000)
    assert {item.target: item.entries for item in page.targets} == expected


@pytest.mark.parametrize("searched", ["sb-", "sb-1", "bas", "amber", "nothing", "%", "_"])
def test_a_sandbox_is_found_by_its_id_the_beginning_of_it_or_a_name(reader, searched):
    named = {
        item.target_id
        for item in ENTRIES
        if item.action == "create"
        and item.target_type == "sandbox"
        and 200 <= (item.status_code or 0) < 300
        and (name_of(item) or "").startswith(searched)
    }
    expected = {
        target for target in plain_targets() if target.startswith(searched) or target in named
    }
    page = reader.targets(Query(EntryFilter(), ALPHA, ALWAYS), searched=searched, rows=1000)
    assert {item.target for item in page.targets} == expected


def test_what_was_never_created_is_listed_by_the_name_it_was_asked_for_with(new_log):
    log = new_log()
    log.append(
        [
            named_later(0, "create", None, name="never", status=500, error_message="no runners"),
            named_later(1, "create", None, name="never", status=500, error_message="no runners"),
            named_later(2, "create", None, name="asked", status=None),
            named_later(3, "create", None, name="again", status=400),
            named_later(4, "create", "sb-again", name="again"),
        ]
    )
    reader, scope = TracesReader(log, RULE), Scope(organization_id="org-names")
    query = Query(EntryFilter(), scope, ALWAYS)
    listed = {item.target: item for item in reader.targets(query).targets}
    assert {key: (item.state, item.entries, item.failing) for key, item in listed.items()} == {
        "never": ("never_created", 2, 2),
        "asked": ("creating", 1, 0),
        "sb-again": ("started", 2, 1),
    }
    (found,) = reader.targets(query, searched="nev").targets
    assert found.target == "never"
    first = reader.targets(query, rows=1)
    assert [item.target for item in reader.targets(query, after=first.following).targets] == [
        "sb-again",
        "asked",
    ]
    trace = reader.trace("never", scope)
    assert [band.state.value for band in trace.bands] == ["never_created"]
    trace = reader.trace("sb-again", scope)
    assert [band.state.value for band in trace.bands] == ["creating", "started"]
