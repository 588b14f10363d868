from __future__ import annotations

import logging
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from audit_core.domain.access import Role
from audit_core.domain.errors import LogLockedError
from audit_core.identity.accounts import set_disabled, set_membership
from pages.parts.shell import cached, error_boundary
from tests.pages.conftest import Open
from tests.support.seeded import ALPHA, BETA, Seeded

PERMISSION = {
    "activity/overview.py": "read:audit_logs",
    "activity/explore.py": "read:audit_logs",
    "activity/alerts.py": "read:audit_logs",
    "activity/sandboxes.py": "read:audit_logs",
    "activity/people.py": "read:own_audit_logs",
    "evidence/access_record.py": "read:access_record",
    "evidence/downloads.py": "read:access_record",
    "evidence/exports.py": "export:audit_logs",
    "evidence/legal_holds.py": "manage:access",
    "evidence/erasure.py": "manage:access",
    "admin/sources.py": "write:audit_logs",
    "admin/rules.py": "read:audit_logs",
    "admin/access.py": "manage:access",
}
ALLOWED = {
    "admin@example.org": set(PERMISSION),
    "auditor@example.org": {
        "activity/overview.py",
        "activity/explore.py",
        "activity/alerts.py",
        "activity/sandboxes.py",
        "activity/people.py",
        "evidence/access_record.py",
        "evidence/downloads.py",
        "evidence/exports.py",
        "admin/rules.py",
    },
    "member@example.org": set(),
}


def refusal(app: AppTest) -> bool:
    return "You do not have access to this page" in [item.value for item in app.header]


@pytest.mark.parametrize("page", PERMISSION)
@pytest.mark.parametrize("email", ALLOWED)
def test_each_role_opens_its_pages_and_is_told_what_the_others_need(
    open_app: Open, email: str, page: str
) -> None:
    app = open_app(email).run()
    app.switch_page(page).run()
    assert not app.exception
    assert refusal(app) == (page not in ALLOWED[email])
    if refusal(app):
        assert [item.value for item in app.code] == [PERMISSION[page]]
        assert "Contact an admin of Alpha Works" in app.main.text[-1].value
        assert not app.title
    else:
        assert not app.error


def test_a_refusal_is_recorded_once_however_often_the_page_runs(
    open_app: Open, seeded: Seeded
) -> None:
    app = open_app("member@example.org").run()
    app.run()
    app.run()
    (event,) = seeded.events("permission.refused")
    assert (event.actor, event.organization_id) == ("member@example.org", ALPHA)
    assert event.detail["permission"] == "read:audit_logs"


def test_who_is_in_no_organization_is_told_so(open_app: Open) -> None:
    app = open_app("nobody@example.org").run()
    assert refusal(app)
    assert "not a member of any organization" in app.main.markdown[0].value


def test_a_role_taken_away_counts_at_the_next_run(open_app: Open, seeded: Seeded) -> None:
    app = open_app("auditor@example.org").run()
    assert not refusal(app)
    with seeded.installation.state.begin() as connection:
        set_membership(
            connection,
            account_id=seeded.ids["auditor@example.org"],
            organization_id=ALPHA,
            role=Role.MEMBER,
            grants={},
        )
    assert refusal(app.run())


def test_a_disabled_account_is_out_at_the_next_run(open_app: Open, seeded: Seeded) -> None:
    app = open_app("admin@example.org").run()
    with seeded.installation.state.begin() as connection:
        set_disabled(connection, account_id=seeded.ids["admin@example.org"], disabled=True)
    app.run()
    assert app.text_input[0].label == "E-mail address"


def test_switching_the_organization_forgets_what_was_filtered_before(
    open_app: Open, seeded: Seeded
) -> None:
    app = open_app("both@example.org").run()
    app.session_state["filter_actor"] = "ann"
    app.query_params["actor"] = "ann"
    app.run()
    app.sidebar.selectbox[0].select(BETA).run()
    assert not app.exception
    assert app.sidebar.selectbox[0].value == BETA
    assert "filter_actor" not in app.session_state
    assert "actor" not in app.query_params
    app.switch_page("admin/access.py").run()
    assert "auditor" in app.main.text[-1].value


def test_an_organization_that_is_not_ones_own_cannot_be_chosen(
    open_app: Open, seeded: Seeded
) -> None:
    app = open_app("admin@example.org").run()
    assert not app.sidebar.selectbox
    app.session_state["organization_choice"] = BETA
    app.session_state["organization_shown"] = BETA
    app.run()
    assert [item.value for item in app.sidebar.text] == ["Alpha Works"]


def test_an_error_that_can_be_acted_on_is_told_as_it_is(
    open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked() -> None:
        raise LogLockedError("The log *x* is in use.", "Stop [it](http://evil.example).")

    app = open_app()
    monkeypatch.setattr(cached, "installation", locked)
    app.run()
    assert not app.exception
    (error,) = app.error
    assert "in use" in error.proto.title
    # The character without width keeps the address from becoming a link.
    assert error.value == "Stop \\[it\\]\\(\u2060http\\://evil.example\\)."


def test_any_other_error_shows_an_id_that_the_server_logs_with_the_cause(
    open_app: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise RuntimeError("secret detail")

    app = open_app()
    monkeypatch.setattr(cached, "installation", broken)
    with caplog.at_level(logging.ERROR):
        app.run()
    assert not app.exception
    (error,) = app.error
    assert "secret" not in error.value + error.proto.title
    error_id = error.value.rstrip(".").rpartition(" ")[2]
    assert f"Error {error_id}" in caplog.text
    assert "secret detail" in caplog.text


def test_stopping_and_rerunning_pass_through_the_boundary() -> None:
    def script() -> None:
        import streamlit as st

        from pages.parts.shell import error_boundary

        with error_boundary.boundary():
            st.session_state.runs = st.session_state.get("runs", 0) + 1
            if st.session_state.runs < 3:
                st.rerun()
            st.text("before")
            st.stop()
        st.text("never")

    app = AppTest.from_function(script).run()
    assert not app.error
    assert [item.value for item in app.text] == ["before"]


def test_a_refused_attempt_is_drawn_in_place_and_the_page_goes_on() -> None:
    def script() -> None:
        import streamlit as st

        from audit_core.domain.errors import AuditError
        from pages.parts.shell import error_boundary

        for refused in (True, False):
            with error_boundary.attempt() as attempt:
                assert not attempt.succeeded
                if refused:
                    raise AuditError("It is taken.", "Choose another name.")
            st.text(f"succeeded: {attempt.succeeded}")

    app = AppTest.from_function(script).run()
    assert [(item.proto.title, item.value) for item in app.error] == [
        ("It is taken.", "Choose another name.")
    ]
    assert [item.value for item in app.text] == ["succeeded: False", "succeeded: True"]


def test_what_is_no_refusal_passes_through_an_attempt() -> None:
    def script() -> None:
        import streamlit as st

        from pages.parts.shell import error_boundary

        with error_boundary.boundary() as page:
            with error_boundary.attempt():
                st.session_state.runs = st.session_state.get("runs", 0) + 1
                if st.session_state.runs < 3:
                    st.rerun()
                raise ValueError("secret")
            st.text("never")
        st.text(f"runs: {st.session_state.runs}, succeeded: {page.succeeded}")

    app = AppTest.from_function(script).run()
    assert [item.value for item in app.text] == ["runs: 3, succeeded: False"]
    assert [item.proto.title for item in app.error] == ["This page could not be shown."]


def test_an_error_in_a_callback_is_drawn_and_not_shown_by_streamlit() -> None:
    def script() -> None:
        import streamlit as st

        from pages.parts.shell import error_boundary

        st.text(str(error_boundary.draw_script_error(ValueError("secret"))))

    app = AppTest.from_function(script).run()
    assert app.text[0].value == "True"
    assert "secret" not in app.error[0].value


def test_no_page_script_lies_beside_the_main_script() -> None:
    pages = Path(error_boundary.__file__).parents[2]
    assert [item.name for item in pages.glob("*.py")] == ["main.py"]
