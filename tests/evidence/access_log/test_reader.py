"""What the access record gives for a filter is what a plain reading of each event gives."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.errors import FilterError
from audit_core.evidence.access_log import reader as reader_module
from audit_core.evidence.access_log.reader import EventCursor, RecordReader
from audit_core.evidence.access_log.record_filter import (
    EXAMPLES,
    VOCABULARY,
    Part,
    RecordFilter,
    RecordScope,
)
from audit_core.query.language.diagnostics import QueryError
from audit_core.query.language.printer import quoted
from audit_core.query.time.windows import TimeRange, Window
from audit_core.state.access_log.verbs import VERBS, AccessOutcome, Category
from audit_core.state.database import State
from tests.evidence.access_log.events import (
    ACTORS,
    ADDRESSES,
    ALWAYS,
    NOW,
    SCOPES,
    A,
    B,
    expected,
    stored,
)
from tests.support.in_utc import parse
from tests.support.laws import law

PIECES = st.sampled_from(
    (
        *(f"actor:{quoted(actor)}" for actor in ACTORS),
        "actor:j*",
        "actor:x\\[1\\]\\*_?",
        "actor:*100%",
        "action:token.*",
        "action:*.refused",
        "verb:ingest",
        "outcome:refused",
        "outcome:(done OR broken)",
        "target:none",
        "target:*",
        "target:Ann@*",
        "ip:10.0.0.0/8",
        "ip:2001:db8::/32",
        "ip:2001\\:db8\\:\\:1",
        "ip:10.1.*",
        "ip:none",
        "ip:oddity*",
        "time:>=2026-03-09",
        "time:[2026-03-07 TO 2026-03-08]",
        "organization:org-a",
        "organization:none",
        "metadata.reason:*",
        'metadata.reason:"wrong password"',
        "metadata.entries:12",
        "metadata.whole:true",
        "metadata.rate:2.5",
        "metadata.nothing:none",
        "metadata.filter.text:É*",
        "metadata.a\\.b:dotted",
        "metadata:*",
        '"é%_"',
        "PASSWORD",
        "ann@acme",
        "büro",
    )
)
QUERIES = st.recursive(
    PIECES,
    lambda inner: st.one_of(
        inner.map(lambda part: f"NOT ({part})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}) OR ({two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}) ({two[1]})"),
    ),
    max_leaves=5,
)
TIMES = st.none() | st.integers(0, 100).map(lambda hours: NOW - timedelta(hours=hours))


@st.composite
def filters(draw: st.DrawFn) -> RecordFilter:
    def some(values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(draw(st.lists(st.sampled_from(values), max_size=2)))

    window = Window(preset="all")
    if draw(st.booleans()):
        window = Window(preset=None, since=draw(TIMES), zone="Europe/Berlin")
    return RecordFilter(
        window=window,
        categories=some(tuple(Category)),  # type: ignore[arg-type]
        actions=some(tuple(VERBS)),
        actors=some(ACTORS),
        outcomes=some(tuple(AccessOutcome)),  # type: ignore[arg-type]
        targets=some(("-", "a.csv", "Ann@acme.com")),
        ip_addresses=some(tuple(address or "-" for address in ADDRESSES)),
        text=draw(st.sampled_from(("", "", "reason", "É%"))),
        query=draw(st.just("") | QUERIES),
    )


def found(
    reader: RecordReader,
    record_filter: RecordFilter,
    scope: RecordScope,
    time_range: TimeRange = ALWAYS,
    rows: int = 1000,
) -> list[str]:
    page = reader.page(record_filter, scope, time_range, None, rows)
    return [event.uid for event in page.events]


@law(60)
@given(query=QUERIES, scope=st.sampled_from((*SCOPES, RecordScope.everything())))
def test_a_query_finds_what_a_plain_reading_finds(
    reader: RecordReader, state: State, query: str, scope: RecordScope
) -> None:
    record_filter = RecordFilter(window=Window(preset="all"), query=query)
    assert found(reader, record_filter, scope) == [
        event.uid for event in expected(state, record_filter, scope)
    ]
    assert record_filter.describe()


@law(40)
@given(record_filter=filters(), scope=st.sampled_from(SCOPES), since=TIMES, until=TIMES)
def test_lists_of_values_find_what_a_plain_reading_finds_and_counts_and_files_agree(
    reader: RecordReader,
    state: State,
    record_filter: RecordFilter,
    scope: RecordScope,
    since: object,
    until: object,
) -> None:
    time_range = TimeRange(since=since, until=until)  # type: ignore[arg-type]
    events = expected(state, record_filter, scope, time_range)
    assert found(reader, record_filter, scope, time_range) == [event.uid for event in events]
    exact = reader.count(record_filter, scope, time_range, limit=None)
    assert (exact.rows, exact.complete) == (len(events), True)
    assert exact.deeds == sum(event.count for event in events)
    exported = [
        event for batch in reader.export(record_filter, scope, time_range) for event in batch
    ]
    assert exported == events[::-1]


@law(100)
@given(record_filter=filters())
def test_an_address_gives_the_filter_back(record_filter: RecordFilter) -> None:
    assert RecordFilter.from_params(record_filter.to_params()) == record_filter


@pytest.mark.parametrize("rows", [1, 7, 60])
@pytest.mark.parametrize("scope", SCOPES, ids=str)
def test_pages_forth_and_back_hold_each_event_once(
    reader: RecordReader, state: State, scope: RecordScope, rows: int
) -> None:
    record_filter = RecordFilter(window=Window(preset="all"))
    pages, cursor = [], None
    while True:
        page = reader.page(record_filter, scope, ALWAYS, cursor, rows)
        pages.append(page)
        if page.older is None:
            break
        cursor = EventCursor.from_param(page.older.to_param())
    events = [event for page in pages for event in page.events]
    assert events == expected(state, record_filter, scope)
    for before, page in zip(pages[-2::-1], pages[:0:-1], strict=True):
        assert page.newer is not None
        back = reader.page(record_filter, scope, ALWAYS, page.newer, rows)
        assert back.events == before.events
    assert pages[0].newer is None


def test_batches_join_without_a_gap(
    reader: RecordReader, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "BATCH", 7)
    record_filter = RecordFilter(window=Window(preset="all"))
    exported = [event for batch in reader.export(record_filter, A, ALWAYS) for event in batch]
    assert exported == expected(state, record_filter, A)[::-1]


def test_counts_say_where_they_stopped(reader: RecordReader, state: State) -> None:
    record_filter = RecordFilter(window=Window(preset="all"))
    total = len(expected(state, record_filter, A))
    assert not reader.count(record_filter, A, ALWAYS, limit=total - 1).complete
    assert reader.count(record_filter, A, ALWAYS, limit=total).rows == total


def test_an_event_is_found_in_its_own_part_only(reader: RecordReader, state: State) -> None:
    for event in stored(state)[:30]:
        seen = [scope for scope in SCOPES if reader.event(event.uid, scope) is not None]
        assert [scope.organization_id for scope in seen] == [event.organization_id]


def test_values_are_those_of_the_own_part(reader: RecordReader, state: State) -> None:
    for scope in (A, B):
        record_filter = RecordFilter(window=Window(preset="all"))
        own = {event.target for event in expected(state, record_filter, scope)} - {None}
        assert set(reader.values("target", scope, 100)) == own
        assert len(reader.values("target", scope, 2)) == 2


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example.text))
def test_each_example_can_be_parsed(example: object) -> None:
    parse(example.text, VOCABULARY)  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ["status:404", "agent:python", "outcome:client_error", "ip:x"])
def test_what_events_do_not_have_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text, VOCABULARY)
    assert caught.value.query_problems


@pytest.mark.parametrize(
    "params",
    [{"at": ["1"]}, {"outcome": ["failed"]}, {"query": ["status:1"]}, {"window": ["soon"]}],
)
def test_an_address_that_cannot_be_read_is_refused(params: dict[str, list[str]]) -> None:
    with pytest.raises(FilterError):
        RecordFilter.from_params(params)


@pytest.mark.parametrize("text", ["", "older~x~y", "older~2026-01-01T00:00:00Z~12", "a~b"])
def test_a_cursor_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be read|is not a time"):
        EventCursor.from_param(text)


def test_a_part_without_its_organization_cannot_be_made() -> None:
    for part, organization_id in ((Part.ORGANIZATION, None), (Part.INSTALLATION, "org-a")):
        with pytest.raises(ValueError, match="organization"):
            RecordScope(part=part, organization_id=organization_id)
