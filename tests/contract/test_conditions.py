import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.access import Scope
from audit_core.domain.entries import Category, Outcome
from audit_core.explore.reader import Reader
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from audit_core.query.value_filter import NONE
from tests.contract.pieces import append_in_pieces
from tests.support.laws import law
from tests.support.plain_reading import selected
from tests.support.strategies import (
    ACTOR_IDS,
    NOW,
    TEXTS,
    matching_filters,
    sample_entries,
    windows,
)

ENTRIES = sample_entries(1200)
TIMES = st.sampled_from(sorted({entry.created_at for entry in ENTRIES}))
ALWAYS = TimeRange(since=None, until=None)
EVERYTHING = Scope.everything()

SCOPES = st.builds(
    Scope,
    organization_id=st.sampled_from(("org-alpha", "org-beta", "org-empty")),
    actor_id=st.none() | st.sampled_from(ACTOR_IDS),
) | st.just(EVERYTHING)


@pytest.fixture(scope="module")
def reader(new_log):
    log = new_log()
    append_in_pieces(log, ENTRIES)
    return Reader(log)


def found(reader, entry_filter, scope, time_range):
    page = reader.page(Query(entry_filter, scope, time_range), None, len(ENTRIES))
    return [row.entry for row in page.rows]


@law(250)
@given(matching_filters(windows(TIMES)), SCOPES)
def test_the_sql_of_a_filter_agrees_with_its_plain_reading(reader, entry_filter, scope):
    time_range = entry_filter.window.time_range(NOW)
    assert found(reader, entry_filter, scope, time_range) == selected(
        ENTRIES, entry_filter, scope, time_range
    )


ONE_VALUE = [
    *(EntryFilter(categories=(category,)) for category in Category),
    *(EntryFilter(outcomes=(outcome,)) for outcome in Outcome),
    *(EntryFilter(text=text) for text in TEXTS),
    *(
        EntryFilter(**{field: values})
        for field in ("target_types", "targets", "sources", "ip_addresses")
        for values in ((NONE,), (NONE, "cli", "sandbox", "10.0.0.1", "a_b"), ("a%b",), ("unknown",))
    ),
    EntryFilter(status_codes=(0,)),
    EntryFilter(actors=("-",)),
]


@pytest.mark.parametrize(
    "entry_filter", ONE_VALUE, ids=lambda entry_filter: entry_filter.describe()
)
def test_each_value_alone_agrees_with_its_plain_reading(reader, entry_filter):
    expected = selected(ENTRIES, entry_filter, EVERYTHING, ALWAYS)
    assert found(reader, entry_filter, EVERYTHING, ALWAYS) == expected


@pytest.mark.parametrize("kind", [Category, Outcome])
def test_every_entry_has_exactly_one_category_and_one_outcome(reader, kind):
    field = "categories" if kind is Category else "outcomes"
    ids = [
        entry.id
        for value in kind
        for entry in found(reader, EntryFilter(**{field: (value,)}), EVERYTHING, ALWAYS)
    ]
    assert sorted(ids) == sorted(entry.id for entry in ENTRIES)


def test_bounds_are_half_open(reader):
    instant = ENTRIES[0].created_at
    at_start = found(reader, EntryFilter(), EVERYTHING, TimeRange(since=instant, until=None))
    before_end = found(reader, EntryFilter(), EVERYTHING, TimeRange(since=None, until=instant))
    assert ENTRIES[0] in at_start
    assert ENTRIES[0] not in before_end
    assert len(at_start) + len(before_end) == len(ENTRIES)


@law(60)
@given(st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=20))
def test_no_text_breaks_out_of_its_value(reader, text):
    entry_filter = EntryFilter(text=text, actors=(text,), actions=(text,))
    scope = Scope(organization_id="org-alpha")
    assert found(reader, entry_filter, scope, ALWAYS) == selected(
        ENTRIES, entry_filter, scope, ALWAYS
    )
