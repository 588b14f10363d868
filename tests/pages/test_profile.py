from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from audit_core.identity.accounts import ensure_organization
from audit_core.identity.login import check_password
from audit_core.identity.sessions import find_viewer
from audit_core.notify.digests.subscription import Subscription, due_digests
from pages.parts.shell import cached, own_preferences
from tests.pages.conftest import Open
from tests.support.seeded import PASSWORD, Seeded

PAGE = "account/profile.py"
NEW_PASSWORD = "velvet otter ladder sunrise"


def profile(app: AppTest, tab: str) -> AppTest:
    app.session_state["profile_tab"] = tab
    app.run()
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


def press(app: AppTest, label: str) -> AppTest:
    button = next(item for item in app.button if item.label == label)
    return button.click().run()


def test_everybody_has_a_profile_also_who_is_in_no_organization(open_app: Open) -> None:
    for email in ("member@example.org", "nobody@example.org", "both@example.org"):
        app = profile(open_app(email), "About")
        assert email in app.main.text[0].value
        assert app.header[0].value.startswith("Sandtrail ")


def test_nobody_has_one_without_signing_in(open_app: Open) -> None:
    app = open_app(None, path="/profile").run()
    assert [item.label for item in app.text_input] == ["E-mail address", "Password"]


def test_the_own_password_is_changed_by_the_present_one(open_app: Open, seeded: Seeded) -> None:
    app = profile(open_app("member@example.org"), "Password")

    def change(present: str, new: str, again: str) -> AppTest:
        for item, value in zip(app.main.text_input, (present, new, again), strict=True):
            item.set_value(value)
        return press(app, "Change password")

    assert change(PASSWORD, NEW_PASSWORD, "another").error[0].value == "The new passwords differ."
    assert "present password" in change("wrong", NEW_PASSWORD, NEW_PASSWORD).error[0].proto.title
    assert change(PASSWORD, NEW_PASSWORD, NEW_PASSWORD).success
    assert NEW_PASSWORD not in str(app.session_state.to_dict())
    found = check_password(
        seeded.installation.state,
        email="member@example.org",
        password=NEW_PASSWORD,
        address=None,
        now=seeded.clock(),
        cost=4,
    )
    assert found is not None
    assert not app.run().exception, "this browser was signed out too"


def test_other_sessions_are_seen_and_ended(open_app: Open, seeded: Seeded) -> None:
    others = [seeded.sign_in("member@example.org") for _ in range(2)]
    foreign = seeded.sign_in("auditor@example.org")
    app = profile(open_app("member@example.org"), "Sessions")

    def alive() -> int:
        with seeded.installation.state.read() as connection:
            return sum(
                find_viewer(connection, secret=secret, now=seeded.clock()) is not None
                for secret in (*others, foreign)
            )

    lines = [item.value for item in app.main.text if "signed in" in item.value]
    assert len(lines) == 3
    assert sum("this browser" in line for line in lines) == 1
    press(app, "Sign out")
    assert alive() == 2
    press(app, "Sign out everywhere else")
    assert alive() == 1


def test_the_zone_and_the_first_page_follow_a_person(open_app: Open, seeded: Seeded) -> None:
    with seeded.installation.state.begin() as connection:
        ensure_organization(connection, organization_id="org-alpha")
    app = profile(open_app("auditor@example.org"), "Preferences")
    app.selectbox(key="own_zone").set_value("Asia/Tokyo").run()
    app.selectbox(key="own_start_page").set_value("explore").run()
    app = open_app("auditor@example.org").run()
    assert app.title[0].value == "Explore"
    assert app.selectbox(key="filter_zone").value == "Asia/Tokyo"
    other = open_app("admin@example.org").run()
    assert other.title[0].value == "Overview"
    app = open_app("auditor@example.org", path="/people").run()
    assert own_preferences.DEFAULT_PAGE == "overview"
    assert not app.exception


def test_a_digest_is_asked_for_and_ended_by_who_may_see_alerts(
    open_app: Open, seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def digests() -> list[Subscription]:
        with seeded.installation.state.read() as connection:
            return due_digests(connection, seeded.clock() + timedelta(days=2))

    app = profile(open_app("auditor@example.org"), "Preferences")
    assert not app.toggle, "no mail server is named"
    settings = seeded.installation.settings.model_copy(
        update={"smtp_host": "mail.example.org", "smtp_from": "audit@example.org"}
    )
    served = replace(seeded.installation, settings=settings)
    monkeypatch.setattr(cached, "installation", lambda: served)
    assert not profile(open_app("member@example.org"), "Preferences").toggle
    app = profile(open_app("auditor@example.org"), "Preferences")
    (toggle,) = app.toggle
    toggle.set_value(True)
    press(app, "Save")
    (found,) = digests()
    assert (found.account_id, found.minute) == (seeded.ids["auditor@example.org"], 7 * 60)
    (toggle,) = app.toggle
    assert toggle.value is True
    toggle.set_value(False)
    press(app, "Save")
    assert digests() == []
    assert len(seeded.events("digest.set")) == len(seeded.events("digest.ended")) == 1
