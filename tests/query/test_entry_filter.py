import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.entries import Category, Outcome
from audit_core.domain.errors import FilterError
from audit_core.query.entry_filter import PARAMS, VALUE_FIELDS, EntryFilter
from audit_core.query.limits import MAX_TEXT, MAX_VALUES
from audit_core.query.time.windows import Window
from audit_core.query.value_filter import NONE
from tests.support.strategies import entry_filters, plain_text


@given(entry_filters())
def test_a_filter_survives_the_address_of_the_page(entry_filter):
    assert EntryFilter.from_params(entry_filter.to_params()) == entry_filter


@given(entry_filters())
def test_a_filter_equals_and_hashes_like_the_one_read_back(entry_filter):
    assert hash(EntryFilter.from_params(entry_filter.to_params())) == hash(entry_filter)


@given(entry_filters())
def test_only_known_parameters_are_written(entry_filter):
    assert set(entry_filter.to_params()) <= set(PARAMS)


@given(entry_filters(st.from_regex(r"[a-z]{4,12}", fullmatch=True)))
def test_the_description_mentions_every_value_and_the_window(entry_filter):
    sentence = entry_filter.describe()
    for item in VALUE_FIELDS:
        for value in getattr(entry_filter, item.name):
            assert item.show(value) in sentence
    assert entry_filter.text in sentence
    assert entry_filter.window.zone in sentence


@given(st.lists(plain_text.filter(bool), max_size=5))
def test_values_are_unique_and_sorted_so_that_order_does_not_matter(values):
    entry_filter = EntryFilter(actors=tuple(values))
    assert entry_filter == EntryFilter(actors=tuple(reversed(values + values)))
    assert list(entry_filter.actors) == sorted(set(values))


def test_nothing_given_is_the_default_filter():
    assert EntryFilter.from_params({}) == EntryFilter()


def test_every_wrong_parameter_is_named():
    with pytest.raises(FilterError) as caught:
        EntryFilter.from_params(
            {
                "status": ["abc", "200"],
                "outcome": ["fine"],
                "category": ["misc"],
                "actor": [""],
                "action": ["x" * (MAX_TEXT + 1)],
                "target": [str(number) for number in range(MAX_VALUES + 1)],
                "text": ["y" * (MAX_TEXT + 1)],
                "window": ["3w"],
                "organization": ["other"],
            }
        )
    assert len(caught.value.problems) == 9
    for name in ("status", "outcome", "category", "actor", "action", "target", "text", "window"):
        assert any(name in problem for problem in caught.value.problems), name
    assert any("'organization'" in problem for problem in caught.value.problems)


@pytest.mark.parametrize(
    "params",
    [
        {"status": ["-1"]},
        {"status": ["99"]},
        {"status": ["600"]},
        {"status": ["00"]},
        {"status": ["9" * 5000]},
        {"status": ["\uff12\uff10\uff10"]},
        {"zone": ["Mars/Olympus"]},
        {"zone": ["../../etc/passwd"]},
        {"zone": ["a\x00b"]},
        {"zone": ["UTC", "UTC"]},
        {"window": ["7d"], "from": ["2026-01-01T00:00:00Z"]},
        {"from": ["2026-01-02T00:00:00Z"], "to": ["2026-01-01T00:00:00Z"]},
        {"from": ["2026-01-01T00:00:00Z"], "to": ["2026-01-01T00:00:00Z"]},
        {"from": ["2026-01-01T00:00:00"]},
        {"from": ["yesterday"]},
        {"from": ["0001-01-01T00:00:00+14:00"]},
        {"from": ["1000-01-01T00:00:00Z"], "to": ["9000-01-01T00:00:00Z"]},
        {"to": ["9999-12-31T23:59:59-14:00"]},
        {"text": ["\ud800"]},
        {"actor": ["\ud800"]},
        {"__init__": ["x"]},
    ],
)
def test_wrong_values_are_refused(params):
    with pytest.raises(FilterError):
        EntryFilter.from_params(params)


@given(
    st.dictionaries(
        st.sampled_from(PARAMS) | st.text(max_size=5),
        st.lists(st.text(max_size=40), max_size=3),
        max_size=4,
    )
)
def test_whatever_stands_in_an_address_gives_a_filter_or_a_filter_error(params):
    try:
        EntryFilter.from_params(params)
    except FilterError as error:
        assert error.problems


def test_clearing_keeps_the_window_and_removing_one_condition_keeps_the_others():
    entry_filter = EntryFilter(
        window=Window(preset="1d"),
        actors=("ann",),
        outcomes=(Outcome.SUCCESS,),
        categories=(Category.OTHER,),
        sources=(NONE,),
        text="full",
    )
    assert entry_filter.narrowed_by == ("User", "Category", "Outcome", "Source", "Text")
    assert entry_filter.cleared() == EntryFilter(window=Window(preset="1d"))
    for label in entry_filter.narrowed_by:
        left = entry_filter.without(label)
        assert left.narrowed_by == tuple(name for name in entry_filter.narrowed_by if name != label)
