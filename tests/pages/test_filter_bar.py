from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from audit_core.query.entry_filter import VALUE_FIELDS
from audit_core.query.limits import MAX_VALUES
from audit_core.query.time.presets import PRESETS
from audit_core.state.organization_settings import keep_setting
from pages.parts.filters import filter_bar, zone_switch
from pages.parts.filters.filter_chips import KEY
from tests.pages.conftest import Open
from tests.pages.explore_page import (
    button,
    count,
    entry,
    entry_list,
    explore,
    instants,
    open_filters,
    table,
    targets,
)
from tests.support.seeded import ALPHA, BETA, Seeded

AUDITOR = "auditor@example.org"


@pytest.fixture(autouse=True)
def _fresh_caches() -> Iterator[None]:
    st.cache_data.clear()
    yield
    st.cache_data.clear()


@pytest.fixture
def filled(seeded: Seeded) -> Seeded:
    """Entries of two people and several kinds, and one of another organization."""
    seeded.installation.log.append(
        [
            entry(seeded, 1),
            entry(seeded, 2, status_code=404, error_message="Sandbox not found"),
            entry(seeded, 3, status_code=500, source="cli", ip_address="10.0.0.1"),
            entry(seeded, 4, status_code=None, actor_id="runner", actor_email=""),
            entry(seeded, 5, action="=1+1", target_type=None, target_id=None),
            entry(seeded, 60 * 24 * 20),
            entry(
                seeded,
                7,
                organization_id=BETA,
                actor_email="secret@beta.example",
                action="beta_action",
                source="beta-source",
                ip_address="192.0.2.7",
                target_type="beta_type",
            ),
        ]
    )
    return seeded


@pytest.fixture
def app(open_app: Open, filled: Seeded) -> AppTest:
    return explore(open_app(AUDITOR))


def chips(app: AppTest) -> list[str]:
    """What the page says that it filters by."""
    return [str(chip) for item in app.multiselect if item.key == KEY for chip in item.value]


def test_a_chosen_value_is_in_the_address_in_the_sentence_and_in_the_rows(app: AppTest) -> None:
    open_filters(app)
    app.multiselect(key="filter_outcomes").select("server_error").run()
    assert not app.exception
    assert app.query_params == {"window": "7d", "outcome": "server_error"}
    assert chips(app) == ["outcome Server error"]
    assert targets(app) == ["box-3"]
    app.multiselect(key="filter_outcomes").select("in_flight").run()
    assert targets(app) == ["box-3", "box-4"]
    assert app.query_params["outcome"] == ["in_flight", "server_error"]


def test_the_address_sets_every_widget(open_app: Open, filled: Seeded) -> None:
    app = explore(
        open_app(AUDITOR),
        window="30d",
        zone="Europe/Berlin",
        actor=["ann@example.org", "runner"],
        status=["0", "404"],
        source="-",
        text="Not Found",
        query="action:start",
    )
    open_filters(app)
    assert app.selectbox(key="filter_window").value == "30d"
    assert app.selectbox(key="filter_zone").value == "Europe/Berlin"
    assert app.text_input(key="filter_query").value == "action:start"
    assert "text “Not Found”" in chips(app)
    assert app.multiselect(key="filter_actors").value == ["ann@example.org", "runner"]
    assert app.multiselect(key="filter_status_codes").value == ["0", "404"]
    assert app.multiselect(key="filter_sources").value == ["-"]
    assert targets(app) == ["box-2"]
    # The address stays as it was given, and so does the one of a click on Back.
    app.query_params["actor"] = "nobody"
    app.run()
    assert app.multiselect(key="filter_actors").value == ["nobody"]
    assert count(app) == "0 entries"


def test_every_field_of_the_filter_has_its_widget(app: AppTest) -> None:
    assert not app.multiselect
    open_filters(app)
    assert [each.label for each in app.multiselect] == [item.label for item in VALUE_FIELDS][
        ::2
    ] + [item.label for item in VALUE_FIELDS][1::2]


def test_the_options_are_those_of_the_own_organization(app: AppTest) -> None:
    open_filters(app)
    offered = {each.label: each.options for each in app.multiselect}
    assert offered["User"] == ["ann@example.org", "runner"]
    assert offered["Action"] == ["start", "=1+1"]
    assert offered["Status code"] == ["200", "404", "500"]
    assert offered["Source"] == ["cli", "(none)"]
    assert offered["IP address"] == ["10.0.0.1", "(none)"]
    assert offered["Target type"] == ["sandbox", "(none)"]
    assert "Access and security" in offered["Category"]
    assert "Unanswered" in offered["Outcome"]
    assert "beta" not in str(offered)


def test_chips_are_removed_one_by_one(open_app: Open, filled: Seeded) -> None:
    app = explore(
        open_app(AUDITOR), window="30d", status=["500", "404"], query="action:start -ip:none"
    )
    assert chips(app) == [
        "status code 404",
        "status code 500",
        "action is start",
        "IP address is given",
    ]
    app.multiselect(key=KEY).unselect("status code 500").run()
    assert app.query_params["status"] == "404"
    app.multiselect(key=KEY).unselect("action is start").run()
    assert not app.exception
    assert app.query_params == {"window": "30d", "status": "404", "query": "ip:*"}
    app.multiselect(key=KEY).set_value([]).run()
    assert app.query_params == {"window": "30d"}


def test_clearing_keeps_the_window_and_nothing_else(open_app: Open, filled: Seeded) -> None:
    app = explore(open_app(AUDITOR), window="30d", actor="nobody", text="x", status="500")
    button(app, "Clear filters").click().run()
    assert app.query_params == {"window": "30d"}
    assert chips(app) == []
    assert count(app) == "6 entries"


@pytest.mark.parametrize("preset", PRESETS)
def test_every_window_can_be_chosen_and_is_said_with_its_zone(app: AppTest, preset: str) -> None:
    app.selectbox(key="filter_window").select(preset).run()
    assert not app.exception
    assert app.query_params == {"window": preset}
    assert count(app).endswith(("entries", "entry"))
    assert instants(app).endswith(" UTC")


def test_a_zone_changes_what_is_shown_and_not_what_is_found(app: AppTest) -> None:
    app.selectbox(key="filter_zone").select("…").run()
    app.selectbox(key="filter_any_zone").select("Asia/Kolkata").run()
    assert app.query_params == {"window": "7d", "zone": "Asia/Kolkata"}
    assert count(app) == "5 entries"
    labels = [column["label"] for column in entry_list(app)["columns"]]
    assert "Time (Asia/Kolkata)" in labels
    assert table(app)["time"][0] == "2026-05-04 14:29:00"
    assert instants(app) == (
        "2026-04-27 14:30:00 – 2026-05-04 14:30:00 Asia/Kolkata (UTC+05:30) · "
        "2026-04-27 09:00:00 – 2026-05-04 09:00:00 UTC"
    )


def test_a_fixed_window_begins_as_the_same_stretch_of_time_and_its_ends_move(
    app: AppTest,
) -> None:
    app.selectbox(key="filter_window").select("1d").run()
    app.selectbox(key="filter_window").select("fixed").run()
    assert app.query_params == {"from": "2026-05-03T09:01:00Z", "to": "2026-05-04T09:01:00Z"}
    assert count(app) == "5 entries"
    until = app.get("date_time_input")[1]
    assert until.value == datetime(2026, 5, 4, 9, 1)  # noqa: DTZ001 - as the clocks show it
    until.set_value(datetime(2026, 5, 4, 8, 57)).run()  # noqa: DTZ001
    assert app.query_params["to"] == "2026-05-04T08:57:00Z"
    assert targets(app)[:1] == ["box-4"]


def test_ends_are_read_in_the_chosen_zone(open_app: Open, filled: Seeded) -> None:
    app = explore(open_app(AUDITOR), from_="2026-05-04T00:00:00Z", zone="Europe/Berlin")
    since = app.get("date_time_input")[0]
    assert since.label == "From (Europe/Berlin)"
    assert since.value == datetime(2026, 5, 4, 2, 0)  # noqa: DTZ001
    since.set_value(datetime(2026, 5, 4, 10, 58)).run()  # noqa: DTZ001
    assert app.query_params["from"] == "2026-05-04T08:58:00Z"
    assert targets(app) == ["box-1", "box-2"]


def test_an_end_before_the_beginning_is_refused_with_both_times(
    open_app: Open, filled: Seeded
) -> None:
    app = explore(open_app(AUDITOR), from_="2026-05-04T08:00:00Z", to="2026-05-04T09:00:00Z")
    app.get("date_time_input")[1].set_value(datetime(2026, 5, 4, 7, 0)).run()  # noqa: DTZ001
    assert [warning.value for warning in app.warning] == ["Filter not changed"]
    told = " ".join(text.value for text in app.main.text)
    assert "2026-05-04T07:00:00" in told
    assert "2026-05-04T08:00:00" in told
    assert app.query_params["to"] == "2026-05-04T09:00:00Z"
    app.run()
    assert not app.warning


def test_a_value_that_is_none_is_refused_and_the_filter_stays(app: AppTest) -> None:
    open_filters(app)
    for field, value, problem in (
        ("status_codes", "teapot", "'teapot' is not a status code"),
        ("targets", "x" * 501, "501 characters"),
    ):
        widget = app.multiselect(key=f"filter_{field}")
        widget.set_value([value]).run()
        assert not app.exception
        assert [warning.value for warning in app.warning] == ["Filter not changed"]
        assert any(problem in text.value for text in app.main.text)
        assert app.query_params == {"window": "7d"}
        assert count(app) == "5 entries"


def test_too_many_values_are_refused_and_the_filter_stays(app: AppTest) -> None:
    open_filters(app)
    many = [f"target-{number}" for number in range(MAX_VALUES + 1)]
    app.multiselect(key="filter_targets").set_value(many).run()
    assert not app.exception
    assert any("at most 200" in text.value for text in app.main.text)
    assert app.query_params == {"window": "7d"}


def test_typed_text_is_searched_without_the_blanks_around_it(app: AppTest) -> None:
    app.text_input(key="filter_query").set_value("  Not FOUND ").run()
    assert app.query_params == {"window": "7d", "query": "Not FOUND"}
    assert targets(app) == ["box-2"]
    app.text_input(key="filter_query").set_value("").run()
    assert app.query_params == {"window": "7d"}


def test_a_change_of_the_filter_leaves_the_place_in_the_former_list(
    open_app: Open, filled: Seeded
) -> None:
    app = explore(
        open_app(AUDITOR), at="older~2026-05-04T08:58:00Z~2~2", entry="entry-1", rows="50"
    )
    app.text_input(key="filter_query").set_value("box").run()
    assert app.query_params == {"window": "7d", "query": "box", "rows": "50"}


def test_a_page_without_parameters_shows_the_filter_of_the_page_before(app: AppTest) -> None:
    app.text_input(key="filter_query").set_value("box-3").run()
    app.switch_page("activity/overview.py")
    app.query_params.clear()
    app.run()
    assert app.query_params == {"window": "7d", "query": "box-3"}
    assert app.metric[0].value == "1"


def test_every_parameter_of_the_pages_is_known_to_the_bar() -> None:
    assert set(filter_bar.PLACE_PARAMS) < set(filter_bar.KNOWN_ELSEWHERE)


def test_the_seconds_of_a_link_survive_a_widget_that_knows_none(
    open_app: Open, filled: Seeded
) -> None:
    window = {"from_": "2026-05-04T08:55:31Z", "to": "2026-05-04T08:58:07.5Z"}
    app = explore(open_app(AUDITOR), **window)
    before = app.query_params["to"]
    (since, until) = app.get("date_time_input")
    for widget, minute in ((until, 58), (since, 55)):
        widget.set_value(datetime(2026, 5, 4, 8, minute)).run()  # noqa: DTZ001
    assert app.query_params["to"] == before
    assert app.query_params["from"] == "2026-05-04T08:55:31Z"


def set_zone(seeded: Seeded, zone: str) -> None:
    with seeded.installation.state.begin() as connection:
        keep_setting(connection, organization_id=ALPHA, name="zone", value=zone)


def test_the_switch_names_the_zones_that_people_want() -> None:
    assert list(zone_switch.roles("UTC", "Europe/Berlin", "Asia/Tokyo").items()) == [
        ("Europe/Berlin", "Europe/Berlin (browser)"),
        ("Asia/Tokyo", "Asia/Tokyo (organization)"),
        ("UTC", "UTC"),
    ]
    assert list(zone_switch.roles("Asia/Tokyo", "Europe/Berlin", "Europe/Berlin").items()) == [
        ("Europe/Berlin", "Europe/Berlin"),
        ("UTC", "UTC"),
        ("Asia/Tokyo", "Asia/Tokyo"),
    ]
    assert zone_switch.roles("UTC", "Mars/Phobos", "UTC") == {"UTC": "UTC (organization)"}


def test_a_first_visit_is_in_the_zone_of_the_organization_and_a_link_in_its_own(
    open_app: Open, filled: Seeded
) -> None:
    set_zone(filled, "Asia/Kolkata")
    assert explore(open_app("auditor@example.org")).query_params == {
        "window": "7d",
        "zone": "Asia/Kolkata",
    }
    linked = explore(open_app("auditor@example.org"), window="7d")
    assert linked.query_params == {"window": "7d"}
    assert linked.selectbox(key="filter_zone").value == "UTC"
    linked.selectbox(key="filter_zone").select("Asia/Kolkata").run()
    assert linked.query_params["zone"] == "Asia/Kolkata"
