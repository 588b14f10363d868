"""The first action after a lost session is carried out like any other, and once."""

from __future__ import annotations

import json
import re

import pytest
from streamlit.testing.v1 import AppTest

from audit_core.domain.rejections import Rejection
from audit_core.state.organization_settings import (
    ON,
    OWN_ACTIVITY,
    keep_setting,
    read_setting,
)
from audit_core.state.rejections import keep_rejections
from pages.parts.shell.lost_session import GONE, LOST
from tests.pages.conftest import Open
from tests.pages.explore_page import button, entry, explore, open_row, select_cell, targets
from tests.support.lost_session import lose_session
from tests.support.seeded import ALPHA, Seeded

OFF = None
ADMIN, AUDITOR = "admin@example.org", "auditor@example.org"


@pytest.fixture
def app(open_app: Open, seeded: Seeded) -> AppTest:
    entries = [
        entry(seeded, number, action="start" if number % 2 else "stop") for number in range(60)
    ]
    seeded.installation.log.append(entries)
    return explore(open_app(AUDITOR), query="action:start")


def toasts(app: AppTest) -> list[str]:
    return [item.value for item in app.toast]


def test_a_typed_query_is_asked(app: AppTest) -> None:
    lose_session(app)
    app.text_input(key="filter_query").set_value("action:stop").run()
    assert app.query_params["query"] == "action:stop"
    assert app.text_input(key="filter_query").value == "action:stop"
    assert targets(app)[:2] == ["box-0", "box-2"]
    assert toasts(app) == []


def test_the_next_page_is_shown(app: AppTest) -> None:
    lose_session(app)
    button(app, "Older").click().run()
    assert str(app.query_params["at"]).startswith("older")


def test_another_window_is_chosen_and_nothing_else_changes(app: AppTest) -> None:
    lose_session(app)
    app.selectbox(key="filter_window").select("30d").run()
    assert app.query_params == {"window": "30d", "query": "action:start"}


def test_another_zone_is_chosen(app: AppTest) -> None:
    app.selectbox(key="filter_zone").select("…").run()
    lose_session(app)
    app.selectbox(key="filter_any_zone").select("Asia/Kolkata").run()
    assert app.query_params["zone"] == "Asia/Kolkata"
    assert len(app.get_by_key("filter_zone").options) == 3
    assert toasts(app) == []


def test_a_chip_is_removed(app: AppTest) -> None:
    lose_session(app)
    app.multiselect(key="filter_chips").set_value([]).run()
    assert app.query_params == {"window": "7d"}


def test_an_entry_is_opened(app: AppTest) -> None:
    lose_session(app)
    open_row(app, 2)
    assert "entry" in app.query_params


def test_what_is_chosen_in_an_open_popover_counts(app: AppTest) -> None:
    states = app._tree.get_widget_states()
    state = states.widgets.add()
    state.id, state.bool_value = app.get_by_key("filter_popover").proto.popover.id, True
    app._run(states)
    lose_session(app)
    app.multiselect(key="filter_outcomes").select("server_error").run()
    assert app.query_params["outcome"] == "server_error"
    assert app.multiselect(key="filter_outcomes").value == ["server_error"]


def test_a_page_that_stops_itself_takes_it_too(open_app: Open, app: AppTest) -> None:
    explore(app, window="9d")
    lose_session(app)
    button(app, "Reset filters").click().run()
    assert app.query_params == {"window": "7d"}


def test_a_page_that_only_runs_again_is_as_it_was(app: AppTest) -> None:
    lose_session(app)
    app.run()
    assert app.query_params == {"window": "7d", "query": "action:start"}
    assert toasts(app) == []


def test_what_is_on_the_page_no_more_is_said(app: AppTest) -> None:
    lose_session(app)
    states = app._tree.get_widget_states()
    state = states.widgets.add()
    state.id, state.trigger_value = "$$ID-0123-gone", True
    app._run(states)
    assert toasts(app) == [LOST]
    app.run()
    assert toasts(app) == []


@pytest.mark.parametrize("stored", [OFF, ON])
def test_what_another_admin_set_meanwhile_is_not_set_back(
    open_app: Open, seeded: Seeded, stored: str | None
) -> None:
    """The tab still shows what was set before: that is nobody's choice."""
    set_own_activity(seeded, ON if stored is OFF else OFF)
    app = open_app(ADMIN)
    app.session_state["access_tab"] = "Settings"
    app.run()
    app.switch_page("admin/access.py").run()
    assert app.toggle[0].value is (stored is OFF)
    set_own_activity(seeded, stored)
    lose_session(app)
    app.run()
    assert app.toggle[0].value is (stored is ON)
    app.toggle[0].set_value(stored is OFF).run()
    assert own_activity(seeded) == (ON if stored is OFF else OFF)


def set_own_activity(seeded: Seeded, value: str | None) -> None:
    with seeded.installation.state.begin() as connection:
        keep_setting(connection, organization_id=ALPHA, name=OWN_ACTIVITY, value=value)


def own_activity(seeded: Seeded) -> str | None:
    with seeded.installation.state.read() as connection:
        return read_setting(connection, organization_id=ALPHA, name=OWN_ACTIVITY)


def opened_person(app: AppTest, row: int) -> str:
    select_cell(app, row, "actor")
    return str(app.query_params.get("person", ""))


def actors(seeded: Seeded, **counts: int) -> None:
    seeded.installation.log.append(
        [
            entry(
                seeded,
                number,
                id=f"{name}-{number}-{counts}",
                actor_id=f"id-{name}",
                actor_email=f"{name}@example.org",
            )
            for name, count in counts.items()
            for number in range(count)
        ]
    )


def people(open_app: Open) -> AppTest:
    app = open_app(AUDITOR)
    app.query_params["window"] = "7d"
    app.switch_page("activity/people.py").run()
    assert not app.exception
    return app


def test_a_click_on_a_row_is_for_the_one_that_was_seen_there(
    open_app: Open, seeded: Seeded
) -> None:
    actors(seeded, ann=3, bob=2, cat=1)
    app = people(open_app)
    actors(seeded, bob=4, dan=9)
    lose_session(app)
    assert opened_person(app, 0) == "id-ann"
    assert toasts(app) == []


def test_a_click_on_a_row_that_is_not_in_the_list_any_more_opens_nothing_and_says_so(
    open_app: Open, seeded: Seeded
) -> None:
    actors(seeded, ann=1, **{f"p{number}": 2 for number in range(20)})
    app = people(open_app)
    actors(seeded, **{f"q{number}": 3 for number in range(10)})
    lose_session(app)
    assert opened_person(app, 20) == ""
    assert toasts(app) == [GONE]


def test_a_click_on_a_bar_counts_though_the_chart_was_clicked_before_and_has_more_bars(
    app: AppTest, seeded: Seeded
) -> None:
    explore(app, window="all")
    app.session_state["chart_clicks"] = 3
    app.run()
    (chart,) = app.get("plotly_chart")
    drawn = json.loads(chart.proto.spec)["data"]
    seeded.installation.log.append([entry(seeded, 2_000, action="stop", status_code=None)])
    lose_session(app)
    states = app._tree.get_widget_states()
    state = states.widgets.add()
    state.id = chart.proto.id
    points = [{"curve_number": len(drawn) - 1, "point_number": 0}]
    state.string_value = json.dumps({"selection": {"points": points}})
    app._run(states)
    assert "from" in app.query_params
    assert toasts(app) == []


def on_sandboxes(open_app: Open, **params: str | list[str]) -> AppTest:
    app = open_app(AUDITOR)
    for name, value in {"window": "all", **params}.items():
        app.query_params[name] = value
    app.switch_page("activity/sandboxes.py").run()
    assert not app.exception
    return app


def caption(app: AppTest, pattern: str) -> str:
    (found,) = [item.value for item in app.caption if re.search(pattern, item.value)]
    return str(found)


def test_a_list_of_people_goes_on_where_it_was(open_app: Open, seeded: Seeded) -> None:
    actors(seeded, **{f"p{number}": 1 for number in range(60)})
    app = people(open_app)
    button(app, "Next").click().run()
    lose_session(app)
    button(app, "Next").click().run()
    assert caption(app, "of 60").startswith("51–60 of 60")
    lose_session(app)
    select_cell(app, 0, "actor")
    assert "person" in app.query_params
    button(app, "Everybody").click().run()
    assert caption(app, "of 60").startswith("51–60 of 60")
    app.selectbox(key="people_order").select("actor").run()
    assert caption(app, "of 60").startswith("1–25 of 60")
    assert "offset" not in app.query_params


def test_a_list_of_sandboxes_goes_on_where_it_was(open_app: Open, app: AppTest) -> None:
    listed = on_sandboxes(open_app, list="targets")
    assert caption(listed, "^1 to") == "1 to 50"
    button(listed, "More").click().run()
    assert caption(listed, " to ") == "51 to 60"
    lose_session(listed)
    listed.run()
    assert caption(listed, " to ") == "51 to 60"
    lose_session(listed)
    button(listed, "Back").click().run()
    assert caption(listed, " to ") == "1 to 50"
    button(listed, "More").click().run()
    lose_session(listed)
    listed.text_input(key="target_search").set_value("box").run()
    assert caption(listed, " to ") == "1 to 50"


def test_attempts_of_chosen_outcomes_go_on_where_they_were(open_app: Open, app: AppTest) -> None:
    listed = on_sandboxes(open_app, starts=["started", "unknown"])
    first = list(listed.dataframe[0].value["sandbox"])
    lose_session(listed)
    listed.button_group(key="start_outcomes").set_value([]).run()
    assert listed.query_params["starts"] == "all"
    assert listed.button_group(key="start_outcomes").value == []
    assert list(listed.dataframe[0].value["sandbox"]) == first


def test_an_open_member_is_closed_again(open_app: Open, seeded: Seeded) -> None:
    app = open_app(ADMIN)
    app.switch_page("admin/access.py").run()
    select_cell(app, 1, "email")
    (drawer,) = app.get("dialog")
    lose_session(app)
    states = app._tree.get_widget_states()
    state = states.widgets.add()
    state.id, state.trigger_value = drawer.proto.dialog.id, True
    app._run(states)
    assert not app.get("dialog")
    assert toasts(app) == []


def test_rejections_begin_anew_and_say_so(open_app: Open, seeded: Seeded) -> None:
    with seeded.installation.state.begin() as connection:
        keep_rejections(
            connection,
            rejections=[
                Rejection(place=f"line {number}", reason="No id.", raw="{}")
                for number in range(450)
            ],
            organization_id=ALPHA,
            origin="test",
            now=seeded.clock(),
        )
    app = open_app(ADMIN)
    app.switch_page("admin/sources.py").run()
    button(app, "Older").click().run()
    lose_session(app)
    button(app, "Older").click().run()
    assert toasts(app) == [LOST]
    assert caption(app, "newest 200")
    lose_session(app)
    button(app, "Older").click().run()
    assert caption(app, "older ones")
