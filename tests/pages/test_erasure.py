"""Evidence → Erasure: one admin asks, another one confirms or refuses."""

from __future__ import annotations

from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from audit_core.evidence.erasures import store
from audit_core.evidence.erasures.carrying_out import carry_out
from audit_core.evidence.erasures.erasure import Erasure, Stage
from audit_core.query.entry_filter import EntryFilter
from audit_core.workspace.legal_holds import set_hold
from tests.evidence.erasures.conftest import Office
from tests.evidence.nasty_entries import made
from tests.pages.conftest import Open
from tests.support.seeded import ALPHA, BETA, Seeded

ADMIN, OTHER = "admin@example.org", "both@example.org"
EVE = "Eve@example.org"
REASON = "Request 12 <b>*now*</b>"


@pytest.fixture(autouse=True)
def stored(seeded: Seeded) -> None:
    at = seeded.clock() - timedelta(hours=1)
    seeded.installation.log.append(
        [
            made(1, organization_id=ALPHA, actor_id="u-eve", actor_email=EVE, created_at=at),
            made(2, organization_id=ALPHA, metadata=f'{{"to":"{EVE}"}}', created_at=at),
            made(3, organization_id=BETA, actor_id="u-bea", actor_email="bea@x.org", created_at=at),
        ]
    )


def opened(open_app: Open, email: str) -> AppTest:
    app = open_app(email).run()
    app.switch_page("evidence/erasure.py").run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    return "\n".join(item.value for item in (*app.text, *app.caption, *app.error))


def press(app: AppTest, label: str) -> None:
    (button,) = [item for item in app.button if item.label == label]
    button.click().run()
    assert not app.exception


def find(app: AppTest, name: str) -> None:
    app.text_input(key="erasure_name").set_value(name)
    press(app, "Find")


def ask(app: AppTest, name: str = "eve@EXAMPLE.org", reason: str = REASON) -> None:
    find(app, name)
    (area,) = [item for item in app.text_area if not item.key]
    area.set_value(reason)
    press(app, "Ask for the erasure")


def erasures(seeded: Seeded, organization_id: str = ALPHA) -> list[Erasure]:
    with seeded.installation.state.read() as connection:
        return store.list_erasures(connection, organization_id, limit=9)


def test_where_nobody_has_asked_the_page_says_so(open_app: Open) -> None:
    app = opened(open_app, ADMIN)
    assert "Nobody has asked for an erasure yet." in texts(app)
    ask(app)
    assert "Nobody has asked" not in texts(app)


def test_one_admin_asks_and_another_confirms(open_app: Open, seeded: Seeded) -> None:
    app = opened(open_app, ADMIN)
    find(app, "eve@EXAMPLE.org")
    assert "1 entry of the person, of 2026-05-04 08:00 (UTC); 1 entry of others" in texts(app)
    ask(app, reason=" ")
    assert "Say why, such as the number of the request." in texts(app)
    ask(app)
    (asked,) = erasures(seeded)
    assert (asked.stage, asked.reason, asked.asked_by) == (Stage.ASKED, REASON, ADMIN)
    assert REASON in texts(app) and "Another admin has to confirm it." in texts(app)
    # Who asked can only take it back.
    assert not [item for item in app.button if item.label == "Confirm or refuse"]

    app = opened(open_app, OTHER)
    press(app, "Confirm or refuse")
    assert "u-eve" in texts(app)
    app.text_input(key=f"erasure_{asked.id}_typed").set_value("ada@example.org")
    press(app, "Erase the data")
    assert "Type one of those that stand there, in full." in texts(app)
    app.text_input(key=f"erasure_{asked.id}_typed").set_value("EVE@example.org")
    press(app, "Erase the data")
    (confirmed,) = erasures(seeded)
    assert (confirmed.stage, confirmed.confirmed_by) == (Stage.CONFIRMED, OTHER)

    carry_out(seeded.installation.erasures, confirmed)
    app = opened(open_app, OTHER)
    shown = texts(app)
    assert confirmed.pseudonym in shown
    assert "1 entry of the person, 1 entry of others that named them" in shown
    assert "Old bytes of it stay in the log's file until the server is started anew" in shown
    assert "eve@" not in shown.casefold()


def test_it_is_refused_with_a_reason_or_withdrawn(open_app: Open, seeded: Seeded) -> None:
    app = opened(open_app, ADMIN)
    ask(app)
    app = opened(open_app, OTHER)
    press(app, "Confirm or refuse")
    press(app, "Refuse")
    (asked,) = erasures(seeded)
    app.text_area(key=f"erasure_{asked.id}_reason").set_value("Needed")
    press(app, "Refuse")
    assert f"by {OTHER}: Needed" in texts(app)
    ask(app)
    press(app, "Withdraw")
    assert {one.stage for one in erasures(seeded)} == {Stage.REFUSED, Stage.WITHDRAWN}


def test_what_a_legal_hold_keeps_cannot_be_asked_for(open_app: Open, seeded: Seeded) -> None:
    app = opened(open_app, ADMIN)
    with seeded.installation.state.begin() as connection:
        set_hold(
            connection,
            Office(seeded).by(ADMIN),
            organization_id=ALPHA,
            params=EntryFilter.from_params({"window": ["all"]}).to_params(),
            sentence="all",
            reason="Case",
        )
    find(app, "u-eve")
    assert "A legal hold of 2026-05-04 by admin@example.org keeps entries" in texts(app)
    (button,) = [item for item in app.button if item.label == "Ask for the erasure"]
    assert button.disabled


@pytest.mark.parametrize("name", ["", "erased:0123456789abcdef"])
def test_what_names_nobody_is_refused(open_app: Open, name: str) -> None:
    app = opened(open_app, ADMIN)
    find(app, name)
    assert "or the id of an actor." in texts(app) and not app.text_area


def test_nothing_of_another_organization_is_found(open_app: Open, seeded: Seeded) -> None:
    app = opened(open_app, ADMIN)
    find(app, "bea@x.org")
    assert "0 entries of the person; 0 entries of others" in texts(app)
    ask(app, "bea@x.org")
    assert erasures(seeded, BETA) == []


@pytest.mark.parametrize("email", ["auditor@example.org", "member@example.org"])
def test_only_admins_see_it(open_app: Open, email: str) -> None:
    app = open_app(email).run()
    app.switch_page("evidence/erasure.py").run()
    assert "Contact an admin" in texts(app) and not app.text_input
