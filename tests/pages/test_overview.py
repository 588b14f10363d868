from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from audit_core.domain.access import Scope
from audit_core.domain.entries import AuditEntry
from audit_core.domain.erasure import Subject
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import Window, format_instant
from pages.parts.shell import cached
from sandtrail import BROWSER_WATCH
from tests.pages.conftest import Open
from tests.pages.explore_page import trigger
from tests.support.seeded import ALPHA, BETA, Seeded

HOSTILE = "<img src=x onerror=alert(1)> [x](javascript:alert(1))"


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    st.cache_data.clear()
    yield
    st.cache_data.clear()


def entry(seeded: Seeded, number: int, **fields: Any) -> AuditEntry:
    given: dict[str, Any] = {
        "id": f"entry-{number}",
        "actor_id": "id-ann",
        "actor_email": "ann@example.org",
        "actor_api_key_prefix": None,
        "actor_api_key_suffix": None,
        "organization_id": ALPHA,
        "action": "start",
        "target_type": "sandbox",
        "target_id": "sb-1",
        "status_code": 200,
        "error_message": None,
        "ip_address": None,
        "user_agent": None,
        "source": None,
        "metadata": None,
        "created_at": seeded.clock.now - timedelta(hours=number + 1),
    }
    return AuditEntry(**{**given, **fields})


@pytest.fixture
def filled(seeded: Seeded) -> Seeded:
    """Ten entries of the last day in one organization, and others in another one."""
    seeded.installation.log.append(
        [
            *(entry(seeded, number) for number in range(7)),
            entry(seeded, 7, status_code=404, action="stop", actor_email="bob@example.org"),
            entry(seeded, 8, status_code=500),
            entry(seeded, 9, status_code=None, action=HOSTILE),
            *(
                entry(seeded, number, organization_id=BETA, action="beta_only")
                for number in range(50, 53)
            ),
        ]
    )
    return seeded


def charts(app: AppTest) -> list[Any]:
    return [item.proto for item in app.get("plotly_chart")]


def click(app: AppTest, chart: Any, curve: int, point: int) -> AppTest:
    """Run again as after a click of the browser on a point."""
    states = app._tree.get_widget_states()
    state = states.widgets.add()
    state.id = chart.id
    selection = {"points": [{"curve_number": curve, "point_number": point}]}
    state.string_value = json.dumps({"selection": selection})
    return app._run(states)


def test_overview_shows_the_figures_of_the_window_and_their_change(
    open_app: Open, filled: Seeded
) -> None:
    app = open_app("auditor@example.org").run()
    assert not app.exception and not app.error
    assert [(item.label, item.value, item.delta) for item in app.metric] == [
        ("Entries", "10", "new"),
        ("Success rate", "77.7%", "new"),
        ("Failed starts", "1", "new"),
        ("Active users", "2", "new"),
    ]
    assert all(item.help for item in app.metric)


def test_every_chart_has_a_sentence_with_its_numbers(open_app: Open, filled: Seeded) -> None:
    app = open_app("auditor@example.org").run()
    sentences = [chart.alt for chart in charts(app)]
    assert [sentence.split(":")[0].split(" (")[0] for sentence in sentences] == [
        "Outcomes over time",
        "Errors over time",
        "Outcomes of 10 entries",
        "Errors by action and status code",
        "Most failing users",
        "Most active users",
        "Most frequent actions",
        "Entries by weekday and hour",
    ]
    assert "start, 8 · 12% failed" in sentences[6]


def test_all_time_has_no_change(open_app: Open, filled: Seeded) -> None:
    app = open_app("auditor@example.org")
    app.query_params["window"] = "all"
    app.run()
    assert {item.delta for item in app.metric} == {""}


def test_nothing_of_another_organization_shows(open_app: Open, filled: Seeded) -> None:
    both = open_app("both@example.org").run()
    assert both.metric[0].value == "10"
    assert all("beta_only" not in chart.spec for chart in charts(both))
    both.sidebar.selectbox[0].select(BETA).run()
    assert both.metric[0].value == "3"
    assert any("beta_only" in chart.spec for chart in charts(both))


def test_cached_figures_are_kept_apart_by_scope(filled: Seeded) -> None:
    entry_filter = EntryFilter(window=Window(preset="all"))
    time_range = entry_filter.window.time_range(filled.clock())
    head = 1
    numbers = [
        cached.answer(
            head,
            cached.reader().summary,
            Query(entry_filter, Scope(organization_id=item), time_range),
        ).entries
        for item in (ALPHA, BETA, "org-nobody")
    ]
    assert numbers == [10, 3, 0]
    narrow = Scope(organization_id=ALPHA, actor_id="id-nobody")
    assert (
        cached.answer(
            head, cached.reader().summary, Query(entry_filter, narrow, time_range)
        ).entries
        == 0
    )


def test_no_cached_figure_outlives_an_erasure(filled: Seeded) -> None:
    entry_filter = EntryFilter(window=Window(preset="all"))
    time_range = entry_filter.window.time_range(filled.clock())
    query = Query(entry_filter, Scope(organization_id=ALPHA), time_range)
    log = filled.installation.log
    head = log.head(ALPHA)

    def actors() -> str:
        return repr(cached.answer(head, cached.reader().actors, query, 10).items)

    assert "ann@example.org" in actors()
    assert "ann@example.org" in cached.values("actor", query.scope)
    subject = Subject(organization_id=ALPHA, actor_ids=frozenset({"id-ann"}), addresses=frozenset())
    log.erasing.erase(subject, pseudonym="erased:0123456789abcdef")
    assert log.head(ALPHA) == head
    assert "ann@example.org" not in actors()
    assert "ann@example.org" not in cached.values("actor", query.scope)


def test_nothing_is_cached_without_the_scope_it_was_asked_in() -> None:
    with pytest.raises(TypeError, match="without a scope"):
        cached.answer(1, lambda number: number, 7)


def test_a_click_narrows_the_filter_and_the_next_chart_begins_unselected(
    open_app: Open, filled: Seeded
) -> None:
    app = open_app("auditor@example.org").run()
    before = charts(app)[6].id
    click(app, charts(app)[6], 0, 0)
    assert not app.exception
    assert app.query_params["action"] == "start"
    assert app.query_params["outcome"] == ["client_error", "server_error"]
    assert app.metric[0].value == "1"
    assert charts(app)[6].id != before


def test_a_click_on_a_bar_of_time_asks_for_that_time(open_app: Open, filled: Seeded) -> None:
    app = open_app("auditor@example.org").run()
    click(app, charts(app)[0], 0, 0)
    assert app.query_params["outcome"] == "success"
    assert app.query_params["from"] == "2026-05-04T02:00:00Z"
    assert app.query_params["to"] == "2026-05-04T04:00:00Z"


def test_a_click_that_no_chart_has_changes_nothing(open_app: Open, filled: Seeded) -> None:
    app = open_app("auditor@example.org").run()
    click(app, charts(app)[6], 99, 0)
    assert not app.exception
    assert "action" not in app.query_params
    assert app.metric[0].value == "10"


def test_hostile_log_text_stands_in_charts_as_text_and_nowhere_else(
    open_app: Open, filled: Seeded
) -> None:
    app = open_app("auditor@example.org").run()
    assert any("&lt;img" in str(json.loads(chart.spec)) for chart in charts(app))
    assert all("<img" not in chart.spec for chart in charts(app))
    written = [*app.markdown, *app.caption, *app.header, *app.metric]
    assert all("onerror" not in str(item.value) for item in written)


def test_nothing_found_names_the_filters_to_loosen_and_draws_no_chart(
    open_app: Open, filled: Seeded
) -> None:
    app = open_app("auditor@example.org")
    app.query_params["action"] = "nothing_like_it"
    app.run()
    assert not app.exception
    assert len(app.info) == 1
    assert any(item.label.startswith("Without action") for item in app.button)
    assert not charts(app) and not app.metric


def test_an_address_that_cannot_be_read_says_so(open_app: Open, filled: Seeded) -> None:
    app = open_app("auditor@example.org")
    app.query_params["window"] = "9y"
    app.run()
    assert "is not valid" in app.error[0].value
    assert not app.exception and not charts(app)


def test_without_errors_the_card_says_so(open_app: Open, filled: Seeded) -> None:
    app = open_app("auditor@example.org")
    app.query_params["outcome"] = "success"
    app.run()
    assert "No errors here." in [item.value for item in app.caption]
    assert len(charts(app)) == 5


def unusual(app: AppTest) -> list[str]:
    return [item.value for item in app.main.text]


def links(app: AppTest) -> list[str]:
    return [item.proto.query_string for item in app.get("page_link") if item.proto.query_string]


@pytest.fixture
def known(seeded: Seeded) -> Seeded:
    """An organization with a history: ann works from one address, each weekday at noon."""
    noon = seeded.clock.now.replace(hour=12, minute=0)
    worked = [
        entry(
            seeded,
            1000 + day * 2 + part,
            created_at=noon - timedelta(days=day, minutes=part),
            ip_address="192.0.2.1",
        )
        for day in range(1, 60)
        for part in range(2)
    ]
    seeded.installation.log.append(worked)
    return seeded


def test_a_log_without_history_says_that_it_cannot_judge(open_app: Open, filled: Seeded) -> None:
    app = open_app("auditor@example.org").run()
    assert any("it takes 7 days of entries before this week" in item.value for item in app.info)
    assert not links(app)


def test_nothing_unusual_is_said_in_words(open_app: Open, known: Seeded) -> None:
    app = open_app("auditor@example.org").run()
    assert [item.value.split(":")[0] for item in app.success] == ["Nothing unusual"]


def test_what_is_unusual_is_told_with_links_to_its_entries(open_app: Open, known: Seeded) -> None:
    now = known.clock.now
    known.installation.log.append(
        [
            # The same address, written otherwise, is not new; nor is one of another organization.
            entry(known, 1, ip_address="::ffff:192.0.2.1"),
            entry(known, 2, ip_address="203.0.113.9", organization_id=BETA),
            entry(known, 3, ip_address="203.0.113.7", action="delete"),
            entry(known, 4, ip_address="203.0.113.7", status_code=500, error_message=HOSTILE),
            entry(known, 5, actor_id="id-new", actor_email=HOSTILE, ip_address="203.0.113.8"),
        ]
    )
    app = open_app("auditor@example.org").run()
    assert not app.exception
    address, newcomer, error = unusual(app)
    assert address == (
        "ann@example.org came from an address not seen before, 203.0.113.7: "
        "2 entries, 1 of them deleting something or changing access."
    )
    assert newcomer.startswith(f"{HOSTILE} was seen for the first time, since ")
    assert error.endswith(": once, by one user.")
    assert any("person=id-ann" in link for link in links(app))
    (entries,) = (link for link in links(app) if "ip=203.0.113.7" in link)
    assert "actor=id-ann" in entries
    assert f"to={format_instant(now.replace(minute=0) + timedelta(hours=1))[:13]}" in unquote(
        entries
    )
    told = [*app.markdown, *app.caption, *app.header, *app.success]
    assert not any("onerror" in str(item.value) for item in told)


def test_a_series_that_was_hidden_stays_hidden_with_other_figures(
    open_app: Open, filled: Seeded
) -> None:
    app = open_app("auditor@example.org").run()
    said = {"chart": "outcomes_over_time", "hidden": ["success", "made up", 7]}
    trigger(app, BROWSER_WATCH, "legend", said)
    assert hidden(app, "outcomes_over_time") == {"success"}
    assert hidden(app, "errors_over_time") == set()
    app.selectbox(key="filter_window").select("30d").run()
    app.switch_page("activity/explore.py").run()
    assert hidden(app, "outcomes_over_time") == {"success"}
    trigger(app, BROWSER_WATCH, "legend", {"chart": "outcomes_over_time", "hidden": []})
    assert hidden(app, "outcomes_over_time") == set()


@pytest.mark.parametrize(
    "said", [None, [], {}, {"chart": "gone", "hidden": ["success"]}, {"chart": ["x"], "hidden": 1}]
)
def test_what_the_browser_makes_up_hides_nothing(
    open_app: Open, filled: Seeded, said: object
) -> None:
    app = open_app("auditor@example.org").run()
    trigger(app, BROWSER_WATCH, "legend", said)
    assert not app.exception
    assert hidden(app, "outcomes_over_time") == set()


def hidden(app: AppTest, name: str) -> set[str]:
    """The series of a chart that only its legend shows."""
    (spec,) = (
        json.loads(item.proto.spec)
        for item in app.get("plotly_chart")
        if item.proto.id.split("-", 2)[-1].startswith(name)
    )
    return {trace["meta"] for trace in spec["data"] if trace.get("visible") == "legendonly"}
