"""A layout survives the address, and what an address cannot say is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.errors import FilterError
from audit_core.explore.layout import (
    COLUMNS,
    DEFAULT_COLUMNS,
    LAYOUT_PARAMS,
    Density,
    Layout,
    moved,
)

some_columns = st.lists(st.sampled_from(list(COLUMNS)), unique=True, min_size=1).map(tuple)
layouts = st.builds(Layout, columns=some_columns, density=st.sampled_from(Density))


@given(layouts, layouts)
def test_a_layout_survives_the_address_whoever_reads_it(layout: Layout, own: Layout) -> None:
    assert Layout.from_params(layout.to_params(), own) == layout
    assert set(layout.to_params()) == set(LAYOUT_PARAMS)


@given(layouts, layouts, st.sets(st.sampled_from(LAYOUT_PARAMS)))
def test_what_an_address_leaves_out_stays_as_it_was(
    layout: Layout, own: Layout, given_names: set[str]
) -> None:
    given_params = {name: layout.to_params()[name] for name in given_names}
    read = Layout.from_params(given_params, own)
    assert read.columns == (layout if "columns" in given_names else own).columns
    assert read.density == (layout if "density" in given_names else own).density


@given(some_columns, st.data())
def test_moving_a_column_keeps_the_others_in_their_order(
    columns: tuple[str, ...], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(columns))
    by = data.draw(st.integers(-25, 25))
    after = moved(columns, name, by=by)
    assert [item for item in after if item != name] == [item for item in columns if item != name]
    assert after.index(name) == min(max(columns.index(name) + by, 0), len(columns) - 1)


def test_nothing_said_is_the_usual_layout() -> None:
    assert Layout.from_params({}, Layout()) == Layout(columns=DEFAULT_COLUMNS)


@pytest.mark.parametrize(
    ("params", "problem"),
    [
        ({"columns": [""]}, "names no column"),
        ({"columns": ["time,colour"]}, "'colour' is not one of time, age, user"),
        ({"columns": ["time", "user,time"]}, "'time' stands there twice"),
        ({"density": ["tight"]}, "'tight', and not one of compact, normal, comfortable"),
        ({"density": ["compact", "normal"]}, "not one of"),
    ],
)
def test_what_cannot_be_read_is_told(params: dict[str, list[str]], problem: str) -> None:
    with pytest.raises(FilterError) as caught:
        Layout.from_params(params, Layout())
    (told,) = caught.value.problems
    assert problem in told
    assert told.endswith(".")


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(FilterError) as caught:
        Layout.from_params({"columns": ["x"], "density": ["y"]}, Layout())
    assert len(caught.value.problems) == 2


def test_names_survive_an_address_and_labels_are_unique() -> None:
    assert all(name == column.name and name.isidentifier() for name, column in COLUMNS.items())
    labels = [column.label for column in COLUMNS.values()]
    assert len(set(labels)) == len(labels)
