from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from audit_core.domain.secret_shapes import MARK
from audit_core.explore.layout import DEFAULT_COLUMNS
from audit_core.explore.results import Row
from pages.parts.entries import entry_table
from pages.parts.entries.entry_table import MESSAGE_LENGTH, frame, outcome_text, target_text
from tests.evidence.nasty_entries import NASTY, NOON, made
from tests.pages.conftest import Open
from tests.pages.explore_page import button, entry, explore, select_cell, targets
from tests.support.seeded import BETA, Seeded

AUDITOR = "auditor@example.org"


@pytest.fixture(autouse=True)
def _fresh_caches() -> Iterator[None]:
    st.cache_data.clear()
    yield
    st.cache_data.clear()


@pytest.fixture
def filled(seeded: Seeded) -> Seeded:
    seeded.installation.log.append(
        [
            entry(seeded, 1),
            entry(
                seeded,
                2,
                status_code=500,
                error_message="password=hunter2 refused\nsecond line",
                metadata='{"query":{"token":"abc"},"body":{"name":"<b>"}}',
                actor_api_key_prefix="dtn_ab",
            ),
            entry(seeded, 3, actor_id="runner", actor_email="", target_id=None),
            entry(seeded, 4, organization_id=BETA, target_id="beta-4"),
        ]
    )
    return seeded


@pytest.mark.parametrize(
    ("status_code", "text"),
    [
        (200, "Success · 200"),
        (404, "Client error · 404"),
        (503, "Server error · 503"),
        (101, "Info · 101"),
        (302, "Redirect · 302"),
        (None, "In flight"),
        (0, "Unanswered"),
    ],
)
def test_an_outcome_is_told_with_its_code_and_never_with_an_invented_one(
    status_code: int | None, text: str
) -> None:
    assert outcome_text(made(1, status_code=status_code)) == text


def test_a_target_may_lack_its_type_its_id_or_both() -> None:
    assert target_text(made(1)) == "sandbox box-1"
    assert target_text(made(1, target_id=None)) == "sandbox"
    assert target_text(made(1, target_type=None)) == "box-1"
    assert target_text(made(1, target_type=None, target_id=None)) == "–"


def test_the_table_holds_one_line_for_each_entry_all_of_it_text() -> None:
    rows = tuple(Row(seq=number, entry=entry) for number, entry in enumerate(NASTY))
    now = NOON + timedelta(hours=1)
    table = frame(rows, "America/New_York", now, None, ("age", *DEFAULT_COLUMNS))
    assert len(table) == len(NASTY)
    assert list(table["time"]) == [
        "2026-05-04 08:00:01",
        "2026-05-04 08:00:02",
        "2026-05-04 08:00:00",
        "2026-05-04 08:00:04",
    ]
    assert set(table["age"]) == {"59m ago"}
    assert list(table["user"]) == [*["ann@example.org"] * 2, "@runner", "ann@example.org"]
    assert list(table["message"][:2]) == ['Said "no", then left', ""]


def test_new_is_what_has_a_higher_seq_than_the_one_at_the_beginning() -> None:
    rows = tuple(Row(seq=seq, entry=made(seq)) for seq in (3, 2, 1))
    table = frame(rows, "UTC", NOON, 1)
    assert [list(new) for new in table["new"]] == [["new"], ["new"], []]
    assert "new" not in frame(rows, "UTC", NOON, None)


def test_no_rows_make_a_table_with_all_its_columns() -> None:
    assert list(frame((), "UTC", NOON, None).columns) == [
        *("time", "user", "action", "outcome", "target", "message")
    ]


def test_a_long_message_is_cut_where_all_can_see_and_its_secrets_are_redacted() -> None:
    long = frame((Row(seq=1, entry=made(1, error_message="x" * 1000)),), "UTC", NOON, None)
    assert long["message"][0] == "x" * MESSAGE_LENGTH + "…"
    secret = made(1, error_message="x" * 290 + " password=hunter2")
    shown = frame((Row(seq=1, entry=secret),), "UTC", NOON, None)["message"][0]
    assert "hunter" not in shown
    assert "password=" in shown


def drawer(app: AppTest) -> str:
    """All text of the opened entry; empty when none is open."""
    blocks = app.get("dialog")
    if not blocks:
        return ""
    (block,) = blocks
    parts = [item.value for item in (*block.text, *block.code, *block.info, *block.caption)]
    parts += [str(item.value) for item in (*block.dataframe, *block.get("json"))]
    return "\n".join(map(str, parts))


def test_a_click_on_a_row_opens_its_entry_with_everything_that_is_known(
    open_app: Open, filled: Seeded
) -> None:
    app = select_cell(explore(open_app(AUDITOR)), 1)
    assert not app.exception
    assert app.query_params["entry"] == "entry-2"
    shown = drawer(app)
    for part in ("entry-2", "box-2", "Server error · 500", "2m ago", "dtn_ab", "second line"):
        assert part in shown
    assert "hunter2" not in shown
    assert "abc" not in shown
    assert MARK in shown
    assert "Secrets are redacted." in shown


def test_a_click_after_the_list_has_moved_opens_what_was_clicked_on(
    open_app: Open, filled: Seeded
) -> None:
    app = explore(open_app(AUDITOR))
    assert targets(app)[0] == "box-1"
    filled.installation.log.append([entry(filled, 0)])
    assert select_cell(app, 0).query_params["entry"] == "entry-1"


def test_closing_takes_the_entry_out_of_the_address(open_app: Open, filled: Seeded) -> None:
    app = explore(open_app(AUDITOR), entry="entry-1")
    assert "entry-1" in drawer(app)
    del app.query_params["entry"]
    app.run()
    assert drawer(app) == ""


def test_an_entry_of_another_organization_answers_like_one_that_is_unknown(
    open_app: Open, filled: Seeded
) -> None:
    foreign = drawer(explore(open_app(AUDITOR), entry="entry-4"))
    unknown = drawer(explore(open_app(AUDITOR), entry="entry-9"))
    assert foreign.replace("entry-4", "entry-9") == unknown
    assert "There is no entry with this id in your organization" in foreign
    assert "beta" not in foreign


@pytest.mark.parametrize(
    ("label", "params", "found"),
    [
        ("All entries by this user", {"actor": "ann@example.org"}, ["box-1", "box-2"]),
        ("All entries about this target", {"target": "box-2"}, ["box-2"]),
    ],
)
def test_from_an_entry_to_all_of_its_user_or_target(
    open_app: Open, filled: Seeded, label: str, params: dict[str, str], found: list[str]
) -> None:
    app = explore(
        open_app(AUDITOR), entry="entry-2", outcome="server_error", text="box", window="1d"
    )
    button(app, label).click().run()
    assert not app.exception
    assert app.query_params == {"window": "1d", **params}
    assert targets(app) == found


def test_an_entry_without_a_target_does_not_offer_to_show_all_of_it(
    open_app: Open, filled: Seeded
) -> None:
    app = explore(open_app(AUDITOR), entry="entry-3")
    labels = [item.label for item in app.button]
    assert "All entries by this user" in labels
    assert "All entries about this target" not in labels
    button(app, "All entries by this user").click().run()
    assert app.query_params["actor"] == "runner"
    assert len(app.main.dataframe[0].value) == 1


def test_the_table_says_to_those_who_do_not_see_it_what_it_is(
    open_app: Open, filled: Seeded
) -> None:
    app = explore(open_app(AUDITOR))
    assert app.main.dataframe[0].proto.alt.startswith("Audit entries, newest first, 3 on this")
    assert entry_table.NEW == "new"
