"""The columns that a person chose are shown, remembered, and told by the address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from audit_core.domain.entries import FIELDS
from audit_core.domain.secret_shapes import MARK
from audit_core.explore.layout import COLUMNS, DEFAULT_COLUMNS, Density
from audit_core.explore.results import Row
from audit_core.state.preferences import keep_preference, read_preference
from pages.parts.entries import entry_table
from pages.parts.entries.entry_table import ABSENT, ROW_HEIGHTS, lines
from tests.evidence.nasty_entries import NASTY, NOON, made
from tests.pages.conftest import Open
from tests.pages.explore_page import entry, entry_list, explore, table, texts
from tests.support.seeded import Seeded

AUDITOR, ADMIN = "auditor@example.org", "admin@example.org"
ALL = tuple(COLUMNS)


@pytest.fixture(autouse=True)
def _fresh_caches() -> Iterator[None]:
    st.cache_data.clear()
    yield
    st.cache_data.clear()


@pytest.fixture
def filled(seeded: Seeded) -> Seeded:
    seeded.installation.log.append([entry(seeded, number) for number in range(1, 4)])
    return seeded


def opened(app: AppTest) -> AppTest:
    """Run again with the choice open."""
    app.session_state["columns_popover"] = True
    app.run()
    assert not app.exception
    return app


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click()
    return opened(app)


def chosen(app: AppTest) -> tuple[str, ...]:
    return tuple(table(app).columns)


def kept(seeded: Seeded, name: str, email: str = AUDITOR) -> str | None:
    with seeded.installation.state.read() as connection:
        return read_preference(connection, account_id=seeded.ids[email], name=f"explore_{name}")


def row(entry: Any) -> Row:
    return Row(seq=1, entry=entry, received_at=NOON + timedelta(minutes=3))


def test_every_column_has_a_cell_for_every_entry_and_shows_nothing_but_visible_text() -> None:
    shown = texts(lines(tuple(map(row, NASTY)), "UTC", NOON, None, ALL), ALL)
    assert tuple(shown.columns) == ALL
    for name in ALL:
        for text in shown[name]:
            assert isinstance(text, str)
            assert "\u202e" not in text
            assert "\n" not in text


def test_every_field_of_an_entry_has_a_column_but_its_organization() -> None:
    unlike = {
        **{name: f"<{name}>" for _, name in FIELDS},
        **{"status_code": 418, "created_at": NOON, "metadata": '{"body":{"name":"<metadata>"}}'},
    }
    first = made(1, **unlike)
    shown = " ".join(map(str, texts(lines((row(first),), "UTC", NOON, None, ALL), ALL).iloc[0]))
    for field in fields(first):
        if field.name in ("status_code", "created_at"):
            continue
        expected = f"<{field.name}>" in shown or field.name == "actor_email" in shown
        assert expected == (field.name != "organization_id"), field.name
    assert "418" in shown
    assert "2026-05-04 12:03:00" in shown


def test_absent_values_are_a_dash() -> None:
    bare = made(1, target_id=None, target_type=None, source=None, status_code=None)
    shown = texts(lines((Row(seq=1, entry=bare),), "UTC", NOON, None, ALL), ALL).iloc[0]
    for name in ("target", "target_id", "target_type", "source", "status", "key", "received"):
        assert shown[name] == ABSENT


def test_metadata_and_messages_are_shown_in_one_line_without_secrets() -> None:
    secret = made(
        1,
        metadata='{"query":{"token":"abc-def"},"body":{"name":"password=hunter2"}}',
        error_message="token: hunter2\nend",
        user_agent="x" * 1000,
    )
    shown = texts(lines((row(secret),), "UTC", NOON, None, ALL), ALL).iloc[0]
    assert MARK in shown["metadata"]
    assert MARK in shown["message"]
    assert "hunter2" not in str(list(shown))
    assert "abc-def" not in str(list(shown))
    assert shown["agent"] == "x" * entry_table.MESSAGE_LENGTH + "…"


def test_the_address_says_which_columns_in_which_order_and_how_dense(
    open_app: Open, filled: Seeded
) -> None:
    app = explore(open_app(AUDITOR), columns="id,received,user", density="compact")
    assert chosen(app) == ("id", "received", "user")
    assert list(table(app)["id"]) == ["entry-1", "entry-2", "entry-3"]
    assert set(table(app)["received"]) == {"2026-05-04 09:00:00"}
    assert entry_list(app)["height"] == ROW_HEIGHTS[Density.COMPACT]
    assert kept(filled, "columns") is None


def test_all_columns_can_be_drawn_at_once_also_beside_the_mark_of_new_ones(
    open_app: Open, filled: Seeded
) -> None:
    app = explore(open_app(AUDITOR), columns=",".join(ALL))
    assert chosen(app) == ALL
    app.toggle(key="live_on").set_value(True).run()
    assert not app.exception
    assert chosen(app) == ("new", *ALL)


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"columns": "time,colour"}, "'colour' is not one of time, age"),
        ({"density": "tight"}, "'tight'"),
    ],
)
def test_an_address_with_unknown_names_is_told(
    open_app: Open, filled: Seeded, params: dict[str, Any], told: str
) -> None:
    app = explore(open_app(AUDITOR), **params)
    assert app.error[0].value == "The address of this page is not valid."
    assert any(told in item.value for item in app.text)


def test_columns_are_moved_taken_away_added_and_reset(open_app: Open, filled: Seeded) -> None:
    app = opened(explore(open_app(AUDITOR)))
    app.get_by_key("columns_chosen").set_value("user")
    opened(app)
    press(app, "columns_left")
    assert chosen(app)[:3] == ("age", "user", "time")
    press(press(app, "columns_right"), "columns_right")
    assert chosen(app)[:5] == ("age", "time", "action", "user", "target")
    press(app, "columns_remove")
    assert "user" not in chosen(app)
    app.selectbox(key="columns_added").set_value("id")
    opened(app)
    assert chosen(app) == ("age", "time", "action", "target", "outcome", "message", "id")
    assert app.query_params["columns"] == ",".join(chosen(app))
    assert kept(filled, "columns") == ",".join(chosen(app))
    press(app, "columns_reset")
    assert chosen(app) == DEFAULT_COLUMNS


def test_the_last_column_stays(open_app: Open, filled: Seeded) -> None:
    app = explore(open_app(AUDITOR), columns="user")
    app.session_state["columns_chosen"] = "user"
    opened(app)
    for key in ("columns_left", "columns_right", "columns_remove"):
        assert app.button(key=key).disabled


def test_a_choice_is_remembered_for_this_person_and_stands_in_the_address(
    open_app: Open, filled: Seeded
) -> None:
    app = opened(explore(open_app(AUDITOR)))
    app.get_by_key("columns_density").set_value(Density.COMFORTABLE)
    opened(app)
    assert kept(filled, "density") == "comfortable"
    assert kept(filled, "columns") is None
    again = explore(open_app(AUDITOR))
    assert entry_list(again)["height"] == ROW_HEIGHTS[Density.COMFORTABLE]
    assert again.query_params["density"] == "comfortable"
    assert "columns" not in again.query_params
    other = explore(open_app(ADMIN))
    assert entry_list(other)["height"] == ROW_HEIGHTS[Density.NORMAL]
    assert "density" not in other.query_params


def test_an_address_wins_over_what_a_person_chose_and_leaves_it(
    open_app: Open, filled: Seeded
) -> None:
    with filled.installation.state.begin() as connection:
        for name, value in (("columns", "user,id"), ("density", "compact")):
            keep_preference(
                connection, account_id=filled.ids[AUDITOR], name=f"explore_{name}", value=value
            )
    app = explore(open_app(AUDITOR), columns=",".join(DEFAULT_COLUMNS))
    assert chosen(app) == DEFAULT_COLUMNS
    assert app.query_params["density"] == "compact"
    assert kept(filled, "columns") == "user,id"
    assert chosen(explore(open_app(AUDITOR))) == ("user", "id")


def test_a_choice_that_no_longer_exists_is_the_usual_one(open_app: Open, filled: Seeded) -> None:
    with filled.installation.state.begin() as connection:
        keep_preference(
            connection, account_id=filled.ids[AUDITOR], name="explore_columns", value="gone,user"
        )
    assert chosen(explore(open_app(AUDITOR))) == DEFAULT_COLUMNS


def test_while_a_view_is_open_a_change_is_not_remembered(open_app: Open, filled: Seeded) -> None:
    app = explore(open_app(AUDITOR), view="denied", window="all")
    app.session_state["columns_chosen"] = "user"
    opened(app)
    press(app, "columns_remove")
    assert "user" not in app.query_params["columns"]
    assert kept(filled, "columns") is None
    app.selectbox(key="rows_choice").set_value(50)
    app.run()
    assert app.query_params["rows"] == "50"
    with filled.installation.state.read() as connection:
        name, account_id = "rows_per_page", filled.ids[AUDITOR]
        assert read_preference(connection, account_id=account_id, name=name) is None
