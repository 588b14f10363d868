"""Activity → Alerts: what waits, one alert with its entries, and what persons do about it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from audit_core.detect.alerts.alert import Alert
from audit_core.detect.alerts.alert_filter import AlertFilter
from audit_core.detect.alerts.reading import alert_detail, list_alerts
from audit_core.detect.alerts.triage import comment_on
from audit_core.detect.watching.progress import (
    BlindReason,
    BlindTime,
    beat,
    keep_blind_time,
    set_progress,
)
from audit_core.domain.alerts.alert_state import AlertState, Resolution
from audit_core.domain.alerts.level import Level
from audit_core.identity.administration import Administrator
from audit_core.identity.memberships import members
from audit_core.state.organization_settings import ON, OWN_ACTIVITY, keep_setting
from pages.parts.alerts import alert_place
from pages.parts.shell import viewer
from pages.parts.shell.error_boundary import plain
from tests.evidence.nasty_entries import made
from tests.pages.conftest import Open
from tests.support.alerts import find, rule_of_level, withdraw
from tests.support.seeded import ALPHA, BETA, Seeded

ADMIN, AUDITOR, MEMBER = "admin@example.org", "auditor@example.org", "member@example.org"
PAGE = "activity/alerts.py"
HIGH, MEDIUM = rule_of_level(Level.HIGH), rule_of_level(Level.MEDIUM)
HOSTILE = "<img src=x onerror=alert(1)> [x](javascript:1) :red[y]"


@pytest.fixture
def raised(seeded: Seeded) -> list[Alert]:
    now = seeded.clock()
    with seeded.installation.state.begin() as connection:
        return [
            find(connection, ALPHA, rule, [actor], at=now - timedelta(hours=hours), count=3)
            for rule, actor, hours in (
                (MEDIUM, "user-1", 5),
                (HIGH, "user-2", 4),
                (HIGH, HOSTILE, 3),
            )
        ]


def opened(open_app: Open, email: str = ADMIN, **params: str) -> AppTest:
    app = open_app(email).run()
    app.switch_page(PAGE)
    for name, value in params.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def titles(app: AppTest) -> list[str]:
    (table,) = app.dataframe
    return list(table.value["number"])


def texts(app: AppTest) -> str:
    parts = (*app.text, *app.caption, *app.markdown, *app.title)
    return "\n".join(str(item.value) for item in parts)


def kept(seeded: Seeded, one: Alert) -> Alert:
    with seeded.installation.state.read() as connection:
        found = alert_detail(connection, ALPHA, one.id)
    assert found is not None
    return found.alert


def test_what_waits_is_listed_by_level_and_age(open_app: Open, raised: list[Alert]) -> None:
    app = opened(open_app)
    assert titles(app) == ["#2", "#3", "#1"]
    assert "**3 open**" in texts(app)
    assert HOSTILE in list(app.dataframe[0].value["who"])
    assert titles(opened(open_app, level="medium")) == ["#1"]
    assert titles(opened(open_app, text="user-2")) == ["#2"]
    assert "No alert fits these filters." in [
        item.value for item in opened(open_app, state="closed").info
    ]


def test_an_address_that_cannot_be_read_says_so(open_app: Open, raised: list[Alert]) -> None:
    for name, value in (("state", "shut"), ("within", "9"), ("from", "yesterday")):
        app = opened(open_app, **{name: value})
        assert name in texts(app)
        assert not app.dataframe


def test_one_alert_shows_its_entries_its_rule_and_what_is_usual(
    open_app: Open, seeded: Seeded
) -> None:
    now = seeded.clock()
    found = {"action": "create_ssh_access", "status_code": 200, "target_type": "sandbox"}
    seeded.installation.log.append(
        [
            made(
                number,
                organization_id=ALPHA,
                actor_id=actor,
                target_id="sb-1",
                created_at=now - timedelta(hours=4),
                **found,
            )
            for number, actor in enumerate(("user-2", "user-2", "user-3"))
        ]
    )
    with seeded.installation.state.begin() as connection:
        one = find(connection, ALPHA, HIGH, ["user-2"], at=now - timedelta(hours=4))
    app = opened(open_app, alert=one.id)
    said = texts(app)
    for part in (
        HIGH.why,
        HIGH.what_to_do,
        "This rule found nothing here before.",
        "Raised: 1 entry.",
    ):
        assert part in said
    assert HIGH.text.strip() in [item.value for item in app.code]
    (table,) = app.dataframe
    assert list(table.value["target"]) == ["sandbox sb-1"] * 2
    assert "did 2 entries in this time" in said
    assert [item.value for item in app.header] == [
        "Entries",
        "What is usual",
        "The rule",
        "History",
    ]


def test_hostile_text_of_the_log_is_shown_as_text(open_app: Open, raised: list[Alert]) -> None:
    app = opened(open_app, alert=raised[2].id)
    assert any(HOSTILE in item.value for item in app.text)
    marked = [str(item.value) for item in (*app.markdown, *app.title, *app.header, *app.caption)]
    assert not any(HOSTILE in item for item in marked)


def test_a_person_acknowledges_assigns_comments_and_closes(
    open_app: Open, seeded: Seeded, raised: list[Alert]
) -> None:
    one = raised[0]
    key = f"alert_{one.id}"
    app = opened(open_app, AUDITOR, alert=one.id)
    app.button(key=f"{key}_acknowledged").click().run()
    assert kept(seeded, one).state is AlertState.ACKNOWLEDGED
    account_id = account_of(seeded, AUDITOR)
    app.selectbox(key=f"{key}_assignee_0").set_value(account_id).run()
    app.button(key=f"{key}_assign").click().run()
    assert kept(seeded, one).assignee_id == account_id
    app.text_area(key=f"{key}_comment_0").set_value(HOSTILE).run()
    app.button(key=f"{key}_add_comment").click().run()
    assert app.text_area(key=f"{key}_comment_1").value == ""
    app.radio(key=f"{key}_resolution_0").set_value(Resolution.FALSE_POSITIVE).run()
    app.text_area(key=f"{key}_close_comment_0").set_value("Ours.").run()
    app.button(key=f"{key}_close").click().run()
    assert not app.exception
    closed = kept(seeded, one)
    assert (closed.state, closed.resolution) == (AlertState.CLOSED, Resolution.FALSE_POSITIVE)
    history = texts(app)
    for part in ("open → acknowledged", f"assigned it to {AUDITOR}", HOSTILE, "false positive"):
        assert part in history
    verbs = {event.verb for event in seeded.events("alert.state_changed")}
    assert verbs == {"alert.state_changed"}
    assert len(seeded.events("alert.assigned")) == len(seeded.events("alert.commented")) == 1


def account_of(seeded: Seeded, email: str) -> str:
    with seeded.installation.state.read() as connection:
        found = members(connection, ALPHA, seeded.clock())
    return next(one.account_id for one in found if one.email == email)


def test_what_changed_between_looking_and_clicking_is_not_overwritten(
    open_app: Open, seeded: Seeded, raised: list[Alert]
) -> None:
    one = raised[0]
    key = f"alert_{one.id}"
    app = opened(open_app, alert=one.id)
    app.radio(key=f"{key}_resolution_0").set_value(Resolution.BENIGN).run()
    with seeded.installation.state.begin() as connection:
        now = seeded.clock()
        find(connection, ALPHA, MEDIUM, ["user-1"], at=now - timedelta(hours=1))
    app.button(key=f"{key}_close").click().run()
    assert kept(seeded, one).state is AlertState.OPEN
    assert "changed in the meantime" in app.warning[0].value
    # Now it was seen.
    app.button(key=f"{key}_close").click().run()
    assert kept(seeded, one).state is AlertState.CLOSED


def test_a_withdrawn_one_says_so_and_offers_nothing_to_do(
    open_app: Open, seeded: Seeded, raised: list[Alert]
) -> None:
    with seeded.installation.state.begin() as connection:
        withdraw(connection, raised[0], MEDIUM, now=seeded.clock())
    app = opened(open_app, alert=raised[0].id)
    assert "made this untrue" in app.info[0].value
    assert not [item for item in app.button if item.label == "Acknowledge"]


def test_the_navigation_says_how_many_wait_to_those_who_may_read_them(
    open_app: Open, seeded: Seeded, raised: list[Alert]
) -> None:
    for email, title in ((ADMIN, "Alerts (3)"), (MEMBER, "Alerts")):
        open_app(email)
        assert alert_place.counted("Alerts", viewer.find()) == title


def test_nobody_sees_alerts_of_another_organization(open_app: Open, seeded: Seeded) -> None:
    with seeded.installation.state.begin() as connection:
        other = find(connection, BETA, HIGH, ["user-1"], at=seeded.clock())
        by = Administrator(actor="command line", account_id=None, address=None, now=seeded.clock())
        comment_on(
            connection, by, organization_id=BETA, alert_ids=[other.id], comment="Secret word"
        )
    app = opened(open_app)
    assert not app.dataframe and "**None open**" in texts(app)
    app = opened(open_app, alert=other.id)
    assert "Your organization has no alert with this id:" in [item.value for item in app.info]
    assert "Secret word" not in texts(app)
    with seeded.installation.state.read() as connection:
        assert list_alerts(connection, ALPHA, AlertFilter(), limit=9).items == ()


def test_that_nothing_watches_and_that_a_rule_fails_stands_above(
    open_app: Open, seeded: Seeded
) -> None:
    now = seeded.clock()
    with seeded.installation.state.begin() as connection:
        beat(connection, now - timedelta(hours=1))
        set_progress(connection, ALPHA, HIGH.id, problem=HOSTILE, failing_since=now)
        keep_blind_time(
            connection,
            ALPHA,
            BlindTime(
                rule_id=MEDIUM.id,
                reason=BlindReason.OFF,
                began_at=now - timedelta(hours=3),
                ended_at=now - timedelta(hours=2),
            ),
        )
    silent, failing = opened(open_app).warning
    assert silent.value.startswith("No rule has watched since ")
    assert failing.value.startswith(plain(f"{HIGH.title} has not watched since "))
    assert failing.value.endswith(plain(HOSTILE))
    (blind,) = [one.value for one in opened(open_app).caption if "did not watch" in one.value]
    assert blind.startswith(plain(MEDIUM.title))


def linked(app: AppTest) -> list[str]:
    return [item.proto.label for item in app.main.get("page_link")]


def test_overview_shows_what_waits_and_people_and_charts_lead_there(
    open_app: Open, seeded: Seeded, raised: list[Alert]
) -> None:
    seeded.installation.log.append(
        [
            made(
                number,
                organization_id=ALPHA,
                actor_id="user-1",
                created_at=seeded.clock() - timedelta(hours=number),
            )
            for number in range(8)
        ]
    )
    app = open_app(ADMIN).run()
    assert not app.exception
    assert "**3 open alerts**" in texts(app)
    assert any(HOSTILE in item.value for item in app.text)
    app.switch_page("activity/people.py")
    app.query_params["person"] = "user-1"
    app.run()
    assert not app.exception
    assert "1 alert, 1 open" in linked(app)
    charts = [item.proto.spec for item in app.main.get("plotly_chart")]
    assert any("Medium alert" in spec and "High alert" not in spec for spec in charts)
    app.switch_page("activity/explore.py").run()
    assert not app.exception
    charts = [item.proto.spec for item in app.main.get("plotly_chart")]
    assert any("Medium alert" in spec and "High alert" in spec for spec in charts)


def test_who_sees_only_their_own_activity_sees_no_alert(
    open_app: Open, seeded: Seeded, raised: list[Alert]
) -> None:
    seeded.installation.log.append(
        [
            made(
                number,
                organization_id=ALPHA,
                actor_id="user-1",
                actor_email=MEMBER,
                created_at=seeded.clock() - timedelta(hours=number),
            )
            for number in range(8)
        ]
    )
    with seeded.installation.state.begin() as connection:
        keep_setting(connection, organization_id=ALPHA, name=OWN_ACTIVITY, value=ON)
    app = open_app(MEMBER).run()
    app.switch_page("activity/people.py").run()
    assert not app.exception
    assert "You see only your own activity." in texts(app)
    assert not any("alert" in label.lower() for label in linked(app))
    assert not any("alert" in item.proto.spec for item in app.main.get("plotly_chart"))
    app.switch_page(PAGE).run()
    assert "You do not have access to this page" in [item.value for item in app.header]
