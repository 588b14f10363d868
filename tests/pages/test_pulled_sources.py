"""Admin → Sources: what is pulled, how it goes, and who may pause it."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from audit_core.domain.access import Permission, Role
from audit_core.identity.accounts import set_membership, set_operator
from audit_core.installation.opened import Installation
from audit_core.runtime.outgoing.policy import OutgoingPolicy
from audit_core.sources.sealed_key import unseal
from audit_core.sources.source import (
    Source,
    SourceGone,
    add_source,
    change_key,
    hold,
    note_progress,
    progress_of,
    remove_source,
    set_paused,
    sources_of,
)
from tests.pages.conftest import Open
from tests.support.daytona_model import DaytonaModel, past_rows
from tests.support.daytona_server import served
from tests.support.seeded import ALPHA, BETA, Seeded

PAGE = "admin/sources.py"
KEY = "dtn_very-secret-key"
HOSTILE = "<script>*x*</script> :red[y]"


def add(seeded: Seeded, name: str, organization_id: str | None = ALPHA, **progress: Any) -> Source:
    with seeded.installation.state.begin() as connection:
        found = add_source(
            connection,
            organization_id=organization_id,
            name=name,
            url="https://daytona.example/api",
            sealed_key="sealed",
            policy=None if organization_id is None else OutgoingPolicy(),
            actor="somebody",
            now=seeded.clock(),
        )
        hold(connection, found.id, holder="h", now=seeded.clock())
        if progress:
            note_progress(connection, found.id, holder="h", **progress)
    return found


def shown(app: AppTest) -> str:
    values = [*app.main.text, *app.main.caption, *app.main.markdown, *app.main.warning]
    return "\n".join(str(item.value) for item in values)


def page(app: AppTest) -> AppTest:
    app.run()
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


def test_each_source_says_how_it_goes_and_what_to_do(open_app: Open, seeded: Seeded) -> None:
    now = seeded.clock()
    add(
        seeded,
        "Running",
        accepted=1_234,
        finished=5,
        in_flight=2,
        last_minute=60,
        last_success_at=now,
        newest=now,
    )
    add(seeded, HOSTILE, problem="The key is refused.", hint="Give it another one.", stopped=True)
    add(seeded, "Of others", BETA)
    found = shown(page(open_app("admin@example.org")))
    assert "1,234 accepted · 60 a minute · 2 in flight · 5 finished · 0 rejected" in found
    assert HOSTILE in found and "Of others" not in found
    assert "Give it another one" in found


def test_who_manages_the_organization_pauses_and_resumes(open_app: Open, seeded: Seeded) -> None:
    source = add(seeded, "Daytona", problem="Refused.", hint="Act.", stopped=True)
    app = page(open_app("admin@example.org"))
    for label, paused, verb in (
        ("Resume", False, "resumed"),
        ("Pause", True, "paused"),
        ("Resume", False, "resumed"),
    ):
        (button,) = [item for item in app.button if item.label == label]
        button.click().run()
        assert not app.exception
        with seeded.installation.state.read() as connection:
            (kept,) = sources_of(connection, ALPHA)
            progress = progress_of(connection, source.id)
        assert kept.paused is paused
        assert progress is not None and progress.problem is None
        event = seeded.events(f"source.{verb}")[0]
        assert (event.actor, event.organization_id) == ("admin@example.org", ALPHA)


def test_who_only_sends_entries_sees_and_does_not_pause(open_app: Open, seeded: Seeded) -> None:
    add(seeded, "Daytona")
    with seeded.installation.state.begin() as connection:
        set_membership(
            connection,
            account_id=seeded.ids["member@example.org"],
            organization_id=ALPHA,
            role=Role.MEMBER,
            grants={Permission.INGEST: None},
        )
    app = page(open_app("member@example.org"))
    assert "Daytona" in shown(app)
    assert not [item for item in app.button if item.label in {"Pause", "Resume"}]


def test_a_source_that_was_removed_meanwhile_is_not_paused_nor_is_it_said(
    open_app: Open, seeded: Seeded
) -> None:
    source = add(seeded, "Daytona")
    app = page(open_app("admin@example.org"))
    with seeded.installation.state.begin() as connection:
        remove_source(connection, source, actor="another", now=seeded.clock())
        for deed in (
            lambda: set_paused(connection, source, paused=True, actor="x", now=seeded.clock()),
            lambda: change_key(connection, source, sealed_key="s", actor="x", now=seeded.clock()),
            lambda: remove_source(connection, source, actor="x", now=seeded.clock()),
        ):
            with pytest.raises(SourceGone):
                deed()
    press(app, "Pause")
    assert not app.exception
    assert not seeded.events("source.paused")


def press(app: AppTest, label: str) -> None:
    (button,) = [item for item in app.button if item.label == label]
    button.click().run()
    assert not app.exception


def fill(app: AppTest, **values: str) -> None:
    for name, value in values.items():
        app.text_input(key=f"source_1_{name}").set_value(value)


def told(app: AppTest) -> str:
    return "\n".join(
        f"{item.proto.title} {item.value}" for item in (*app.error, *app.success, *app.toast)
    ).replace("\\", "")


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator lets pages reach this machine."""
    policy = OutgoingPolicy(networks=(ip_network("127.0.0.1"),))
    monkeypatch.setattr(Installation, "outgoing_policy", property(lambda _: policy))


@pytest.mark.usefixtures("reached")
def test_an_admin_tests_and_adds_a_source_gives_it_a_key_and_removes_it(
    open_app: Open, seeded: Seeded
) -> None:
    app = page(open_app("admin@example.org"))
    with served(DaytonaModel(rows=past_rows(3), seed=1, key=KEY)) as url:
        press(app, "Add a source")
        fill(app, url=url, organization="org-a", key="dtn_wrong")
        press(app, "Test")
        assert "does not accept the key" in told(app) and "dtn_wrong" not in told(app)
        fill(app, key=KEY)
        press(app, "Test")
        assert "may read the audit log of org-a" in told(app) and "3 entries" in told(app)
        press(app, "Start")
    assert KEY not in str(app.session_state.to_dict())
    assert not app.get("dialog")
    with seeded.installation.state.read() as connection:
        (source,) = sources_of(connection, ALPHA)
    assert (source.remote_organization_id, source.any_address) == ("org-a", False)
    assert unseal(source.sealed_key, seeded.installation.key) == KEY
    app.text_input[0].set_value("dtn_another")
    press(app, "Save key")
    with seeded.installation.state.read() as connection:
        (source,) = sources_of(connection, ALPHA)
    assert unseal(source.sealed_key, seeded.installation.key) == "dtn_another"
    press(app, "Remove source")
    with seeded.installation.state.read() as connection:
        assert sources_of(connection, ALPHA) == []
    for verb, details in {
        "tested": [{"answered": True}, {"answered": False}],
        "added": [{}],
        "key_changed": [{}],
        "removed": [{}],
    }.items():
        events = seeded.events(f"source.{verb}")
        known = {"source": "Daytona", "url": url}
        assert [event.detail for event in events] == [known | detail for detail in details]
        assert {event.organization_id for event in events} == {ALPHA}
        assert {event.actor for event in events} == {"admin@example.org"}


@pytest.mark.usefixtures("reached")
def test_no_organization_is_never_all_of_them(open_app: Open, seeded: Seeded) -> None:
    app = page(open_app("admin@example.org"))
    with served(DaytonaModel(rows=past_rows(3), seed=1, admin_key=KEY)) as url:
        press(app, "Add a source")
        for organization in ("../admin", "..", ""):
            fill(app, url=url, organization=organization, key=KEY)
            for label in ("Test", "Start"):
                press(app, label)
                assert not app.success
    with seeded.installation.state.read() as connection:
        kept = sources_of(connection, None)
    assert [one.remote_organization_id for one in kept] == [ALPHA]


REFUSED = {
    "http://127.0.0.1:1/api": "without encryption",
    "https://localhost:1/api": "not public",
    "https://169.254.169.254/latest": "not public",
    "https://user:pw@daytona.example/api": "more than a host",
    "https://daytona.example:port/api": "no address",
    "ftp://daytona.example": "no address",
}


def test_the_page_sends_the_server_to_public_addresses_only(open_app: Open, seeded: Seeded) -> None:
    app = page(open_app("admin@example.org"))
    press(app, "Add a source")
    for url, reason in REFUSED.items():
        fill(app, url=url, key=KEY)
        press(app, "Test")
        assert reason in told(app)
        assert KEY not in told(app)


def test_who_only_sends_entries_adds_none(open_app: Open, seeded: Seeded) -> None:
    with seeded.installation.state.begin() as connection:
        set_membership(
            connection,
            account_id=seeded.ids["member@example.org"],
            organization_id=ALPHA,
            role=Role.MEMBER,
            grants={Permission.INGEST: None},
        )
    app = page(open_app("member@example.org"))
    assert not [item for item in app.button if item.label == "Add a source"]
    assert "an admin adds it here" in shown(app)


def test_only_operators_see_what_reads_a_whole_deployment(open_app: Open, seeded: Seeded) -> None:
    add(seeded, "All of it", None)
    assert "All of it" not in shown(page(open_app("admin@example.org")))
    with seeded.installation.state.begin() as connection:
        set_operator(connection, account_id=seeded.ids["admin@example.org"], operator=True)
    app = page(open_app("admin@example.org"))
    assert "All of it" in shown(app)
    assert not [item for item in app.button if item.label in {"Pause", "Remove source"}]


def test_overview_and_sources_say_to_those_of_the_organization_that_entries_may_be_missing(
    open_app: Open, seeded: Seeded
) -> None:
    add(seeded, "Of others", BETA, problem="Refused.", hint="Act.", stopped=True)
    assert not open_app("auditor@example.org").run().warning
    add(seeded, HOSTILE, problem="The key is refused.", hint="Give another.", stopped=True)
    app = open_app("auditor@example.org").run()
    (warning,) = app.warning
    assert warning.proto.title == "Entries may be missing"
    assert HOSTILE in warning.value.replace("\\", "") and "refused" in warning.value
    assert "Of others" not in warning.value
    assert not app.get("page_link")
    app = open_app("admin@example.org").run()
    assert len(app.warning) == 1
    assert len(page(app).warning) == 1
