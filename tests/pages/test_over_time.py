from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from audit_core.query.entry_filter import EntryFilter
from pages.parts.entries import over_time
from pages.parts.shell import cached
from sandtrail import BROWSER_WATCH
from tests.pages.conftest import Open
from tests.pages.explore_page import button, count, entry, explore, targets, trigger
from tests.support.seeded import Seeded

AUDITOR = "auditor@example.org"


@pytest.fixture(autouse=True)
def _fresh_caches() -> Iterator[None]:
    st.cache_data.clear()
    yield
    st.cache_data.clear()


@pytest.fixture
def filled(seeded: Seeded) -> Seeded:
    """One entry an hour, by ten users in turn; every sixth has no source."""
    seeded.installation.log.append(
        [
            entry(
                seeded,
                number * 60 + 1,
                actor_email=f"user-{number % 10}@example.org"
                if number < 40
                else "most@example.org",
                source=None if number % 6 == 0 else "cli",
            )
            for number in range(60)
        ]
    )
    return seeded


def chart(app: AppTest) -> Any:
    return app.get("plotly_chart")[0].proto


def legend(app: AppTest) -> list[str]:
    return [trace["name"] for trace in json.loads(chart(app).spec)["data"]]


def select(app: AppTest, **selection: Any) -> AppTest:
    """Run again as after a click of the browser on the chart."""
    states = app._tree.get_widget_states()
    state = states.widgets.add()
    state.id = chart(app).id
    state.string_value = json.dumps({"selection": {"points": [], "box": [], **selection}})
    return app._run(states)


def drag(app: AppTest, first: object, last: object) -> AppTest:
    """Run again as after a drag of the browser over the chart."""
    value = {"chart": "outcomes_over_time", "edges": [first, last]}
    return trigger(app, BROWSER_WATCH, "drag", value)


def buttons(app: AppTest) -> list[str]:
    return [item.label for item in app.button]


def test_the_chart_is_stacked_by_what_the_address_says(open_app: Open, filled: Seeded) -> None:
    app = explore(open_app(AUDITOR))
    assert legend(app) == ["Success 60"]
    app.selectbox(key="stack_choice").select("actor").run()
    assert app.query_params["stack"] == "actor"
    assert legend(app)[0] == "most@example.org 20"
    assert legend(app)[-1] == "4 other values 16"
    assert len(legend(app)) == 8
    assert chart(app).alt.startswith("Entries over time by user: 60 entries")
    app.selectbox(key="stack_choice").select("source").run()
    assert legend(app) == ["cli 50", "(none) 10"]
    assert count(app) == "60 entries"
    app.selectbox(key="stack_choice").select("outcome").run()
    assert "stack" not in app.query_params


def test_a_stack_that_is_not_known_is_told(open_app: Open, filled: Seeded) -> None:
    app = explore(open_app(AUDITOR), stack="password")
    assert [error.value for error in app.error] == ["The address of this page is not valid."]
    assert "'password', and not one of actor, key" in "".join(item.value for item in app.text)


def test_a_click_asks_for_the_time_and_the_value(open_app: Open, filled: Seeded) -> None:
    app = explore(open_app(AUDITOR), stack="source")
    select(app, points=[{"curve_number": 1, "point_number": 0}])
    assert not app.exception
    assert app.query_params["query"] == "source:none"
    assert app.query_params["stack"] == "source"
    assert "from" in app.query_params
    # The others together are no value to ask for: the click asks for their time only.
    app = explore(open_app(AUDITOR), stack="actor")
    select(app, points=[{"curve_number": 7, "point_number": 0}])
    assert "query" not in app.query_params
    assert "from" in app.query_params


def test_a_drag_narrows_to_whole_bars_and_zoom_out_goes_back(
    open_app: Open, filled: Seeded
) -> None:
    app = explore(open_app(AUDITOR))
    assert "Zoom out" not in buttons(app)
    # The widest windows have bars of two hours here.
    drag(app, "2026-05-03 09:59:12.3456", "2026-05-03 15:30:00")
    assert app.query_params == {"from": "2026-05-03T08:00:00Z", "to": "2026-05-03T16:00:00Z"}
    assert count(app) == "8 entries"
    drag(app, "2026-05-03 10:31", "2026-05-03 10:32")
    narrowest = dict(app.query_params)
    assert count(app) == "0 entries"
    assert narrowest != {"from": "2026-05-03T08:00:00Z", "to": "2026-05-03T16:00:00Z"}
    button(app, "Zoom out").click().run()
    assert app.query_params == {"from": "2026-05-03T08:00:00Z", "to": "2026-05-03T16:00:00Z"}
    button(app, "Zoom out").click().run()
    assert app.query_params == {"window": "7d"}
    assert "Zoom out" not in buttons(app)


def test_a_window_that_was_chosen_otherwise_has_no_way_back(open_app: Open, filled: Seeded) -> None:
    app = explore(open_app(AUDITOR))
    drag(app, "2026-05-03 10:00", "2026-05-03 12:00")
    app.selectbox(key="filter_window").select("1d").run()
    assert "Zoom out" not in buttons(app)


@pytest.mark.parametrize(
    "edges", [(None, None), ("x", "y"), ("2026-05-03T10:00:00Z", "2026-05-03T12:00:00Z"), (1, 2)]
)
def test_a_drag_that_the_browser_makes_up_changes_nothing(
    open_app: Open, filled: Seeded, edges: tuple[object, object]
) -> None:
    app = explore(open_app(AUDITOR))
    drag(app, *edges)
    assert not app.exception
    assert app.query_params == {"window": "7d"}


def test_a_chart_that_took_too_long_is_not_tried_again_and_drawn_on_request(
    open_app: Open, filled: Seeded
) -> None:
    app = open_app(AUDITOR)
    app.session_state["over_time_given_up"] = ("outcome", EntryFilter())
    explore(app)
    assert len(targets(app)) == 25
    assert not app.get("plotly_chart")
    assert [info.value for info in app.info] == ["This chart takes longer than 3 seconds."]
    assert count(app) == "60 entries"
    button(app, "Draw anyway").click().run()
    assert legend(app) == ["Success 60"]


def test_without_the_chart_entries_are_counted_so_far_until_somebody_asks(
    open_app: Open, filled: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(over_time, "read", lambda *_: None)
    monkeypatch.setattr(over_time, "MAX_COUNTED", 50)
    app = explore(open_app(AUDITOR))
    assert count(app) == "50+ entries"
    button(app, "Count exactly").click().run()
    assert count(app) == "60 entries"
    assert "Count exactly" not in buttons(app)
    app = explore(open_app(AUDITOR), actor="most@example.org")
    assert count(app) == "20 entries"
    assert "Count exactly" not in buttons(app)


def test_real_time_is_cleared_and_tells_what_is_not_on_the_page(
    open_app: Open, filled: Seeded
) -> None:
    app = explore(open_app(AUDITOR), rows="10")
    app.toggle(key="live_on").set_value(True).run()
    filled.clock.pass_by(minutes=1)
    filled.installation.log.append([entry(filled, 0, id=f"new-{number}") for number in range(13)])
    app.run()
    told = "13 new since you switched on · 3 of them not on this page"
    assert any(told in item.value for item in app.caption)
    button(app, "Pause").click().run()
    button(app, "Clear").click().run()
    assert any("0 new since you cleared · paused" in item.value for item in app.caption)
    filled.installation.log.append([entry(filled, 0, id="newest", target_id="newest")])
    app.run()
    assert "newest" not in targets(app)
    button(app, "Resume").click().run()
    assert targets(app)[0] == "newest"
    assert any("1 new since you cleared" in item.value for item in app.caption)


def test_the_way_of_clocks_that_change_is_written_with_both_offsets() -> None:
    at = cached.utc_now().replace(2026, 10, 20, 12, 0, 0, 0)
    assert over_time.instants(at, at + timedelta(days=10), "Europe/Berlin") == (
        "2026-10-20 14:00:00 – 2026-10-30 13:00:00 Europe/Berlin (UTC+02:00, then UTC+01:00) · "
        "2026-10-20 12:00:00 – 2026-10-30 12:00:00 UTC"
    )
    assert over_time.instants(None, at, "UTC") == "the first entry – 2026-10-20 12:00:00 UTC"
