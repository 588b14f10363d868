"""The page of exports: what a new one will hold, and what can be done to those that are there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import delete
from streamlit.testing.v1 import AppTest

from audit_core.evidence.jobs import store
from audit_core.evidence.jobs.export_cap import set_cap
from audit_core.evidence.jobs.job import ExportJob, JobState
from audit_core.evidence.jobs.making import Making
from audit_core.evidence.pack.making import left_out
from audit_core.evidence.schedules.schedule import list_schedules
from audit_core.log.schema import audit_entry
from pages.parts.entries import over_time
from tests.evidence.nasty_entries import made
from tests.pages.conftest import Open
from tests.support.seeded import ALPHA, BETA, Seeded

ADMIN, AUDITOR, MEMBER = "admin@example.org", "auditor@example.org", "member@example.org"


@pytest.fixture(autouse=True)
def stored(seeded: Seeded) -> None:
    now = seeded.clock()
    seeded.installation.log.append(
        [
            made(
                number,
                organization_id=(ALPHA, ALPHA, BETA)[number % 3],
                action=("create", "start")[number % 2],
                created_at=now - timedelta(minutes=number + 1),
            )
            for number in range(30)
        ]
    )


def opened(open_app: Open, email: str = AUDITOR) -> AppTest:
    app = open_app(email).run()
    app.switch_page("evidence/exports.py").run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    return "\n".join(item.value for item in (*app.text, *app.caption))


def jobs(seeded: Seeded, organization_id: str = ALPHA) -> list[ExportJob]:
    with seeded.installation.state.read() as connection:
        return store.list_jobs(connection, organization_id, limit=100)


def make_next(seeded: Seeded) -> ExportJob:
    """What the app's thread does: make the next one in line."""
    workshop = seeded.installation.exports
    with workshop.state.begin() as connection:
        job = store.take_next(connection, holder="test", now=workshop.clock())
    assert job is not None
    Making(workshop, job).run()
    with workshop.state.read() as connection:
        found = store.find_job(connection, job.id, job.organization_id)
    assert found is not None
    return found


@pytest.fixture
def filtered(open_app: Open) -> Iterator[AppTest]:
    app = opened(open_app)
    app.query_params["window"] = "1d"
    app.query_params["action"] = "start"
    yield app.run()


def test_it_says_beforehand_what_the_file_will_hold(filtered: AppTest, seeded: Seeded) -> None:
    assert "10 entries: action start, last day (UTC)" in texts(filtered)
    filtered.button(key="export_make").click().run()
    (job,) = jobs(seeded)
    assert (job.state, job.requested_by, job.title) == (JobState.WAITING, AUDITOR, "action start")
    assert "It begins in a moment." in texts(filtered)
    done = make_next(seeded)
    assert (done.state, done.entries, done.expected) == (JobState.DONE, 10, 10)
    filtered.run()
    assert "10 entries ·" in texts(filtered)
    (link,) = filtered.get("link_button")
    assert urlsplit(link.proto.url).path == f"/api/v1/exports/{done.id}/file"
    assert [item.value for item in filtered.code if done.sha256 and done.sha256 in item.value]


def test_what_a_limit_leaves_out_is_said_before_and_after(
    filtered: AppTest, seeded: Seeded
) -> None:
    with seeded.installation.state.begin() as connection:
        set_cap(connection, ALPHA, 4, actor="operator", now=seeded.clock())
    filtered.run()
    assert ["6 would be left out" in item.value for item in filtered.warning] == [True]
    filtered.button(key="export_make").click().run()
    assert make_next(seeded).entries == 4
    filtered.run()
    assert "the 4 oldest" in filtered.warning[1].value
    assert "6 are left out" in filtered.warning[1].value


def test_vanished_entries_alarm_until_an_admin_acknowledges_them(
    open_app: Open, seeded: Seeded
) -> None:
    app = opened(open_app)
    app.button(key="export_make").click().run()
    make_next(seeded)
    gone = audit_entry.c.organization_id == ALPHA
    with seeded.installation.log._engine.begin() as connection:
        connection.execute(delete(audit_entry).where(gone))
    app.run()
    app.button(key=f"export_{jobs(seeded)[0].id}_since").click().run()
    job = make_next(seeded)
    overview = open_app(AUDITOR).run()
    assert "vanished" in overview.error[0].value
    key = f"vanished_{job.id}"
    assert f"{key}_do" not in [item.key for item in app.run().button]
    admin = opened(open_app, ADMIN)
    assert "vanished" in admin.error[0].value
    admin.text_area(key=f"{key}_reason").set_value("Known")
    admin.button(key=f"{key}_do").click().run()
    assert not admin.error
    assert f"Acknowledged by {ADMIN}" in texts(admin)


def test_a_pack_that_will_be_large_is_said_beforehand(
    filtered: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(left_out, "MAX_LEFT_OUT", 2)
    filtered.selectbox(key="export_kind").set_value("Pack with proof").run()
    (said,) = filtered.warning
    assert "further writes that the filter leaves out" in said.value


def test_what_cannot_be_counted_in_time_is_said(
    filtered: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(over_time, "PATIENCE_S", 0.0)
    filtered.query_params["action"] = "create"
    filtered.run()
    assert "Not counted: action create" in texts(filtered)
    (button,) = [item for item in filtered.button if item.label == "Count exactly"]
    button.click().run()
    assert "10 entries: action create" in texts(filtered)


def test_a_view_to_begin_with_names_the_export(open_app: Open, seeded: Seeded) -> None:
    app = opened(open_app)
    app.selectbox(key="export_view").set_value("deletions").run()
    app.button(key="export_make").click().run()
    (job,) = jobs(seeded)
    assert job.title == "Deletions"
    assert job.request.entry_filter.query.startswith("action:*delete*")


def test_an_export_is_cancelled_repeated_and_deleted(filtered: AppTest, seeded: Seeded) -> None:
    filtered.button(key="export_make").click().run()
    (job,) = jobs(seeded)
    filtered.button(key=f"export_{job.id}_cancel").click().run()
    assert [one.state for one in jobs(seeded)] == [JobState.CANCELLED]
    seeded.clock.pass_by(hours=1)
    filtered.button(key=f"export_{job.id}_repeat").click().run()
    again, _ = jobs(seeded)
    assert again.request.entry_filter == job.request.entry_filter
    assert again.request.as_of == seeded.clock()
    filtered.button(key=f"export_{job.id}_delete").click().run()
    assert [one.id for one in jobs(seeded)] == [again.id]
    file = seeded.installation.exports.files.path(make_next(seeded).id)
    assert file.exists()
    filtered.run().button(key=f"export_{again.id}_delete").click().run()
    assert not jobs(seeded)
    assert not file.exists()
    assert len(seeded.events("export.deleted")) == 2


def test_secrets_are_offered_to_those_only_who_may_see_them(open_app: Open, seeded: Seeded) -> None:
    app = opened(open_app, ADMIN)
    app.toggle(key="export_secrets").set_value(True)
    app.button(key="export_make").click().run()
    (job,) = jobs(seeded)
    assert job.holds_secrets
    make_next(seeded)
    other = opened(open_app)
    assert "export_secrets" not in [item.key for item in other.toggle]
    (link,) = other.get("link_button")
    assert link.proto.disabled
    # What a repeat would hold is looked at as well.
    other.button(key=f"export_{job.id}_repeat").click().run()
    assert len(jobs(seeded)) == 1
    assert other.error


def test_the_same_is_made_by_itself_each_week(filtered: AppTest, seeded: Seeded) -> None:
    filtered.text_input(key="schedule_name").set_value("Weekly starts")
    filtered.segmented_control(key="schedule_every").set_value("week")
    filtered.run()
    filtered.button(key="schedule_add").click().run()
    with seeded.installation.state.read() as connection:
        (one,) = list_schedules(connection, ALPHA)
    assert one.describe() == "each Monday at 06:00 (UTC)"
    assert one.request(one.next_at).entry_filter.actions == ("start",)
    assert "each Monday at 06:00 (UTC) · next 2026-05-11 06:00" in texts(filtered)
    filtered.button(key=f"schedule_{one.id}_pause").click().run()
    assert "next" not in texts(filtered)
    filtered.button(key=f"schedule_{one.id}_remove").click().run()
    assert not filtered.exception
    assert len(seeded.events("export_schedule.removed")) == 1


def test_another_organization_sees_none_of_them(open_app: Open, seeded: Seeded) -> None:
    app = opened(open_app)
    app.button(key="export_make").click().run()
    assert not jobs(seeded, BETA)
    assert "None yet" not in texts(app)


def test_who_may_not_export_is_told_so(open_app: Open, seeded: Seeded) -> None:
    app = open_app(MEMBER).run()
    app.switch_page("evidence/exports.py").run()
    assert [item.value for item in app.header] == ["You do not have access to this page"]
