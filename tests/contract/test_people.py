from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.access import Denied, Scope
from audit_core.domain.entries import outcome_of
from audit_core.domain.ip_addresses import address_text
from audit_core.domain.listing import Listing
from audit_core.explore.counts import CountReader
from audit_core.explore.reader import Reader
from audit_core.explore.related import Relation
from audit_core.explore.statements import FACETS
from audit_core.log.schema import from_arrow
from audit_core.people import timeline as timeline_module
from audit_core.people.actors import SPARKS, ActorReader
from audit_core.people.actors_sql import ActorKind, ActorList, ActorOrder
from audit_core.people.person import MAX_TOUCHED, PersonReader
from audit_core.people.sessions_sql import QUIET
from audit_core.people.timeline import STRETCHES, TimelineReader
from audit_core.people.timeline_sql import LaneKind, LanePlace
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange, Window
from audit_core.unusual.first_seen import LOOK_BACK, History, Novelty
from audit_core.unusual.reader import UnusualReader
from tests.contract.pieces import append_in_pieces
from tests.support.laws import law, some
from tests.support.peopled import worked_entries
from tests.support.plain_reading import selected, within
from tests.support.strategies import NOW, entry, subsets

ENTRIES = worked_entries()
ALPHA = Scope(organization_id="org-alpha")
ACTOR_IDS = ("user-1", "user-2", "o'brien", "runner", "-")
MOST = 1_000

windows = st.sampled_from(
    [
        *(Window(preset=preset) for preset in ("1d", "7d", "30d", "90d", "all")),
        Window(preset=None, since=NOW - timedelta(days=9), until=NOW - timedelta(days=1)),
        Window(preset=None, until=NOW - timedelta(days=2)),
    ]
)
filters = st.builds(
    EntryFilter,
    window=windows,
    actions=subsets(("create", "delete", "login")),
    target_types=st.sampled_from(((), ("sandbox",), ("-",))),
)
lists = st.builds(
    ActorList,
    kind=st.sampled_from(ActorKind),
    search=st.sampled_from(("", "", "ANN", "_50%", "ärger", "ab…9", "nobody", "-")),
    order=st.sampled_from(ActorOrder),
    descending=st.booleans(),
)


def of(actor_id):
    scope = ALPHA.of_actor(actor_id)
    assert isinstance(scope, Scope)
    return scope


scopes = st.sampled_from(ACTOR_IDS).map(of)


@pytest.fixture(scope="module")
def log(new_log):
    log = new_log()
    append_in_pieces(log, ENTRIES)
    return log


def failed(item):
    return 400 <= (item.status_code or 0) <= 599


def client(item):
    both = item.source, item.user_agent
    return None if both == (None, None) else (item.source or "", item.user_agent or "")


def different(values):
    return len(set(values) - {None})


def expected_lines(matches, listing):
    groups = {}
    for item in matches:
        if listing.kind is ActorKind.PEOPLE and not item.actor_email:
            continue
        if listing.kind is ActorKind.SERVICES and item.actor_email:
            continue
        if listing.kind is ActorKind.KEYS and item.api_key is None:
            continue
        key = item.api_key if listing.kind is ActorKind.KEYS else None
        groups.setdefault((item.actor_id, key), []).append(item)
    return {
        place: (
            max(item.actor_email for item in items),
            len(items),
            sum(map(failed, items)),
            min(item.created_at for item in items),
            max(item.created_at for item in items),
            different(item.ip_address for item in items),
            different(item.api_key for item in items),
            different(map(client, items)),
        )
        for place, items in groups.items()
        if any(
            listing.search.lower() in text.lower()
            for item in items
            for text in (item.actor_email, item.actor_id, place[1] or "")
        )
    }


SORTED_BY = {
    ActorOrder.ENTRIES: lambda line: line.entries,
    ActorOrder.FAILED: lambda line: line.failed / line.entries,
    ActorOrder.FIRST: lambda line: line.first,
    ActorOrder.LAST: lambda line: line.last,
    ActorOrder.ADDRESSES: lambda line: line.addresses,
    ActorOrder.KEYS: lambda line: line.api_keys,
    ActorOrder.CLIENTS: lambda line: line.clients,
}


@law(30)
@given(filters, lists)
def test_the_list_counts_what_each_actor_did(log, entry_filter, listing):
    time_range = entry_filter.window.time_range(NOW)
    page = ActorReader(Reader(log)).actors(
        Query(entry_filter, ALPHA, time_range), NOW, listing, MOST
    )
    matches = selected(ENTRIES, entry_filter, ALPHA, time_range)
    found = {
        (line.actor_id, line.api_key): (
            line.email,
            line.entries,
            line.failed,
            line.first,
            line.last,
            line.addresses,
            line.api_keys,
            line.clients,
        )
        for line in page.lines
    }
    assert found == expected_lines(matches, listing)
    assert len(found) == len(page.lines) == page.total
    assert all(sum(line.activity) == line.entries for line in page.lines)
    assert all(len(line.activity) == SPARKS for line in page.lines)
    if listing.order in SORTED_BY:
        order = [SORTED_BY[listing.order](line) for line in page.lines]
        assert order == sorted(order, reverse=listing.descending)


@law(12)
@given(lists, st.integers(1, 4))
def test_pages_of_the_list_hold_every_line_once(log, listing, rows):
    entry_filter = EntryFilter(window=Window(preset="all"))
    time_range = TimeRange(since=None, until=None)
    reader = ActorReader(Reader(log))
    whole = reader.actors(Query(entry_filter, ALPHA, time_range), NOW, listing, MOST)
    parts = []
    for offset in range(0, whole.total, rows):
        part = ActorList(
            kind=listing.kind,
            search=listing.search,
            order=listing.order,
            descending=listing.descending,
            offset=offset,
        )
        page = reader.actors(Query(entry_filter, ALPHA, time_range), NOW, part, rows)
        assert page.total == whole.total
        parts += page.lines
    assert tuple(parts) == whole.lines


def test_activity_lies_where_the_entries_do(new_log):
    log = new_log()
    hours = (0, 0, 5, 19)
    log.append(
        [
            entry(f"id-{number}", created_at=NOW - timedelta(hours=20 - hour))
            for number, hour in enumerate(hours)
        ]
    )
    window = Window(preset=None, since=NOW - timedelta(hours=20), until=NOW)
    entry_filter = EntryFilter(window=window)
    page = ActorReader(Reader(log)).actors(
        Query(entry_filter, ALPHA, window.time_range(NOW)), NOW, ActorList(), MOST
    )
    (line,) = page.lines
    assert line.activity == tuple(hours.count(hour) for hour in range(20))


@law(12)
@given(filters, scopes, st.sampled_from(LaneKind), st.sampled_from((2, 9, 100)))
def test_a_timeline_draws_every_entry_of_its_lanes(log, entry_filter, scope, kind, limit):
    time_range = entry_filter.window.time_range(NOW)
    found = TimelineReader(Reader(log)).timeline(
        Query(entry_filter, scope, time_range), NOW, kind, limit
    )
    matches = selected(ENTRIES, entry_filter, scope, time_range)

    def place(item):
        if kind is LaneKind.CATEGORY:
            return LanePlace(category=item.category)
        return LanePlace(target_type=item.target_type, target_id=item.target_id)

    lanes = {}
    for item in matches:
        lanes.setdefault(place(item), []).append(item)
    assert found.all_lanes == len(lanes)
    assert len(found.lanes) == min(limit, len(lanes))
    sizes = sorted(map(len, lanes.values()), reverse=True)
    assert [lane.count for lane in found.lanes] == sizes[:limit]
    for number, lane in enumerate(found.lanes):
        items = lanes[lane.place]
        times = [item.created_at for item in items]
        assert (lane.count, lane.failed) == (len(items), sum(map(failed, items)))
        assert (lane.first, lane.last) == (min(times), max(times))
        marks = [mark for mark in found.marks if mark.lane == number]
        drawn = Counter()
        for mark in marks:
            drawn[mark.outcome] += mark.count
            held = [
                item
                for item in items
                if item.outcome is mark.outcome and mark.first <= item.created_at <= mark.last
            ]
            assert len(held) == mark.count
            actions = {item.action for item in held}
            assert mark.action == (actions.pop() if len(actions) == 1 else None)
            assert mark.last - mark.first < timedelta(microseconds=found.width_us)
        assert drawn == Counter(item.outcome for item in items)


def test_many_marks_are_merged_and_none_is_lost(new_log, monkeypatch):
    monkeypatch.setattr(timeline_module, "MAX_MARKS", 50)
    log = new_log()
    log.append(
        [
            entry(
                f"id-{number}",
                target_id=f"sb-{number % 3}",
                status_code=(200, 500)[number % 2],
                created_at=NOW - timedelta(minutes=number),
            )
            for number in range(900)
        ]
    )
    entry_filter = EntryFilter()
    time_range = entry_filter.window.time_range(NOW)
    found = TimelineReader(Reader(log)).timeline(
        Query(entry_filter, of("user-1"), time_range), NOW, LaneKind.TARGET, 5
    )
    assert len(found.marks) <= 50
    assert found.entries == 900
    assert found.merged == sum(mark.count for mark in found.marks if mark.count > 1) > 0
    assert found.width_us % (7 * 86_400_000_000 // STRETCHES) == 0


def test_a_timeline_of_nothing_is_empty(log):
    entry_filter = EntryFilter(actions=("never",))
    time_range = entry_filter.window.time_range(NOW)
    found = TimelineReader(Reader(log)).timeline(
        Query(entry_filter, of("user-1"), time_range), NOW, LaneKind.TARGET, 5
    )
    assert (found.lanes, found.marks, found.all_lanes, found.merged) == ((), (), 0, 0)


def expected_sessions(matches):
    """Lists of entries, latest first."""
    groups = []
    for item in sorted(matches, key=lambda item: item.created_at):
        if groups and item.created_at - groups[-1][-1].created_at <= QUIET:
            groups[-1].append(item)
        else:
            groups.append([item])
    return groups[::-1]


@law(20)
@given(filters, scopes, st.sampled_from((0, 1, 4)), st.sampled_from((2, MOST)))
def test_half_an_hour_of_quiet_parts_sessions(log, entry_filter, scope, offset, rows):
    time_range = entry_filter.window.time_range(NOW)
    page = PersonReader(Reader(log)).sessions(Query(entry_filter, scope, time_range), offset, rows)
    everything = expected_sessions(selected(ENTRIES, entry_filter, scope, time_range))
    expected = everything[offset : offset + rows]
    assert len(page.sessions) == len(expected)
    assert page.total == (len(everything) if expected else 0)
    for session, items in zip(page.sessions, expected, strict=True):
        targets = Counter((item.target_type, item.target_id) for item in items if item.target_id)
        assert session.first == items[0].created_at
        assert session.last == items[-1].created_at
        assert session.count == len(items)
        assert session.failed == sum(map(failed, items))
        assert session.addresses == different(item.ip_address for item in items)
        assert session.clients == different(map(client, items))
        assert session.targets == len(targets)
        counts = [each.count for each in session.touched]
        assert counts == sorted(targets.values(), reverse=True)[:MAX_TOUCHED]
        assert all(
            targets[each.target_type, each.target_id] == each.count for each in session.touched
        )


PARTS = {
    Novelty.ADDRESS: lambda item: (item.ip_address and address_text(item.ip_address),),
    Novelty.KEY: lambda item: (item.actor_api_key_prefix, item.actor_api_key_suffix),
    Novelty.CLIENT: lambda item: (item.source, item.user_agent),
    Novelty.ACTION: lambda item: (item.action,),
}


def hour_of(item):
    return item.created_at.replace(minute=0, second=0, microsecond=0)


@law(12)
@given(filters, scopes)
def test_new_is_what_was_not_there_in_the_days_before(log, entry_filter, scope):
    time_range = entry_filter.window.time_range(NOW)
    news = PersonReader(Reader(log)).news(Query(entry_filter, scope, time_range), MOST)
    if time_range.since is None:
        assert news is None
        return
    own = selected(
        ENTRIES, EntryFilter(window=Window(preset="all")), scope, TimeRange(since=None, until=None)
    )
    before = TimeRange(since=time_range.since - LOOK_BACK, until=time_range.since)
    known = [item for item in own if within(item, before)]
    now = [item for item in own if within(item, time_range)]
    began = min((hour_of(item) for item in known), default=None)
    assert news.history == History(len(known), began)
    assert news.known == news.history.tells(time_range.since)
    expected = {}
    for kind, parts in PARTS.items():
        old = set(map(parts, known))
        for item in now:
            if parts(item) not in old and set(parts(item)) != {None}:
                first, count = expected.get((kind, parts(item)), (hour_of(item), 0))
                expected[kind, parts(item)] = (min(first, hour_of(item)), count + 1)
    found = {(thing.kind, thing.parts): (thing.hour, thing.count) for thing in news.things}
    assert {thing.actor_id for thing in news.things} <= {scope.actor_id}
    assert found == expected
    assert len(found) == len(news.things)
    assert not news.truncated


def test_what_is_new_for_a_whole_organization_is_what_is_new_for_each_of_its_people(log):
    time_range = TimeRange(since=NOW - timedelta(days=7), until=None)
    unusual = UnusualReader(Reader(log))

    def found(scope):
        return set(unusual.first_seen(Query(EntryFilter(), scope, time_range), MOST).items)

    assert found(ALPHA)
    assert found(ALPHA) == set().union(*(found(of(actor_id)) for actor_id in ACTOR_IDS))


def test_what_is_new_tells_when_there_is_more(log):
    entry_filter = EntryFilter(window=Window(preset=None, since=NOW - timedelta(days=300)))
    time_range = entry_filter.window.time_range(NOW)
    news = PersonReader(Reader(log)).news(Query(entry_filter, of("user-1"), time_range), 2)
    assert news.truncated
    assert len(news.things) == 2


@law(12)
@given(windows, scopes)
def test_used_keys_are_those_of_the_entries(log, window, scope):
    time_range = window.time_range(NOW)
    used = PersonReader(Reader(log)).used_keys(scope, time_range, MOST)
    keys, more = used.items, used.truncated
    matches = selected(ENTRIES, EntryFilter(window=window), scope, time_range)
    by_key = {}
    for item in matches:
        if item.api_key is not None:
            by_key.setdefault(item.api_key, []).append(item)
    assert {key.api_key: key.count for key in keys} == {
        name: len(items) for name, items in by_key.items()
    }
    assert not more
    lasts = [key.last for key in keys]
    assert lasts == sorted(lasts, reverse=True)
    for key in keys:
        items = by_key[key.api_key]
        assert key.failed == sum(map(failed, items))
        assert key.first == min(item.created_at for item in items)
        assert key.last == max(item.created_at for item in items)
        assert key.addresses == different(item.ip_address for item in items)
        assert key.actions == different(item.action for item in items)


def test_a_person_is_known_by_the_whole_address_whatever_its_case(log):
    reader = ActorReader(Reader(log))
    assert reader.own_actor_ids("ann@example.org", ALPHA) == {"user-1"}
    assert reader.own_actor_ids("bob_50%@example.org", ALPHA) == {"user-2"}
    assert reader.own_actor_ids("ärger@example.org", ALPHA) == {"o'brien"}
    assert reader.own_actor_ids("nn@example.org", ALPHA) == set()
    assert reader.own_actor_ids("", ALPHA) == {"runner", "-"}


def test_actors_are_named_by_the_addresses_that_they_have(log):
    named = ActorReader(Reader(log)).names((*ACTOR_IDS, "nobody"), ALPHA)
    addresses = {
        (item.actor_id, item.actor_email)
        for item in ENTRIES
        if item.organization_id == "org-alpha" and item.actor_email
    }
    assert named.keys() == {actor_id for actor_id, _ in addresses}
    assert addresses >= named.items()


def test_another_organization_is_never_seen(new_log):
    log = new_log()
    log.append([item for item in ENTRIES if item.organization_id != "org-alpha"])
    everything = EntryFilter(window=Window(preset="all"))
    time_range = TimeRange(since=None, until=None)
    recent = EntryFilter(window=Window(preset="30d"))
    assert (
        ActorReader(Reader(log))
        .actors(Query(everything, ALPHA, time_range), NOW, ActorList(), MOST)
        .total
        == 0
    )
    assert ActorReader(Reader(log)).own_actor_ids("ann@example.org", ALPHA) == set()
    assert ActorReader(Reader(log)).names(ACTOR_IDS, ALPHA) == {}
    for actor_id in ACTOR_IDS:
        scope = of(actor_id)
        assert ActorReader(Reader(log)).actor(Query(everything, scope, time_range)) is None
        timeline = TimelineReader(Reader(log)).timeline(
            Query(everything, scope, time_range), NOW, LaneKind.TARGET, MOST
        )
        assert timeline.all_lanes == timeline.entries == 0
        assert (
            PersonReader(Reader(log)).sessions(Query(everything, scope, time_range), 0, MOST).total
            == 0
        )
        assert PersonReader(Reader(log)).used_keys(scope, time_range, MOST) == Listing((), False)
        news = PersonReader(Reader(log)).news(
            Query(recent, scope, recent.window.time_range(NOW)), MOST
        )
        assert (news.history, news.things) == (History(), ())


def test_what_is_about_one_actor_is_refused_without_one(log):
    entry_filter = EntryFilter()
    time_range = entry_filter.window.time_range(NOW)
    reader = PersonReader(Reader(log))
    for read in (
        lambda: ActorReader(Reader(log)).actor(Query(entry_filter, ALPHA, time_range)),
        lambda: TimelineReader(Reader(log)).timeline(
            Query(entry_filter, ALPHA, time_range), NOW, LaneKind.TARGET, 5
        ),
        lambda: reader.sessions(Query(entry_filter, ALPHA, time_range), 0, 5),
        lambda: reader.news(Query(entry_filter, ALPHA, time_range), 5),
        lambda: reader.used_keys(ALPHA, time_range, 5),
    ):
        with pytest.raises(ValueError, match="one actor"):
            read()
    assert isinstance(of("user-1").of_actor("user-2"), Denied)


def test_outcomes_of_hundreds_are_those_of_codes():
    assert all(outcome_of(code) is outcome_of(code // 100 * 100) for code in range(100, 600))


def everything_read(log, entry_filter, scope):
    """Every read of the log that pages have, by its name."""
    time_range = entry_filter.window.time_range(NOW)
    reader, actors, person = Reader(log), ActorReader(Reader(log)), PersonReader(Reader(log))
    own = scope.of_actor("user-1")
    return {
        "page": [
            row.entry
            for row in reader.page(Query(entry_filter, scope, time_range), None, MOST).rows
        ],
        "histogram": reader.outcomes_over_time(Query(entry_filter, scope, time_range), NOW),
        "span": reader.span(Query(entry_filter, scope, time_range), NOW),
        "values": {
            name: reader.values(name, Query(entry_filter, scope, time_range), 50) for name in FACETS
        },
        "summary": reader.summary(Query(entry_filter, scope, time_range)),
        "actions": reader.actions(Query(entry_filter, scope, time_range), 50),
        "shares": reader.actors(Query(entry_filter, scope, time_range), 50),
        "errors": reader.errors(Query(entry_filter, scope, time_range), 50),
        "hours": reader.hours_of_week(Query(entry_filter, scope, time_range), NOW),
        "facets": reader.facets(Query(entry_filter, scope, time_range), 50),
        "patterns": reader.patterns(Query(entry_filter, scope, time_range), NOW, 50),
        "export": [
            item
            for step in reader.export(Query(entry_filter, scope, time_range))
            for item in from_arrow(step)
        ],
        "count": CountReader(reader).count(Query(entry_filter, scope, time_range)),
        "stacked": CountReader(reader).stacked_over_time(
            "action", Query(entry_filter, scope, time_range), NOW
        ),
        "actors": actors.actors(Query(entry_filter, scope, time_range), NOW, ActorList(), MOST),
        "keys": actors.actors(
            Query(entry_filter, scope, time_range), NOW, ActorList(kind=ActorKind.KEYS), MOST
        ),
        "actor": actors.actor(Query(entry_filter, own, time_range)),
        "own": actors.own_actor_ids("bob_50%@example.org", scope),
        "timeline": TimelineReader(Reader(log)).timeline(
            Query(entry_filter, own, time_range), NOW, LaneKind.TARGET, 50
        ),
        "sessions": person.sessions(Query(entry_filter, own, time_range), 0, MOST),
        "news": person.news(Query(entry_filter, own, time_range), MOST),
        "used": person.used_keys(own, time_range, MOST),
    }


def found_by_id(log, scope, items):
    """Entries that anybody may have named, and what is around them."""
    reader, found = Reader(log), []
    for item in items:
        found.append(reader.entry(item.id, scope))
        row = reader.row(item.id, scope)
        for relation in Relation if row else ():
            near = reader.related(row, relation, scope, 5)
            found.append([each.entry for each in (*near.newer, *near.older)])
    return found


@law(6)
@given(filters)
def test_whoever_sees_their_own_reads_as_if_nobody_else_were_in_the_log(log, lonely, entry_filter):
    """Every read: compared with a log in which there is nothing else."""
    whole, own = ALPHA, of("user-1")
    assert everything_read(log, entry_filter, own) == everything_read(lonely, entry_filter, whole)


@pytest.mark.law
def test_whoever_sees_their_own_finds_entries_as_if_nobody_else_were_in_the_log(log, lonely):
    items = some(ENTRIES[:60])
    assert found_by_id(log, of("user-1"), items) == found_by_id(lonely, ALPHA, items)


@pytest.fixture(scope="module")
def lonely(new_log):
    """A log that holds only what `user-1` did in the organization."""
    log = new_log()
    log.append(
        [
            item
            for item in ENTRIES
            if item.organization_id == "org-alpha" and item.actor_id == "user-1"
        ]
    )
    return log
