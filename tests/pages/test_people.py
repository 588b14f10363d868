from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from audit_core.domain.access import Permission, Role
from audit_core.identity.memberships import set_membership
from audit_core.state.organization_settings import (
    ON,
    OWN_ACTIVITY,
    keep_setting,
    read_setting,
)
from sandtrail import SUGGESTIONS
from tests.pages.conftest import Open
from tests.pages.explore_page import entry_list, table
from tests.support.seeded import ALPHA, BETA, Seeded
from tests.support.strategies import entry

PAGE = "activity/people.py"
HOSTILE = "<img src=x onerror=alert(1)> [x](javascript:alert(1))"
MEMBER = "member@example.org"


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    st.cache_data.clear()
    yield
    st.cache_data.clear()


def made(seeded: Seeded, number: int, **fields: Any) -> Any:
    given: dict[str, Any] = {
        "actor_id": "id-member",
        "actor_email": MEMBER,
        "organization_id": ALPHA,
        "created_at": seeded.clock.now - timedelta(hours=number + 1),
        "ip_address": "10.0.0.1",
        "actor_api_key_prefix": "dtn_me",
        "actor_api_key_suffix": "9f",
        "source": "cli",
        "user_agent": "agent/1",
    }
    return entry(f"entry-{number}", **{**given, **fields})


@pytest.fixture
def filled(seeded: Seeded) -> Seeded:
    """A member with a past, two others, one of them hostile, and another organization."""
    seeded.installation.log.append(
        [
            *(made(seeded, number, target_id=f"sb-{number % 3}") for number in range(8)),
            made(seeded, 8, status_code=500, ip_address="203.0.113.7"),
            made(seeded, 9, created_at=seeded.clock.now - timedelta(days=40)),
            made(
                seeded,
                10,
                action="create",
                target_type="api_key",
                target_id="key-1",
                metadata='{"body":{"name":"nightly"}}',
            ),
            *(
                made(seeded, number, actor_id="id-other", actor_email="other@example.org")
                for number in range(20, 24)
            ),
            made(
                seeded,
                30,
                actor_id=HOSTILE,
                actor_email=HOSTILE,
                action=HOSTILE,
                target_id=HOSTILE,
                ip_address=HOSTILE,
                user_agent=HOSTILE,
                actor_api_key_prefix=HOSTILE,
            ),
            made(seeded, 40, organization_id=BETA, actor_id="id-beta", action="beta_only"),
        ]
    )
    return seeded


def allow(seeded: Seeded, value: str | None = ON) -> None:
    with seeded.installation.state.begin() as connection:
        keep_setting(connection, organization_id=ALPHA, name=OWN_ACTIVITY, value=value)


def opened(app: AppTest, **params: str) -> AppTest:
    app.run()
    for name, value in params.items():
        app.query_params[name] = value
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


def everything(app: AppTest) -> str:
    """All that the page sends to the browser."""
    frames = str([item.value.to_dict() for item in app.dataframe])
    return str(app._tree) + frames + str([item.proto.json for item in app.get("bidi_component")])


def components(app: AppTest) -> set[str]:
    """The names of our own that are on the page."""
    return {item.proto.component_name for item in app.get("bidi_component")}


def refused(app: AppTest) -> bool:
    return "You do not have access to this page" in [item.value for item in app.header]


def click(app: AppTest, chart: Any, curve: int, point: int) -> AppTest:
    states = app._tree.get_widget_states()
    state = states.widgets.add()
    state.id = chart.id
    selection = {"points": [{"curve_number": curve, "point_number": point}]}
    state.string_value = json.dumps({"selection": selection})
    return app._run(states)


def test_the_list_holds_who_acted_and_nobody_of_another_organization(
    open_app: Open, filled: Seeded
) -> None:
    app = opened(open_app("auditor@example.org"))
    listed = app.dataframe[0].value
    assert dict(zip(listed["actor"], listed["entries"], strict=True)) == {
        MEMBER: 10,
        "other@example.org": 4,
        HOSTILE: 1,
    }
    assert listed["addresses"].tolist()[0] == 2
    assert "id-beta" not in everything(app)
    assert app.main.caption[-1].value.startswith("1–3 of 3.")


def test_a_search_and_a_kind_narrow_the_list(open_app: Open, filled: Seeded) -> None:
    app = opened(open_app("auditor@example.org"))
    (search,) = [item for item in app.text_input if item.label == "Search"]
    search.set_value("OTHER@").run()
    assert app.dataframe[0].value["actor"].tolist() == ["other@example.org"]
    search.set_value("nobody").run()
    assert "Nobody matches" in app.info[0].value


def test_the_address_says_kind_search_and_sort(open_app: Open, filled: Seeded) -> None:
    app = opened(open_app("auditor@example.org"), kind="people", sort="entries", ascending="1")
    assert app.dataframe[0].value["actor"].tolist()[-1] == MEMBER
    (search,) = [item for item in app.text_input if item.label == "Search"]
    search.set_value("OTHER@").run()
    assert not app.exception
    assert app.dataframe[0].value["actor"].tolist() == ["other@example.org"]
    assert {name: app.query_params[name] for name in ("kind", "search", "ascending")} == {
        "kind": "people",
        "search": "OTHER@",
        "ascending": "1",
    }


def test_the_choices_are_there_again_after_another_page(open_app: Open, filled: Seeded) -> None:
    app = opened(open_app("auditor@example.org"), sort="actor", ascending="1")
    names = app.dataframe[0].value["actor"].tolist()
    assert names == sorted(names)
    app.switch_page("activity/overview.py").run()
    app.query_params.clear()
    app.switch_page(PAGE).run()
    assert not app.exception
    assert app.dataframe[0].value["actor"].tolist() == names
    assert app.query_params["sort"] in ("actor", ["actor"])


def test_choices_that_do_not_exist_are_left_out(open_app: Open, filled: Seeded) -> None:
    app = opened(open_app("auditor@example.org"), kind="robots", sort="luck", ascending="maybe")
    assert len(app.dataframe[0].value) == 3
    assert not {"kind", "sort", "ascending"} & set(app.query_params)


def test_one_person_has_timeline_news_sessions_keys_and_entries(
    open_app: Open, filled: Seeded
) -> None:
    # Enough of a past to call something new.
    filled.installation.log.append(
        [
            made(filled, number, created_at=filled.clock.now - timedelta(days=30, minutes=number))
            for number in range(200, 220)
        ]
    )
    app = opened(open_app("auditor@example.org"), person="id-member")
    assert [item.value for item in app.main.header] == [
        "Timeline",
        "New for this actor",
        "Weekday and hour",
        "Sessions",
        "API keys",
        "Entries",
    ]
    assert app.metric[0].value == "10"
    news, sessions, used, created = (item.value for item in app.dataframe)
    assert set(news["thing"]) == {"203.0.113.7"}
    assert len(sessions) == 10
    assert used["key"].tolist() == ["dtn_me…9f"]
    assert created["Name"].tolist() == ["nightly"]
    assert set(table(app)["user"]) == {MEMBER}
    timeline = app.get("plotly_chart")[0].proto
    assert timeline.alt.startswith("Timeline from ")
    assert "id-other" not in everything(app)


def test_a_click_on_the_timeline_leads_to_those_entries_on_explore(
    open_app: Open, filled: Seeded
) -> None:
    app = opened(open_app("auditor@example.org"), person="id-member")
    app = click(app, app.get("plotly_chart")[0].proto, 0, 0)
    assert not app.exception
    assert app.title[0].value == "Explore"
    assert app.query_params["actor"] == "id-member"
    assert app.query_params["target_type"] == "sandbox"
    assert set(table(app)["user"]) == {MEMBER}


def test_hostile_text_stays_text(open_app: Open, filled: Seeded) -> None:
    app = opened(open_app("auditor@example.org"), person=HOSTILE)
    assert not app.exception
    assert HOSTILE in [item.value for item in app.text]
    for kind in (app.main.markdown, app.main.caption, app.main.button):
        assert all("onerror" not in str(item.proto) for item in kind)
    assert "<img" not in app.get("plotly_chart")[0].proto.spec


def test_a_member_sees_nothing_unless_the_organization_allows_it(
    open_app: Open, filled: Seeded
) -> None:
    app = opened(open_app(MEMBER))
    assert refused(app)
    assert [item.value for item in app.code] == ["read:own_audit_logs"]
    allow(filled)
    app = opened(open_app(MEMBER))
    assert not refused(app)
    assert app.metric[0].value == "10"
    allow(filled, None)
    assert refused(app.run())


@pytest.mark.parametrize("person", ["id-other", "id-beta", HOSTILE, "nobody"])
def test_a_member_sees_nobody_else_whatever_the_address_says(
    open_app: Open, filled: Seeded, person: str
) -> None:
    allow(filled)
    app = opened(open_app(MEMBER), person=person)
    assert refused(app)
    assert not app.dataframe
    assert entry_list(app) is None
    assert not app.get("plotly_chart")
    assert "other@example.org" not in everything(app)
    assert len(filled.events("permission.refused")) >= 1


def test_what_a_member_sees_holds_nothing_of_others(open_app: Open, filled: Seeded) -> None:
    allow(filled)
    app = opened(open_app(MEMBER), window="all")
    assert app.metric[0].value == "11"
    shown = everything(app)
    for foreign in ("id-other", "other@example.org", "onerror", "beta_only"):
        assert foreign not in shown
    assert "Everybody" not in [item.label for item in app.main.button]
    assert SUGGESTIONS not in components(app), "suggestions are everybody's values"
    app.query_params["entry"] = "entry-20"
    app.run()
    assert "other@example.org" not in everything(app)
    assert SUGGESTIONS in components(opened(open_app("auditor@example.org")))


def test_a_members_click_narrows_the_page_and_opens_no_other(
    open_app: Open, filled: Seeded
) -> None:
    allow(filled)
    app = opened(open_app(MEMBER))
    app = click(app, app.get("plotly_chart")[0].proto, 0, 0)
    assert app.title[0].value == "People"
    assert app.query_params["target_type"] == "sandbox"
    for page in ("activity/explore.py", "activity/overview.py"):
        assert refused(app.switch_page(page).run())


def test_an_address_that_two_actors_had_opens_neither(open_app: Open, filled: Seeded) -> None:
    allow(filled)
    filled.installation.log.append(
        [made(filled, 50, actor_id="id-former", actor_email=MEMBER.upper())]
    )
    app = opened(open_app(MEMBER))
    assert refused(app)
    assert "Several people" in app.main.text[-1].value
    assert not app.dataframe


def test_a_member_who_may_read_all_sees_all(open_app: Open, filled: Seeded) -> None:
    with filled.installation.state.begin() as connection:
        set_membership(
            connection,
            account_id=filled.ids[MEMBER],
            organization_id=ALPHA,
            role=Role.MEMBER,
            grants={Permission.READ: None},
        )
    app = opened(open_app(MEMBER))
    assert len(app.dataframe[0].value) == 3


def test_an_admin_allows_it_and_that_is_on_record(open_app: Open, filled: Seeded) -> None:
    def kept() -> str | None:
        with filled.installation.state.read() as connection:
            return read_setting(connection, organization_id=ALPHA, name=OWN_ACTIVITY)

    app = open_app("admin@example.org")
    app.session_state["access_tab"] = "Settings"
    app.run()
    app.switch_page("admin/access.py").run()
    for wanted in (True, False):
        (toggle,) = [item for item in app.toggle if item.label.startswith("Members can see")]
        toggle.set_value(wanted).run()
        assert not app.exception
        assert (kept() == ON) is wanted
        (toggle,) = [item for item in app.toggle if item.label.startswith("Members can see")]
        assert toggle.value is wanted
    events = filled.events("organization.own_activity")
    assert [(item.actor, item.detail) for item in events] == [
        ("admin@example.org", {"allowed": False}),
        ("admin@example.org", {"allowed": True}),
    ]


def test_a_role_taken_away_in_between_allows_nothing(open_app: Open, filled: Seeded) -> None:
    app = open_app("admin@example.org")
    app.session_state["access_tab"] = "Settings"
    app.run()
    app.switch_page("admin/access.py").run()
    with filled.installation.state.begin() as connection:
        set_membership(
            connection,
            account_id=filled.ids["admin@example.org"],
            organization_id=ALPHA,
            role=Role.AUDITOR,
        )
    (toggle,) = [item for item in app.toggle if item.label.startswith("Members can see")]
    toggle.set_value(True).run()
    assert refused(app)
    assert filled.events("organization.own_activity") == []


def test_of_who_is_hardly_known_nothing_is_called_new(open_app: Open, filled: Seeded) -> None:
    app = opened(open_app("auditor@example.org"), person="id-member")
    (told,) = (item.value for item in app.caption if item.value.startswith("Too little is known"))
    day = f"{filled.clock.now - timedelta(days=40):%Y-%m-%d}"
    assert f"1 entry in the 90 days before this window, the first on {day}." in told
    assert not any("thing" in item.value for item in app.dataframe)
