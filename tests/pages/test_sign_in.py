from urllib.parse import parse_qs, urlsplit

import pytest
from streamlit.testing.v1 import AppTest

from audit_core.identity.known_devices import remember_browser
from pages.parts.shell import sign_in, viewer
from tests.pages.conftest import Open
from tests.support.seeded import PASSWORD, Seeded


def submit(app: AppTest, email: str, password: str) -> AppTest:
    app.text_input[0].set_value(email)
    app.text_input[1].set_value(password)
    return app.button[0].click().run()


def test_whoever_is_not_signed_in_sees_the_form_and_no_page(open_app: Open) -> None:
    app = open_app().run()
    assert not app.exception
    assert [field.label for field in app.text_input] == ["E-mail address", "Password"]
    assert [title.value for title in app.title] == ["Sandtrail"]
    assert not app.sidebar.children


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("admin@example.org", "wrong-password"),
        ("unknown@example.org", PASSWORD),
        ("disabled@example.org", PASSWORD),
        ("admin@example.org", ""),
    ],
)
def test_every_failure_is_told_in_the_same_words(
    open_app: Open, sent_to: list[str], email: str, password: str
) -> None:
    app = submit(open_app().run(), email, password)
    assert [error.value for error in app.error] == [sign_in.REFUSED]
    assert not app.exception
    assert sent_to == []


def test_the_right_password_gives_a_code_that_opens_one_session(
    open_app: Open, seeded: Seeded, sent_to: list[str]
) -> None:
    app = open_app().run()
    app.query_params["actor"] = ["a/b", "c"]
    submit(app, " Admin@Example.org ", PASSWORD)
    assert not app.error
    (path,) = sent_to
    assert urlsplit(path).path == "/api/session/signed-in"
    assert not urlsplit(path).query
    query = parse_qs(urlsplit(path).fragment)
    assert query["next"] == ["/?actor=a%2Fb&actor=c"]
    assert len(query["code"][0]) >= 43
    assert [event.actor for event in seeded.events("sign_in.accepted")] == ["admin@example.org"]


def test_what_the_form_leaves_behind_signs_nobody_in(
    open_app: Open, seeded: Seeded, sent_to: list[str]
) -> None:
    app = submit(open_app().run(), "admin@example.org", PASSWORD)
    for key in ("authentication_status", "username", "name", "email", "roles"):
        assert key not in app.session_state
    app.session_state["authentication_status"] = True
    app.session_state["username"] = "admin@example.org"
    app.run()
    assert [title.value for title in app.title] == ["Sandtrail"]
    assert len(sent_to) == 1


def test_guessing_is_slowed_down_until_even_the_right_password_waits(
    open_app: Open, seeded: Seeded, sent_to: list[str]
) -> None:
    app = open_app().run()
    for _ in range(12):
        submit(app, "admin@example.org", "wrong-password")
    submit(app, "admin@example.org", PASSWORD)
    assert [error.value for error in app.error] == [sign_in.REFUSED]
    assert sent_to == []
    seeded.clock.pass_by(minutes=16)
    submit(app, "admin@example.org", PASSWORD)
    assert len(sent_to) == 1


def test_signing_out_ends_the_session_for_every_tab(
    open_app: Open, seeded: Seeded, sent_to: list[str]
) -> None:
    app = open_app("admin@example.org").run()
    app.get_by_key("account_menu").set_value("Sign out").run()
    assert sent_to == ["/api/session/signed-out"]
    assert [event.actor for event in seeded.events("sign_out")] == ["admin@example.org"]
    app.run()
    assert [title.value for title in app.title] == ["Sandtrail"]


def test_a_session_that_has_ended_says_so_and_an_unknown_visitor_is_told_nothing(
    open_app: Open, seeded: Seeded
) -> None:
    app = open_app("admin@example.org", path="/explore").run()
    assert sign_in.ENDED not in [info.value for info in app.info]
    seeded.clock.pass_by(minutes=seeded.installation.settings.session_idle_minutes)
    app.run()
    assert [info.value for info in app.info] == [sign_in.ENDED]
    assert [title.value for title in app.title] == ["Sandtrail"]
    assert not open_app().run().info


def test_each_run_of_a_page_keeps_the_session_alive(open_app: Open, seeded: Seeded) -> None:
    app = open_app("admin@example.org").run()
    for _ in range(3):
        seeded.clock.pass_by(minutes=seeded.installation.settings.session_idle_minutes - 1)
        app.run()
        assert not app.text_input or app.text_input[0].label != "E-mail address"


def test_a_run_that_is_nobodys_doing_does_not(open_app: Open, seeded: Seeded) -> None:
    app = open_app("admin@example.org").run()
    before = seeded.last_seen("admin@example.org")
    seeded.clock.pass_by(minutes=30)
    app.session_state["runs_by_itself"] = True
    app.run()
    assert seeded.last_seen("admin@example.org") == before
    app.run()
    assert seeded.last_seen("admin@example.org") == seeded.clock()


def test_a_known_browser_gets_in_while_strangers_guess(
    open_app: Open, seeded: Seeded, sent_to: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_app().run()
    for _ in range(30):
        submit(app, "admin@example.org", "wrong-password")
    monkeypatch.setattr(viewer, "browser_secret", lambda: browser)
    with seeded.installation.state.begin() as connection:
        browser = remember_browser(
            connection,
            account_id=seeded.ids["admin@example.org"],
            browser=None,
            now=seeded.clock(),
        )
    submit(app, "admin@example.org", PASSWORD)
    assert len(sent_to) == 1
