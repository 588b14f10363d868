"""Integrity: what is sealed, how it was verified, and the alarm when something does not fit."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from audit_core.integrity.verification.verifier import verify
from audit_core.log.retention import Retention
from audit_core.log.schema import audit_entry
from audit_core.state.access_log.record import list_events
from audit_core.state.tree.status import read_status
from tests.evidence.nasty_entries import made
from tests.pages.conftest import Open
from tests.support.seeded import ALPHA, Seeded

PAGE = "evidence/integrity.py"
COLUMN = audit_entry.c.organization_revision


def fill(seeded: Seeded) -> None:
    at = seeded.clock() - timedelta(hours=1)
    seeded.installation.log.append([made(number, created_at=at) for number in range(5)])


def verified(seeded: Seeded) -> None:
    opened = seeded.installation
    options = {"retention": Retention(), "clock": seeded.clock}
    verify(opened.trees, opened.state, ALPHA, **options)


def test_an_admin_asks_for_a_verification_and_cancels_it(open_app: Open, seeded: Seeded) -> None:
    opened = seeded.installation
    fill(seeded)
    app = open_app("admin@example.org").run()
    app.switch_page(PAGE).run()
    assert app.button(key="integrity_verify").disabled
    opened.trees.sealed_now(ALPHA)
    app.run()
    assert not app.exception and not app.error
    figures = {item.label: item.value for item in app.metric}
    written = opened.log.head(ALPHA)
    assert figures["Sealed writes"] == f"{written:,}"
    assert figures["Not sealed yet"] == "0"
    assert figures["Last verified"] == "Never"
    assert [item.value for item in app.code] == [
        opened.trees.newest(ALPHA).note.strip(),
        opened.trees.sealing.signer.key.text,
    ]
    app.button(key="integrity_verify").click().run()
    with opened.state.read() as connection:
        assert read_status(connection, ALPHA).requested_by == "admin@example.org"
    app.button(key="integrity_cancel").click().run()
    with opened.state.read() as connection:
        assert read_status(connection, ALPHA).requested_at is None
    with opened.state.read() as connection:
        noted = list_events(connection, organization_id=ALPHA, limit=2)
    assert [(event.verb, event.actor) for event in noted] == [
        ("verification.cancelled", "admin@example.org"),
        ("verification.requested", "admin@example.org"),
    ]
    verified(seeded)
    app.run()
    assert "as they were sealed" in app.success[0].value


def test_a_finding_is_an_alarm_on_overview_too(open_app: Open, seeded: Seeded) -> None:
    opened = seeded.installation
    fill(seeded)
    opened.trees.sealed_now(ALPHA)
    with opened.log._engine.begin() as connection:
        connection.execute(
            delete(audit_entry).where(COLUMN == 2, audit_entry.c.organization_id == ALPHA)
        )
    verified(seeded)
    app = open_app("auditor@example.org").run()
    assert "The log lacks write 2." in app.error[0].value
    app.switch_page(PAGE).run()
    assert "Not all is as it was sealed." in app.error[0].value
    assert any("**Missing.** The log lacks write 2." in item.value for item in app.markdown)
    # Who does not manage the organization sees it all, and starts nothing.
    assert app.button(key="integrity_verify").disabled
    assert "integrity_acknowledge_do" not in [item.key for item in app.button]
    app = open_app("admin@example.org").run()
    app.switch_page(PAGE).run()
    app.text_area(key="integrity_acknowledge_reason").set_value("Case 12: *lost* disk")
    app.button(key="integrity_acknowledge_do").click().run()
    assert not app.error
    assert "which is acknowledged" in app.warning[0].value
    assert any("by admin@example.org" in item.value for item in app.text)
    app.switch_page("activity/overview.py").run()
    assert not app.error


def test_a_member_is_refused(open_app: Open) -> None:
    app = open_app("member@example.org").run()
    app.switch_page(PAGE).run()
    assert not app.metric
    assert [item.value for item in app.header] == ["You do not have access to this page"]
