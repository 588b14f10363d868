"""Admin → Rules: which rules there are, what each would have raised, and switching them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from audit_core.detect.rules.catalog import shipped_rules
from audit_core.detect.ruleset.ruleset import Ruleset, read_ruleset
from audit_core.domain.alerts.level import Level
from tests.pages.conftest import Open
from tests.support.seeded import ALPHA, BETA, Seeded
from tests.support.strategies import entry

ADMIN, AUDITOR = "admin@example.org", "auditor@example.org"
REFUSALS = next(one for one in shipped_rules() if one.title == "Many refusals for one actor")
QUIET = next(one for one in shipped_rules() if one.level is Level.INFORMATIONAL)


@pytest.fixture(autouse=True)
def stored(seeded: Seeded) -> None:
    """Twenty refusals of Mallory in one week, and again two weeks later."""
    seeded.installation.log.append(
        [
            entry(
                f"{organization}-{days}-{number}",
                organization_id=organization,
                actor_id="mallory",
                actor_email="mallory@example.org",
                status_code=403,
                created_at=seeded.clock() - timedelta(days=days, seconds=number),
            )
            for organization, weeks in ((ALPHA, (3, 17)), (BETA, (30,)))
            for days in weeks
            for number in range(20)
        ]
    )


def opened(open_app: Open, email: str = ADMIN, **params: str) -> AppTest:
    app = open_app(email).run()
    app.switch_page("admin/rules.py")
    for name, value in params.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    assert not app.error
    return app


def texts(app: AppTest) -> str:
    return "\n".join(item.value for item in (*app.text, *app.caption, *app.markdown))


def own(seeded: Seeded) -> Ruleset:
    with seeded.installation.state.read() as connection:
        return read_ruleset(connection, ALPHA)


def test_all_are_listed_and_who_may_only_read_changes_none(open_app: Open) -> None:
    app = opened(open_app, AUDITOR)
    frame = app.dataframe[0].value
    assert len(frame) == len(shipped_rules())
    assert list(frame["on"]) == sorted(frame["on"], reverse=True)
    assert "New rule" not in [item.label for item in app.button]
    app.text_input(key="rules_search").set_value("refusals t1613").run()
    assert list(app.dataframe[0].value["title"]) == [REFUSALS.title]

    app = opened(open_app, AUDITOR, rule=REFUSALS.id)
    assert app.title[0].value == REFUSALS.title
    assert REFUSALS.why in texts(app)
    assert REFUSALS.what_to_do in texts(app)
    assert "rule_switch" not in [item.key for item in app.button]


def test_a_backtest_says_what_there_would_have_been_and_links_to_it(
    open_app: Open, seeded: Seeded
) -> None:
    app = opened(open_app, AUDITOR, rule=REFUSALS.id)
    app.button(key=f"backtest_{REFUSALS.id}").click().run()
    assert not app.exception
    assert "**2 alerts**" in texts(app)
    assert "0.2 a week" in texts(app)
    shown = [item.value for item in app.text if "mallory" in item.value]
    assert len(shown) == 2
    assert shown[0].endswith("actorId mallory  1 entry")
    # Another span is another question.
    app.segmented_control(key=f"backtest_days_{REFUSALS.id}").set_value(7)
    app.button(key=f"backtest_{REFUSALS.id}").click().run()
    assert "**1 alert**" in texts(app)


def test_an_admin_switches_and_sets_on_record(open_app: Open, seeded: Seeded) -> None:
    app = opened(open_app, rule=QUIET.id)
    app.button(key="rule_switch").click().run()
    assert own(seeded).find(QUIET.id).enabled
    assert "Switch off" in [item.label for item in app.button]

    app = opened(open_app, rule=REFUSALS.id)
    app.selectbox(key=f"rule_level_{REFUSALS.id}").set_value(Level.CRITICAL)
    app.number_input(key=f"rule_threshold_{REFUSALS.id}").set_value(30)
    app.button(key="rule_settings_save").click().run()
    settled = own(seeded).find(REFUSALS.id).settled
    assert (settled.level, settled.threshold) == (Level.CRITICAL, 30)
    assert "30 entries or more within 15 minutes, for each actorId." in texts(app)
    app.button(key=f"backtest_{REFUSALS.id}").click().run()
    assert "**0 alerts**" in texts(app)
    assert [one.actor for one in seeded.events("rule.switched_on")] == [ADMIN]
    assert len(seeded.events("rule.level_set")) == len(seeded.events("rule.threshold_set")) == 1


def test_a_rule_that_is_none_here_is_none(open_app: Open) -> None:
    assert "This organization has no such rule." in [
        item.value for item in opened(open_app, rule="no").info
    ]
