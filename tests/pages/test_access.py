from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from audit_core.domain.access import Permission, Role
from audit_core.identity.accounts import set_membership
from audit_core.identity.api_tokens import find_token, list_tokens
from audit_core.identity.memberships import Member, find_member
from audit_core.identity.sessions import find_viewer
from audit_core.state.access_log.record import list_events
from audit_core.state.organization_settings import read_setting
from tests.pages.conftest import Open
from tests.pages.explore_page import select_cell
from tests.support.seeded import ALPHA, BETA, Seeded

PAGE = "admin/access.py"


def opened(app: AppTest, tab: str = "Members") -> AppTest:
    app.session_state["access_tab"] = tab
    app.run()
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


def submit(app: AppTest, label: str) -> AppTest:
    (button,) = [item for item in app.button if item.label == label]
    return button.click().run()


def add(app: AppTest, name: str, days: int | None = None) -> AppTest:
    app.main.text_input[0].set_value(name)
    app.main.number_input[0].set_value(days)
    return submit(app, "Add token")


def test_the_members_of_this_organization_are_listed_with_what_they_are(
    open_app: Open, seeded: Seeded
) -> None:
    with seeded.installation.state.begin() as connection:
        set_membership(
            connection,
            account_id=seeded.ids["member@example.org"],
            organization_id=ALPHA,
            role=Role.MEMBER,
            grants={Permission.READ: None},
        )
        set_membership(
            connection,
            account_id=seeded.ids["nobody@example.org"],
            organization_id=BETA,
            role=Role.ADMIN,
        )
    app = opened(open_app("admin@example.org"))
    (table,) = app.dataframe
    assert table.value.to_dict("split")["data"] == [
        ["admin@example.org", "Admin", "Admin", "–", "Can sign in", "2026-05-04 09:00"],
        ["auditor@example.org", "Auditor", "Auditor", "–", "Can sign in", "never"],
        ["both@example.org", "Both", "Admin", "–", "Can sign in", "never"],
        ["disabled@example.org", "Disabled", "Admin", "–", "Disabled", "never"],
        ["member@example.org", "Member", "Member", "read:audit_logs", "Can sign in", "never"],
    ]


def test_members_are_found_by_words_role_and_state(open_app: Open) -> None:
    app = opened(open_app("admin@example.org"))

    def found(**chosen: str) -> list[str]:
        for key, value in chosen.items():
            where = app.text_input if key == "search" else app.selectbox
            where(key=f"members_{key}").set_value(value)
        app.run()
        return [str(name) for name in app.dataframe[0].value["name"]]

    assert found(search="DIT org") == ["Auditor"]
    assert found(search="", role="admin") == ["Admin", "Both", "Disabled"]
    assert found(state="Disabled") == ["Disabled"]
    assert found(state="Never seen") == ["Both", "Disabled"]
    assert "2 of 5 people" in " ".join(item.value for item in app.caption)


def member_opened(app: AppTest, email: str) -> AppTest:
    """Access with the drawer of a member, as after a click on the line."""
    app = opened(app)
    line = list(app.dataframe[0].value["email"]).index(email)
    return select_cell(app, line, "email")


def member_of(seeded: Seeded, email: str) -> Member | None:
    with seeded.installation.state.read() as connection:
        return find_member(
            connection,
            account_id=seeded.ids[email],
            organization_id=ALPHA,
            now=seeded.clock(),
        )


def test_an_admin_gives_a_permission_until_a_day_and_a_role(open_app: Open, seeded: Seeded) -> None:
    app = member_opened(open_app("admin@example.org"), "member@example.org")
    app.checkbox(key="member_0_READ").check().run()
    app.date_input(key="member_0_READ_end").set_value(date(2026, 5, 10)).run()
    submit(app, "Save")
    assert not app.exception
    member = member_of(seeded, "member@example.org")
    assert member is not None
    assert member.grants == {Permission.READ: datetime(2026, 5, 11, tzinfo=UTC)}
    (event,) = seeded.events("membership.set")
    assert (event.actor, event.organization_id, event.address) == (
        "admin@example.org",
        ALPHA,
        "127.0.0.1",
    )
    app = member_opened(open_app("admin@example.org"), "member@example.org")
    assert app.date_input(key="member_0_READ_end").value == date(2026, 5, 10)
    app.segmented_control(key="member_0_role").set_value("auditor").run()
    assert [item.label.split("  ")[0] for item in app.checkbox] == [
        "Reveal secrets in an entry",
        "Send entries and upload files",
    ]
    submit(app, "Save")
    member = member_of(seeded, "member@example.org")
    assert member is not None
    assert (member.role, member.grants) == (Role.AUDITOR, {})


def test_an_admin_disables_enables_signs_out_and_removes(open_app: Open, seeded: Seeded) -> None:
    secret = seeded.sign_in("member@example.org")

    def signed_in() -> bool:
        with seeded.installation.state.read() as connection:
            return find_viewer(connection, secret=secret, now=seeded.clock()) is not None

    assert signed_in()
    for label in ("Sign out everywhere", "Disable", "Enable", "Remove from organization"):
        app = member_opened(open_app("admin@example.org"), "member@example.org")
        submit(app, label)
        assert not app.exception
        assert not app.error
        assert not signed_in()
    assert member_of(seeded, "member@example.org") is None
    for verb in ("sessions.ended", "membership.disabled", "membership.enabled", "membership.ended"):
        (event,) = seeded.events(verb)
        assert (event.actor, event.target, event.organization_id) == (
            "admin@example.org",
            "member@example.org",
            ALPHA,
        )


def test_an_admin_invites_somebody_by_a_link_that_is_shown_once(
    open_app: Open, seeded: Seeded
) -> None:
    app = opened(open_app("admin@example.org"))
    submit(app, "Invite")
    app.text_input(key="invite_1_email").set_value("new@example.org")
    app = submit(app, "Make the link")
    assert not app.exception
    (link,) = [item.value for item in app.code]
    assert link.startswith("http://testserver/api/session/invitation#code=")
    code = link.partition("#code=")[2]
    assert code not in str(app.session_state.to_dict())
    app = opened(open_app("admin@example.org"))
    assert not app.code
    (text,) = [item.value for item in app.main.text if "new@example.org" in item.value]
    assert "member · invited now by admin@example.org · ends in 7d" in text
    submit(app, "Withdraw")
    assert not [item for item in app.main.text if "new@example.org" in item.value]
    assert [event.target for event in seeded.events("invitation.withdrawn")] == ["new@example.org"]


def test_an_admin_makes_a_link_for_a_new_password(open_app: Open, seeded: Seeded) -> None:
    app = member_opened(open_app("admin@example.org"), "member@example.org")
    submit(app, "Make a link for a new password")
    (link,) = [item.value for item in app.code]
    assert "/api/session/new-password#code=" in link
    app = member_opened(open_app("admin@example.org"), "both@example.org")
    submit(app, "Make a link for a new password")
    assert "Only whoever runs this server" in app.error[0].proto.title
    assert not app.code


def test_a_member_asks_for_access_and_an_admin_grants_it(open_app: Open, seeded: Seeded) -> None:
    app = open_app("member@example.org").run()
    app.text_input[0].set_value("The outage of Monday")
    submit(app, "Ask for access")
    assert not app.exception
    assert "The admins see your request." in app.info[0].value
    assert not [item for item in app.button if item.label == "Ask for access"]
    app = opened(open_app("admin@example.org"))
    assert [item.label for item in app.get("page_link")] == ["1 person asks for access"]
    assert "The outage of Monday" in [item.value for item in app.main.text]
    submit(app, "Grant")
    member = member_of(seeded, "member@example.org")
    assert member is not None
    assert member.grants == {Permission.READ: None}
    (event,) = seeded.events("access_request.granted")
    assert (event.actor, event.target) == ("admin@example.org", "member@example.org")
    assert not open_app("auditor@example.org").run().get("page_link")


def test_the_last_admin_is_told_why_not(open_app: Open, seeded: Seeded) -> None:
    with seeded.installation.state.begin() as connection:
        set_membership(
            connection,
            account_id=seeded.ids["both@example.org"],
            organization_id=ALPHA,
            role=Role.AUDITOR,
        )
    app = member_opened(open_app("admin@example.org"), "admin@example.org")
    submit(app, "Disable")
    assert "without an admin" in app.error[0].proto.title
    member = member_of(seeded, "admin@example.org")
    assert member is not None
    assert member.is_able


def test_a_role_taken_away_in_between_changes_no_member(open_app: Open, seeded: Seeded) -> None:
    app = member_opened(open_app("admin@example.org"), "member@example.org")
    with seeded.installation.state.begin() as connection:
        set_membership(
            connection,
            account_id=seeded.ids["admin@example.org"],
            organization_id=ALPHA,
            role=Role.AUDITOR,
        )
    submit(app, "Disable")
    assert "You do not have access to this page" in [item.value for item in app.header]
    member = member_of(seeded, "member@example.org")
    assert member is not None
    assert member.is_able
    assert seeded.events("membership.disabled") == []


def test_only_the_open_tab_asks_the_state(open_app: Open) -> None:
    for tab, columns in (("Members", 6), ("API tokens", 0), ("Settings", 0)):
        app = opened(open_app("admin@example.org"), tab)
        assert [len(item.value.columns) for item in app.dataframe] == [columns] * (columns > 0)


def test_a_new_token_is_shown_once_and_opens_the_route_for_this_organization(
    open_app: Open, seeded: Seeded
) -> None:
    app = add(opened(open_app("admin@example.org"), "API tokens"), "nightly", 30)
    assert not app.exception
    (code,) = app.code
    with seeded.installation.state.begin() as connection:
        token = find_token(connection, secret=code.value, now=seeded.clock())
    assert token is not None
    assert (token.organization_id, token.name, token.verbs) == (
        ALPHA,
        "nightly",
        {Permission.INGEST.value},
    )
    assert token.expires_at == seeded.clock() + timedelta(days=30)
    (event,) = seeded.events("token.added")
    assert (event.actor, event.organization_id, event.address) == (
        "admin@example.org",
        ALPHA,
        "127.0.0.1",
    )
    assert event.detail["token"] == token.id
    assert code.value not in str(event.detail)
    assert code.value not in str(app.session_state.to_dict())
    app.run()
    assert not app.code
    row = app.dataframe[0].value.iloc[0]
    assert (row["name"], row["state"], row["verbs"], row["used"]) == (
        "nightly",
        "Valid",
        "write:audit_logs",
        "2026-05-04 09:00:00",
    )


def test_a_token_is_made_for_what_is_chosen_and_from_where(open_app: Open, seeded: Seeded) -> None:
    app = opened(open_app("admin@example.org"), "API tokens")
    (may,) = app.main.multiselect
    assert may.value == ["write:audit_logs"]
    may.set_value(["read:audit_logs"])
    app.main.text_input[1].set_value("10.0.0.0/8 2001:db8::/32")
    app = add(app, "reader")
    (code,) = app.code
    with seeded.installation.state.begin() as connection:
        token = find_token(connection, secret=code.value, now=seeded.clock())
    assert token is not None
    assert token.verbs == {"read:audit_logs"}
    assert [str(network) for network in token.networks] == ["10.0.0.0/8", "2001:db8::/32"]
    row = app.dataframe[0].value.iloc[0]
    assert (row["verbs"], row["networks"]) == ("read:audit_logs", "10.0.0.0/8, 2001:db8::/32")


@pytest.mark.parametrize(
    ("verbs", "networks", "sentence"),
    [
        ([], "", "cannot be for nothing"),
        (["reveal:secrets"], "", r"has to be for read\:audit\_logs as well"),
        (["read:audit_logs"], "10.0.0.1/8", "is no network"),
    ],
    ids=["nothing", "secrets-alone", "no-network"],
)
def test_a_token_that_makes_no_sense_is_refused_with_a_sentence(
    open_app: Open, seeded: Seeded, verbs: list[str], networks: str, sentence: str
) -> None:
    app = opened(open_app("admin@example.org"), "API tokens")
    app.main.multiselect[0].set_value(verbs)
    app.main.text_input[1].set_value(networks)
    app = add(app, "reader")
    assert sentence in app.error[0].proto.title
    assert seeded.events("token.added") == []


def test_a_token_without_a_name_is_refused_with_a_sentence(open_app: Open, seeded: Seeded) -> None:
    app = add(opened(open_app("admin@example.org"), "API tokens"), "  ")
    assert app.error[0].proto.title == "The name is empty."
    assert not app.code
    assert seeded.events("token.added") == []


def test_a_name_that_looks_like_markdown_stays_text(open_app: Open) -> None:
    app = add(opened(open_app("admin@example.org"), "API tokens"), "![x](//evil.example)")
    assert "![x](//evil.example)" in [item.value for item in app.text]
    assert all("![x](" not in item.value for item in app.main.markdown)


def test_a_revoked_token_is_refused_from_then_on_and_the_deed_recorded(
    open_app: Open, seeded: Seeded
) -> None:
    secret = seeded.token(ALPHA, Permission.INGEST.value)
    app = opened(open_app("admin@example.org"), "API tokens")
    choice = app.main.selectbox[0]
    choice.set_value(_token_id(seeded, ALPHA))
    submit(app, "Revoke token")
    assert not app.exception
    with seeded.installation.state.begin() as connection:
        assert find_token(connection, secret=secret, now=seeded.clock()) is None
    (event,) = seeded.events("token.revoked")
    assert (event.actor, event.organization_id) == ("admin@example.org", ALPHA)
    assert app.dataframe[0].value["state"].tolist() == ["Revoked"]
    assert not app.main.selectbox


def test_an_expired_token_is_listed_as_such_and_not_offered(open_app: Open, seeded: Seeded) -> None:
    seeded.token(ALPHA, Permission.INGEST.value)
    seeded.clock.pass_by(days=2)
    app = opened(open_app("admin@example.org"), "API tokens")
    assert app.dataframe[0].value["state"].tolist() == ["Expired"]
    assert not app.main.selectbox


def test_tokens_of_other_organizations_are_neither_listed_nor_revoked(
    open_app: Open, seeded: Seeded
) -> None:
    foreign = seeded.token(BETA, Permission.INGEST.value)
    seeded.token(ALPHA, Permission.INGEST.value)
    app = opened(open_app("admin@example.org"), "API tokens")
    assert app.dataframe[0].value["id"].tolist() == [_token_id(seeded, ALPHA)]
    assert len(app.main.selectbox[0].options) == 1

    def forged() -> None:
        from audit_core.domain.access import Scope
        from pages.parts.admin import api_tokens
        from pages.parts.shell import cached, error_boundary

        with cached.installation().state.read() as connection:
            (token,) = api_tokens.list_tokens(connection, organization_id="org-beta")
        with error_boundary.boundary():
            api_tokens.revoke(Scope(organization_id="org-alpha"), token.id)

    page = AppTest.from_function(forged).run()
    assert "There is no token" in page.error[0].proto.title
    with seeded.installation.state.begin() as connection:
        assert find_token(connection, secret=foreign, now=seeded.clock()) is not None
    assert seeded.events("token.revoked") == []


def test_a_role_taken_away_in_between_adds_no_token(open_app: Open, seeded: Seeded) -> None:
    app = opened(open_app("admin@example.org"), "API tokens")
    with seeded.installation.state.begin() as connection:
        set_membership(
            connection,
            account_id=seeded.ids["admin@example.org"],
            organization_id=ALPHA,
            role=Role.AUDITOR,
        )
    add(app, "too-late")
    assert "You do not have access to this page" in [item.value for item in app.header]
    assert seeded.events("token.added") == []


def _token_id(seeded: Seeded, organization_id: str) -> str:
    with seeded.installation.state.read() as connection:
        (token,) = list_tokens(connection, organization_id=organization_id)
    return token.id


def test_an_admin_sets_the_zone_of_the_organization_and_that_is_on_record(
    open_app: Open, seeded: Seeded
) -> None:
    app = opened(open_app("admin@example.org"), "Settings")
    (zone,) = [item for item in app.selectbox if item.label == "Time zone of the organization"]
    assert zone.value == "UTC"
    zone.select("Europe/Berlin").run()
    (zone,) = [item for item in app.selectbox if item.label == "Time zone of the organization"]
    assert zone.value == "Europe/Berlin"
    with seeded.installation.state.read() as connection:
        kept = [
            read_setting(connection, organization_id=organization, name="zone")
            for organization in (ALPHA, BETA)
        ]
        (event,) = list_events(
            connection, organization_id=ALPHA, verb="organization.zone_set", limit=9
        )
    assert kept == ["Europe/Berlin", None]
    assert (event.actor, event.detail) == ("admin@example.org", {"zone": "Europe/Berlin"})
