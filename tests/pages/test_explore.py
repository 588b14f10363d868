from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import streamlit as st

from audit_core.domain.access import Permission, Role
from audit_core.explore.layout import DEFAULT_COLUMNS
from audit_core.identity.accounts import set_membership
from audit_core.identity.memberships import memberships
from audit_core.query.time.windows import format_instant
from pages.parts.shell import cached
from tests.pages.conftest import Open
from tests.pages.explore_page import (
    asked,
    button,
    count,
    entry,
    entry_list,
    explore,
    instants,
    links,
    open_row,
    table,
    targets,
)
from tests.support.seeded import ALPHA, BETA, Seeded

AUDITOR, MEMBER, BOTH = "auditor@example.org", "member@example.org", "both@example.org"
ENTRIES = 60


@pytest.fixture(autouse=True)
def _fresh_caches() -> Iterator[None]:
    st.cache_data.clear()
    yield
    st.cache_data.clear()


@pytest.fixture
def filled(seeded: Seeded) -> Seeded:
    """One entry a minute in one organization, every tenth a failure, and some in another."""
    seeded.installation.log.append(
        [
            *(
                entry(seeded, number, status_code=500 if number % 10 == 0 else 200)
                for number in range(ENTRIES)
            ),
            *(
                entry(seeded, number, organization_id=BETA, target_id=f"beta-{number}")
                for number in range(100, 103)
            ),
        ]
    )
    return seeded


def boxes(start: int, stop: int) -> list[str]:
    return [f"box-{number}" for number in range(start, stop)]


def test_at_first_the_newest_entries_of_the_last_week_show(open_app: Open, filled: Seeded) -> None:
    app = explore(open_app(AUDITOR))
    assert not app.error
    assert not app.warning
    assert [title.value for title in app.title] == ["Explore"]
    assert count(app) == "60 entries"
    assert instants(app) == "2026-04-27 09:00:00 – 2026-05-04 09:00:00 UTC"
    assert targets(app) == boxes(0, 25)
    assert tuple(table(app).columns) == DEFAULT_COLUMNS
    assert app.query_params == {"window": "7d"}
    (chart,) = app.get("plotly_chart")
    assert chart.proto.alt.startswith("Outcomes over time: 60 entries")


@pytest.mark.parametrize("size", [10, 25, 50, 100, 200])
def test_each_page_size_shows_so_many_rows(open_app: Open, filled: Seeded, size: int) -> None:
    app = explore(open_app(AUDITOR), rows=str(size))
    assert targets(app) == boxes(0, min(size, ENTRIES))
    assert app.selectbox(key="rows_choice").value == size
    assert button(app, "Older").disabled == (size >= ENTRIES)


def test_the_page_size_is_remembered_for_the_person_also_in_another_session(
    open_app: Open, filled: Seeded
) -> None:
    app = explore(open_app(AUDITOR))
    app.selectbox(key="rows_choice").select(10).run()
    assert targets(app) == boxes(0, 10)
    assert app.query_params["rows"] == "10"
    assert len(table(explore(open_app(AUDITOR)))) == 10
    assert len(table(explore(open_app("admin@example.org")))) == 25


def test_the_back_button_brings_the_page_size_back_too(open_app: Open, filled: Seeded) -> None:
    app = explore(open_app(AUDITOR), rows="10")
    app.selectbox(key="rows_choice").select(50).run()
    assert len(table(app)) == 50
    app.query_params["rows"] = "10"
    app.run()
    assert len(table(app)) == 10
    assert app.selectbox(key="rows_choice").value == 10


def test_older_and_newer_go_through_the_list_without_loss_or_repetition(
    open_app: Open, filled: Seeded
) -> None:
    app = explore(open_app(AUDITOR))
    assert button(app, "Newer").disabled
    assert button(app, "Newest").disabled
    button(app, "Older").click().run()
    assert targets(app) == boxes(25, 50)
    button(app, "Older").click().run()
    assert targets(app) == boxes(50, 60)
    assert button(app, "Older").disabled
    button(app, "Newer").click().run()
    assert targets(app) == boxes(25, 50)
    button(app, "Newest").click().run()
    assert targets(app) == boxes(0, 25)
    assert "at" not in app.query_params


def test_what_arrives_meanwhile_shifts_no_page(open_app: Open, filled: Seeded) -> None:
    app = explore(open_app(AUDITOR), rows="10")
    button(app, "Older").click().run()
    filled.clock.pass_by(minutes=3)
    filled.installation.log.append(
        [entry(filled, number, id=f"late-{number}") for number in (0, 1)]
    )
    app.run()
    assert targets(app) == boxes(10, 20)
    button(app, "Newer").click().run()
    assert targets(app) == boxes(0, 10)
    button(app, "Newer").click().run()
    assert len(table(app)) == 2
    assert targets(app) == ["box-0", "box-1"]


@pytest.mark.parametrize(
    ("params", "sentences"),
    [
        ({"window": "9d"}, ["'9d'"]),
        ({"status": "abc", "foo": "1"}, ["'abc'", "does not know: “foo”"]),
        ({"outcome": "ok", "from_": "now"}, ["'ok'", "'now'"]),
        ({"zone": "Mars/Phobos"}, ["'Mars/Phobos'"]),
        ({"at": "elsewhere"}, ["'elsewhere'"]),
        ({"at": "older~yesterday~1~2"}, ["'yesterday'"]),
        ({"rows": "11"}, ["'11'", "10, 25, 50, 100, 200"]),
        ({"window": ["1d", "7d"]}, ["window is given 2 times"]),
        ({"text": "x" * 501}, ["501 characters"]),
    ],
)
def test_an_address_that_cannot_be_read_is_told_and_can_be_reset(
    open_app: Open, filled: Seeded, params: dict[str, str | list[str]], sentences: list[str]
) -> None:
    app = explore(open_app(AUDITOR), **params)
    assert [error.value for error in app.error] == ["The address of this page is not valid."]
    told = "\n".join(text.value for text in app.main.text)
    assert all(sentence in told for sentence in sentences)
    assert entry_list(app) is None
    button(app, "Reset filters").click().run()
    assert not app.error
    assert app.query_params == {"window": "7d"}
    assert len(table(app)) == 25


def test_what_others_add_to_a_link_is_ignored_with_a_notice(open_app: Open, filled: Seeded) -> None:
    app = explore(open_app(AUDITOR), utm_source="mail", fbclid="x", organization=BETA, rows="10")
    assert not app.error
    assert len(table(app)) == 10
    (told,) = [text.value for text in app.main.text if "does not know" in text.value]
    assert told.endswith("does not know: “utm_source”, “fbclid”, “organization”.")
    assert set(app.query_params) == {"rows", "window"}
    app.run()
    assert not [text for text in app.main.text if "does not know" in text.value]


@pytest.mark.parametrize(
    "at", ["older~0001-01-01T00:00:00Z~1~2", "newer~9999-12-31T23:59:59Z~999999999999999999~2"]
)
def test_a_place_beyond_the_list_is_an_empty_page_with_a_way_back(
    open_app: Open, filled: Seeded, at: str
) -> None:
    app = explore(open_app(AUDITOR), at=at)
    assert not app.error
    assert count(app) == "60 entries"
    assert targets(app) == []
    button(app, "Newest").click().run()
    assert targets(app) == boxes(0, 25)


def test_a_place_from_an_earlier_version_begins_again_at_the_newest_and_says_so(
    open_app: Open, filled: Seeded
) -> None:
    app = explore(open_app(AUDITOR), at="older~2026-05-04T08:30:00Z~123456789")
    assert not app.error
    assert ["an earlier version of Sandtrail" in info.value for info in app.info] == [True]
    assert "at" not in app.query_params
    assert targets(app) == boxes(0, 25)


def test_nothing_found_names_each_filter_with_what_it_keeps_away(
    open_app: Open, filled: Seeded
) -> None:
    app = explore(open_app(AUDITOR), actor="nobody", outcome="server_error", window="1h")
    assert count(app) == "0 entries"
    assert [info.value for info in app.info] == ["No entries match."]
    assert "last hour (UTC)" in app.main.text[-1].value
    # Without the user six failures are left; without the outcome there still is no such user.
    assert [item.label for item in app.button if item.label.startswith("Without")] == [
        "Without user (6)",
        "Without outcome (0)",
    ]
    assert "All time (0)" in [item.label for item in app.button]
    assert entry_list(app) is None
    button(app, "Without user (6)").click().run()
    assert app.query_params == {"window": "1h", "outcome": "server_error"}
    assert targets(app) == [f"box-{number}" for number in range(0, ENTRIES, 10)]


def test_nothing_in_the_window_offers_all_time(open_app: Open, seeded: Seeded) -> None:
    seeded.installation.log.append([entry(seeded, 30)])
    app = explore(open_app(AUDITOR), window="5m")
    assert [info.value for info in app.info] == ["No entries match."]
    assert "Choose a longer time window." in [text.value for text in app.main.text]
    button(app, "All time (1)").click().run()
    assert app.query_params == {"window": "all"}
    assert targets(app) == ["box-30"]


def test_an_organization_without_entries_says_where_they_come_from(
    open_app: Open, seeded: Seeded
) -> None:
    app = explore(open_app(AUDITOR), window="all", actor="nobody")
    assert [info.value for info in app.info] == ["This organization has no entries yet."]
    assert "Admin → Sources" in app.main.text[-1].value


def test_an_auditor_downloads_what_the_page_shows(open_app: Open, filled: Seeded) -> None:
    app = explore(open_app(AUDITOR), window="30d", outcome="server_error", text="box")
    assert list(links(app)) == ["CSV", "JSON lines", "Excel", "Parquet"]
    for format, url in zip(("csv", "jsonl", "xlsx", "parquet"), links(app).values(), strict=True):
        assert url.startswith("/api/v1/export?")
        assert asked(url) == {
            "window": ["30d"],
            "outcome": ["server_error"],
            "text": ["box"],
            "format": [format],
            "organization": [ALPHA],
            "as_of": [format_instant(filled.clock())],
        }


def test_a_member_who_may_only_read_sees_entries_and_no_download(
    open_app: Open, filled: Seeded
) -> None:
    with filled.installation.state.begin() as connection:
        set_membership(
            connection,
            account_id=filled.ids[MEMBER],
            organization_id=ALPHA,
            role=Role.MEMBER,
            grants={Permission.READ: None},
        )
    app = explore(open_app(MEMBER))
    assert len(table(app)) == 25
    assert links(app) == {}


def test_a_member_without_the_grant_sees_nothing_of_the_log(open_app: Open, filled: Seeded) -> None:
    app = explore(open_app(MEMBER), entry="entry-1")
    assert [item.value for item in app.code] == ["read:audit_logs"]
    assert entry_list(app) is None
    assert not app.get("plotly_chart")
    assert not app.title


def test_no_way_of_asking_shows_entries_of_another_organization(
    open_app: Open, filled: Seeded
) -> None:
    for params in (
        {"window": "all", "rows": "200"},
        {"window": "all", "target": [f"beta-{number}" for number in range(100, 103)]},
        {"window": "all", "text": "beta"},
        {"window": "all", "entry": "entry-100"},
    ):
        st.cache_data.clear()
        # The other organization first: whatever it left in a cache must not be served.
        with filled.installation.state.read() as connection:
            first = memberships(connection, filled.ids[BOTH], filled.clock())[0].organization_id
        both = explore(open_app(BOTH), **params)
        if first != BETA:
            both.sidebar.selectbox[0].select(BETA).run()
        explore(both, **params)
        assert "beta-100" in targets(both)

        app = explore(open_app(AUDITOR), **params)
        everything = " ".join(
            [
                *(str(item.value) for item in app.main.dataframe),
                *(item.proto.json for item in app.get("bidi_component")),
                *(item.value for item in app.main.text),
                *(item.value for item in app.main.markdown),
                *(item.proto.alt for item in app.get("plotly_chart")),
                *(str(item.proto) for item in app.get("json")),
            ]
        )
        if "target" not in params and "text" not in params:
            assert "beta-" not in everything
        if entry_list(app):
            assert all(target.startswith("box-") for target in targets(app))
        if "entry" in params:
            assert "There is no entry with this id" in app.info[0].value


def test_without_real_time_the_page_stands_until_it_is_refreshed(
    open_app: Open, filled: Seeded
) -> None:
    app = explore(open_app(AUDITOR), window="5m")
    assert targets(app) == boxes(0, 6)
    filled.clock.pass_by(minutes=10)
    filled.installation.log.append(
        [
            *(entry(filled, 0, id=f"late-{number}", target_id="late") for number in range(3)),
            entry(filled, 0, id="other", organization_id=BETA),
        ]
    )
    # What all tabs share may be lost: the page still shows what it showed.
    cached._answers_of.cache_clear()
    app.run()
    assert (targets(app), count(app)) == (boxes(0, 6), "6 entries")
    shown = open_row(app, 1)
    assert shown.query_params["entry"] == "entry-1"
    assert (targets(app), count(app)) == (boxes(0, 6), "6 entries")
    assert "3 new: refresh" in [item.label for item in app.button]
    button(app, "3 new: refresh").click().run()
    assert (targets(app), count(app)) == (["late"] * 3, "3 entries")
    assert not [item.label for item in app.button if "new: refresh" in item.label]


def test_another_filter_and_another_page_show_the_log_as_it_is(
    open_app: Open, filled: Seeded
) -> None:
    app = explore(open_app(AUDITOR), rows="10")
    filled.installation.log.append([entry(filled, 0, id="late", target_id="late")])
    app.run()
    assert "late" not in targets(app)
    app.query_params["window"] = "30d"
    app.run()
    assert targets(app)[0] == "late"
    filled.installation.log.append([entry(filled, 0, id="later", target_id="later")])
    app.switch_page("activity/people.py").run()
    assert targets(explore(app))[0] == "later"


def test_real_time_holds_the_list_still_while_an_entry_is_open(
    open_app: Open, filled: Seeded
) -> None:
    app = explore(open_app(AUDITOR), rows="10")
    app.toggle(key="live_on").set_value(True).run()
    open_row(app, 2)
    filled.installation.log.append([entry(filled, 0, id="late", target_id="late")])
    app.run()
    assert targets(app) == boxes(0, 10)
    assert any("1 new · the list waits" in item.value for item in app.caption)
    del app.query_params["entry"]
    app.run()
    assert targets(app)[0] == "late"


def test_real_time_marks_what_arrives_after_it_was_switched_on(
    open_app: Open, filled: Seeded
) -> None:
    app = explore(open_app(AUDITOR), rows="10")
    app.toggle(key="live_on").set_value(True).run()
    assert any("0 new since you switched on" in item.value for item in app.caption)
    assert set(table(app)["new"]) == {""}
    filled.clock.pass_by(seconds=10)
    filled.installation.log.append(
        [
            entry(filled, 0, id="new-1", target_id="new-1"),
            entry(filled, 0, id="new-2", target_id="beta-new", organization_id=BETA),
        ]
    )
    app.run()
    assert any("1 new since you switched on" in item.value for item in app.caption)
    assert targets(app)[0] == "new-1"
    assert list(table(app)["new"]) == ["new", *[""] * 9]
    app.toggle(key="live_on").set_value(False).run()
    assert "new" not in table(app)
    assert not any("new since" in item.value for item in app.caption)


def test_a_pause_holds_the_page_still_until_it_is_resumed(open_app: Open, filled: Seeded) -> None:
    app = explore(open_app(AUDITOR), rows="10", window="1h")
    app.toggle(key="live_on").set_value(True).run()
    button(app, "Pause").click().run()
    before, matched = targets(app), count(app)
    filled.clock.pass_by(minutes=2)
    filled.installation.log.append([entry(filled, 0, id="new-1", target_id="new-1")])
    app.run()
    assert (targets(app), count(app)) == (before, matched)
    assert any("0 new" in item.value and "paused" in item.value for item in app.caption)
    button(app, "Resume").click().run()
    assert targets(app)[0] == "new-1"
    assert any("1 new since you switched on" in item.value for item in app.caption)


def test_an_entry_that_is_finished_while_real_time_is_on_is_not_new(
    open_app: Open, filled: Seeded
) -> None:
    started = entry(filled, 1, id="slow", target_id="slow", status_code=None)
    filled.installation.log.append([started])
    app = explore(open_app(AUDITOR), rows="10")
    app.toggle(key="live_on").set_value(True).run()
    assert "In flight" in set(table(app)["outcome"])
    filled.installation.log.append(
        [entry(filled, 1, id="slow", target_id="slow", created_at=started.created_at)]
    )
    app.run()
    assert "In flight" not in set(table(app)["outcome"])
    assert any("0 new since you switched on" in item.value for item in app.caption)


def test_an_entry_dated_ahead_shows_with_its_age(open_app: Open, seeded: Seeded) -> None:
    seeded.installation.log.append([entry(seeded, -5)])
    app = explore(open_app(AUDITOR), window="1h", columns="age,time")
    assert list(table(app)["age"]) == ["in 5m"]
    ahead = seeded.clock() + timedelta(minutes=5)
    assert list(table(app)["time"]) == [f"{ahead:%Y-%m-%d %H:%M:%S}"]
