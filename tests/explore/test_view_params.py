"""A view says all that is shown, and only what can be read."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.domain.access import Scope
from audit_core.domain.entries import ACCESS_TARGETS
from audit_core.domain.errors import FilterError
from audit_core.explore.layout import ROW_SIZES, Layout
from audit_core.explore.view_params import (
    READY_VIEWS,
    STACKS,
    VIEW_PARAMS,
    check_view,
    differs,
    view_of,
)
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.time.presets import PRESETS
from audit_core.query.time.windows import TimeRange
from audit_core.query.visibility import require_visible
from tests.explore.test_layout import layouts
from tests.support.plain_reading import matches
from tests.support.strategies import entry, entry_filters

sizes, stacks = st.sampled_from(ROW_SIZES), st.sampled_from(STACKS)


@given(entry_filters(), layouts, sizes, stacks)
def test_a_view_is_read_as_it_was_shown(
    entry_filter: EntryFilter, layout: Layout, rows: int, stack: str
) -> None:
    params = view_of(entry_filter, layout, rows, stack)
    assert set(params) <= set(VIEW_PARAMS)
    assert check_view(params) == entry_filter
    assert Layout.from_params(params, Layout()) == layout
    assert not differs(params, params)


looks = st.tuples(layouts, sizes, stacks)


@given(entry_filters(), entry_filters(), looks, looks)
def test_a_view_differs_exactly_where_something_shown_is_not_what_it_says(
    entry_filter: EntryFilter,
    other: EntryFilter,
    look: tuple[Layout, int, str],
    other_look: tuple[Layout, int, str],
) -> None:
    view, shown = view_of(entry_filter, *look), view_of(other, *other_look)
    assert differs(shown, view) == ((entry_filter, look) != (other, other_look))
    assert differs(view_of(other, *look), view) == (other != entry_filter)
    assert differs(view_of(entry_filter, *other_look), view) == (look != other_look)
    assert differs(shown, entry_filter.to_params()) == (other != entry_filter)


def test_a_view_that_cannot_be_read_differs_and_one_that_is_written_otherwise_does_not() -> None:
    shown = view_of(EntryFilter(actors=("a", "b")), Layout(), 25, "outcome")
    assert differs(shown, {"colour": ["red"]})
    assert not differs(shown, {"actor": ["b", "a", "b"]})


def test_a_relative_window_stays_relative() -> None:
    params = view_of(EntryFilter(), Layout(), 25, "outcome")
    assert params["window"] == ["7d"]
    assert not {"from", "to"} & set(params)


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"status": ["abc"]}, ["'abc' is not a status code"]),
        ({"query": ["status:["], "rows": ["7"]}, ["query", "rows is '7'"]),
        ({"colour": ["red"], "columns": ["colour"]}, ["'colour' is unknown", "'colour' is not"]),
        ({"rows": ["25", "50"]}, ["rows"]),
        ({"stack": ["password"]}, ["stack is 'password'"]),
        ({"view": ["denied"]}, ["'view' is unknown"]),
    ],
)
def test_what_can_no_longer_be_read_is_told(params: dict[str, list[str]], told: list[str]) -> None:
    with pytest.raises(FilterError) as caught:
        check_view(params)
    for part in told:
        assert part in " ".join(caught.value.problems)


@pytest.mark.parametrize("key", READY_VIEWS)
def test_a_ready_made_view_can_be_read_by_everybody(key: str) -> None:
    view = READY_VIEWS[key]
    params = view.params_in("Europe/Berlin")
    assert params["zone"] == ["Europe/Berlin"]
    assert check_view(view.params_in("UTC")) == view.entry_filter
    assert check_view(params).query == view.entry_filter.query
    require_visible(
        view.entry_filter.expression, view.entry_filter.query, Scope(organization_id="org")
    )
    assert view.entry_filter.window.preset in PRESETS
    assert view.entry_filter.narrowed_by
    assert view.key == key
    assert not re.fullmatch("[0-9a-f]{32}", key)
    assert not differs(view_of(check_view(params), Layout(), 200, "actor"), params)
    narrower = replace(view.entry_filter, actors=("ann",))
    assert differs(view_of(narrower, Layout(), 25, "outcome"), view.params_in("UTC"))


def test_access_changes_hold_whatever_changes_who_may_do_what() -> None:
    view = READY_VIEWS["access_changes"].entry_filter
    at_work = [
        ("create", "sandbox"),
        ("update", "organization"),
        ("login", "user"),
        ("read", "secret"),
        ("toolbox_upload_file", "sandbox"),
    ]
    changes = [
        *(
            (action, target)
            for action in ("create", "update", "delete")
            for target in ACCESS_TARGETS
        ),
        ("update_role", "organization_user"),
        ("update_assigned_roles", "organization_user"),
        ("accept", "organization_invitation"),
        ("leave_organization", "organization"),
        ("create_ssh_access", "sandbox"),
        ("revoke_ssh_access", "sandbox"),
        ("update_sso_enabled", "organization"),
        ("suspend", "organization"),
        ("change_password", "user"),
    ]

    def found(action: str, target_type: str) -> bool:
        written = entry("a", action=action, target_type=target_type)
        return matches(
            written,
            view,
            Scope(organization_id=written.organization_id),
            TimeRange(since=None, until=None),
        )

    assert [pair for pair in changes if not found(*pair)] == []
    assert [pair for pair in at_work if found(*pair)] == []
