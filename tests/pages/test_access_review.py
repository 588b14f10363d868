"""Access review on its page: begun, decided, signed off; for admins of the organization only."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from audit_core.identity.administration import Administrator
from audit_core.state.review_tables import access_review_item
from audit_core.workspace.access_reviews.decisions import decide_items
from audit_core.workspace.access_reviews.lines import Usage
from audit_core.workspace.access_reviews.review import Decision
from audit_core.workspace.access_reviews.store import (
    find_review,
    list_items,
    list_reviews,
    sign_off,
    start_review,
)
from tests.pages.conftest import Open
from tests.support.seeded import ALPHA, Seeded

ADMIN, PAGE = "admin@example.org", "evidence/access_review.py"


def opened(open_app: Open, email: str, review_id: str | None = None) -> AppTest:
    app = open_app(email).run()
    app.switch_page(PAGE).run()
    if review_id is not None:
        app.query_params["review"] = review_id
        app.run()
    assert not app.exception
    return app


def started(seeded: Seeded, *, signed: bool) -> str:
    by = Administrator(actor=ADMIN, account_id=seeded.ids[ADMIN], address=None, now=seeded.clock())
    with seeded.installation.state.begin() as connection:
        review_id = start_review(
            connection,
            by,
            organization_id=ALPHA,
            period="2026 Q1",
            since=seeded.clock(),
            until=seeded.clock(),
            zone="UTC",
            usage=Usage(),
        )
        if signed:
            review = find_review(connection, ALPHA, review_id)
            assert review is not None
            decide_items(
                connection,
                by,
                organization_id=ALPHA,
                review_id=review_id,
                shown=list_items(connection, review),
                decision=Decision.ATTESTED,
                note="",
            )
            sign_off(connection, by, organization_id=ALPHA, review_id=review_id)
    return review_id


def test_an_admin_begins_one_of_the_last_quarter(open_app: Open, seeded: Seeded) -> None:
    app = opened(open_app, ADMIN)
    assert app.selectbox[0].value == "2026 Q1"
    assert app.selectbox[0].options[0] == "2026 Q2, not over"
    next(item for item in app.button if item.label == "Begin review").click().run()
    assert not app.exception and not app.error
    with seeded.installation.state.read() as connection:
        (review,) = list_reviews(connection, ALPHA)
    assert app.query_params["review"] in (review.id, [review.id])
    lines = app.dataframe[0].value.to_dict("records")
    assert [line["subject"] for line in lines if line["kind"] == "Member"] == sorted(
        f"{name}@example.org" for name in ("admin", "auditor", "both", "disabled", "member")
    )
    # Lines are open, so signing off says how many, and does nothing.
    next(item for item in app.button if item.label == "Sign off now").click().run()
    assert [item.value for item in app.error] == [
        "Attest or revoke each of them, and sign off then."
    ]


def test_what_is_signed_off_cannot_be_changed_and_says_if_it_was(
    open_app: Open, seeded: Seeded
) -> None:
    review_id = started(seeded, signed=True)
    app = opened(open_app, ADMIN, review_id)
    labels = {item.label for item in app.button}
    assert not labels & {"Sign off now", "Discard this review"}
    assert any("those that were signed off" in item.value for item in app.caption)
    with seeded.installation.state.begin() as connection:
        connection.execute(access_review_item.update().values(note="forged"))
    app.run()
    assert len(app.error) == 1


def test_nobody_but_admins_of_the_organization_sees_one(open_app: Open, seeded: Seeded) -> None:
    review_id = started(seeded, signed=False)
    refused = opened(open_app, "auditor@example.org", review_id)
    assert [item.value for item in refused.header] == ["You do not have access to this page"]
    app = opened(open_app, ADMIN, "0" * 32)
    assert [item.value for item in app.info] == ["There is no such review in this organization."]
