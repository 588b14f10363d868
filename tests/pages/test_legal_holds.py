"""Evidence → Legal holds: setting one from the filter bar, and lifting it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from audit_core.workspace.legal_holds import LegalHold, list_holds
from tests.evidence.nasty_entries import made
from tests.pages.conftest import Open
from tests.support.seeded import ALPHA, BETA, Seeded

ADMIN = "admin@example.org"
REASON = "Case 12 <b>*now*</b>"


@pytest.fixture(autouse=True)
def stored(seeded: Seeded) -> None:
    seeded.installation.log.append(
        [
            made(
                number,
                organization_id=(ALPHA, ALPHA, BETA)[number % 3],
                action=("create", "start")[number % 2],
                created_at=seeded.clock() - timedelta(minutes=number + 1),
            )
            for number in range(30)
        ]
    )


def opened(open_app: Open, **params: str) -> AppTest:
    app = open_app(ADMIN).run()
    app.switch_page("evidence/legal_holds.py")
    for name, value in params.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    return "\n".join(item.value for item in (*app.text, *app.caption))


def holds(seeded: Seeded) -> list[LegalHold]:
    with seeded.installation.state.read() as connection:
        return list_holds(connection, ALPHA)


def submit(app: AppTest, reason: str) -> None:
    (area,) = [item for item in app.text_area if not item.key]
    area.set_value(reason)
    (button,) = [item for item in app.button if item.label == "Set legal hold"]
    button.click().run()
    assert not app.exception


def test_one_is_set_for_what_the_filter_bar_says_and_lifted_with_a_reason(
    open_app: Open, seeded: Seeded
) -> None:
    app = opened(open_app, window="1d", action="start")
    assert "10 entries now: action start, from " in texts(app)
    submit(app, " ")
    assert [item.value for item in app.error] == ["Say why, such as a case number."]
    assert holds(seeded) == []

    submit(app, REASON)
    (held,) = holds(seeded)
    assert (held.reason, held.set_by) == (REASON, ADMIN)
    # The window is fixed: it does not move along.
    assert "from" in held.params and "window" not in held.params
    shown = texts(app)
    assert "10 entries: action start, from " in shown
    assert REASON in shown
    assert "No retention is set, so everything is kept anyway." in shown

    app.text_area(key=f"hold_{held.id}_reason").set_value("Closed").run()
    app.button(key=f"hold_{held.id}_lift").click().run()
    (lifted,) = holds(seeded)
    assert (lifted.lifted_by, lifted.lifting_reason) == (ADMIN, "Closed")
    assert "None is in force." in texts(app)
    assert f"by {ADMIN}: Closed" in texts(app)
    assert [event.detail["reason"] for event in seeded.events("legal_hold.set")] == [REASON]
    assert len(seeded.events("legal_hold.lifted")) == 1
