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
    assert shown[0].endswith("1 entry  actorId mallory")
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


def test_a_rule_is_written_with_errors_in_place_tried_and_saved(
    open_app: Open, seeded: Seeded
) -> None:
    app = opened(open_app)
    app.button(key="rule_new").click().run()
    area = app.text_area(key="rule_text_new")
    assert "Each entry, for each actorId." in texts(app)
    area.set_value(area.value.replace("action: delete", "actor: mallory")).run()
    assert "Entries have no field 'actor'" in app.error[0].proto.title.replace("\\", "")
    assert "▶   11      actor: mallory" in app.code[0].value
    app.button(key="rule_save").click().run()
    assert not [one for one in own(seeded).rules if one.own]

    text = area.value.replace("actor: mallory", "actorId: mallory").replace("200", "403")
    app.text_area(key="rule_text_new").set_value(text)
    app.text_area(key="rule_examples_new").set_value(
        "- what: Mallory\n  finds: true\n"
        "  entries: [{action: a, actorId: mallory, statusCode: 403}]\n"
        "- what: Ann\n  finds: true\n"
        "  entries: [{action: a, actorId: ann, statusCode: 403}]\n"
    )
    app.button(key="rule_try").click().run()
    assert "Mallory: it finds something, as it should." in texts(app)
    assert "Ann: it finds nothing, and should not." in texts(app)
    app.button(key="backtest_draft").click().run()
    assert "**2 alerts**" in texts(app)
    app.button(key="rule_save").click().run()
    assert not app.exception
    (saved,) = [one for one in own(seeded).rules if one.own]
    assert saved.enabled
    assert saved.saved_by == ADMIN
    assert app.title[0].value == "A name for it"

    app.button(key="rule_edit").click().run()
    app.text_area(key=f"rule_text_{saved.rule.id}").set_value(
        text.replace("A name for it", "Mallory <b>*is*</b> back")
    )
    app.toggle(key=f"rule_on_{saved.rule.id}").set_value(False)
    app.button(key="rule_save").click().run()
    (saved,) = [one for one in own(seeded).rules if one.own]
    assert (saved.rule.title, saved.enabled) == ("Mallory <b>*is*</b> back", False)
    app.button(key="rule_removed").click().run()
    assert not [one for one in own(seeded).rules if one.own]


def test_who_does_not_manage_writes_no_rule(open_app: Open, seeded: Seeded) -> None:
    app = open_app(AUDITOR).run()
    app.switch_page("admin/rules.py")
    app.query_params["edit"] = "new"
    app.run()
    assert not app.text_area
    assert "You do not have access to this page" in [item.value for item in app.header]


def test_what_explore_shows_becomes_a_rule(open_app: Open, seeded: Seeded) -> None:
    app = open_app(ADMIN).run()
    app.switch_page("activity/explore.py")
    app.query_params["query"] = "metadata.body.public:true"
    app.run()
    app.button(key="alert_me_open").click().run()
    assert "it looks into lists there" in app.error[0].proto.title

    app.query_params["query"] = "status:403"
    app.run()
    app.text_input(key="alert_me_title").set_value("Refused")
    app.segmented_control(key="alert_me_when").set_value("Many matches").run()
    app.number_input(key="alert_me_least").set_value(15)
    app.button(key="alert_me_open").click().run()
    assert not app.exception
    assert "15 entries or more within 15 minutes, for each actorId." in texts(app)
    # AppTest does not follow to the page on which it is by now.
    app.query_params.clear()
    app.switch_page("admin/rules.py")
    app.query_params["edit"] = "new"
    app.run()
    app.button(key="backtest_draft").click().run()
    assert "**2 alerts**" in texts(app)
    app.button(key="rule_save").click().run()
    (saved,) = [one for one in own(seeded).rules if one.own]
    assert saved.rule.title == "Refused"


def test_who_does_not_manage_is_offered_no_rule_on_explore(open_app: Open) -> None:
    app = open_app(AUDITOR).run()
    app.switch_page("activity/explore.py").run()
    assert "alert_me_open" not in [item.key for item in app.button]


def test_a_rule_is_muted_with_a_reason_and_an_end_and_again_unmuted(
    open_app: Open, seeded: Seeded
) -> None:
    app = opened(open_app, rule=REFUSALS.id)
    app.text_area(key="mute_filter").set_value("filter: {selection: {actorId: mallory}}")
    app.text_area(key="mute_reason").set_value("A test <b>*of ours*</b>")
    app.button(key="mute_set").click().run()
    assert "filter with a selection and a condition is missing" in app.error[0].proto.title
    app.text_area(key="mute_filter").set_value(
        "filter: {selection: {actorId: mallory}, condition: not selection}"
    )
    app.button(key="mute_set").click().run()
    assert not app.exception
    (mute,) = own(seeded).mutes
    assert (mute.rule_id, mute.ends_at - mute.begins_at) == (REFUSALS.id, timedelta(days=7))
    assert "A test <b>*of ours*</b>\nSet by admin@example.org." in texts(app)

    # The past is not muted.
    app.button(key=f"backtest_{REFUSALS.id}").click().run()
    assert "**2 alerts**" in texts(app)

    app = opened(open_app, AUDITOR)
    assert "mute_set" not in [item.key for item in app.button]
    assert f"{REFUSALS.title}, 2026-05-04 09:00 to 2026-05-11 09:00 UTC" in texts(app)

    app = opened(open_app)
    app.button(key=f"mute_{mute.id}_lift").click().run()
    assert "Nothing is muted." in texts(app)
    assert [one.lifted_by for one in own(seeded).mutes] == [ADMIN]
    assert len(seeded.events("rule.muted")) == len(seeded.events("rule.unmuted")) == 1
