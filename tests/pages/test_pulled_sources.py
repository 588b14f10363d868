"""Admin → Sources: what is pulled, how it goes, and who may pause it."""

from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest

from audit_core.domain.access import Permission, Role
from audit_core.identity.accounts import set_membership
from audit_core.sources.source import (
    Source,
    add_source,
    hold,
    note_progress,
    progress_of,
    sources_of,
)
from tests.pages.conftest import Open
from tests.support.seeded import ALPHA, BETA, Seeded

PAGE = "admin/sources.py"
HOSTILE = "<script>*x*</script> :red[y]"


def add(seeded: Seeded, name: str, organization_id: str = ALPHA, **progress: Any) -> Source:
    with seeded.installation.state.begin() as connection:
        found = add_source(
            connection,
            organization_id=organization_id,
            name=name,
            url="https://daytona.example/api",
            sealed_key="sealed",
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
    add(seeded, "Running", accepted=1_234, finished=5, last_success_at=now, newest=now)
    add(seeded, HOSTILE, problem="The key is refused.", hint="Give it another one.", stopped=True)
    add(seeded, "Of others", BETA)
    found = shown(page(open_app("admin@example.org")))
    assert "1,234 accepted · 5 finished · 0 rejected" in found
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


def test_where_nothing_is_pulled_the_command_is_told(open_app: Open, seeded: Seeded) -> None:
    app = page(open_app("admin@example.org"))
    assert any("sandtrail source add" in item.value for item in app.code)
