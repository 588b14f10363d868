from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from audit_core.domain.entries import AuditEntry
from audit_core.domain.secret_shapes import MARK
from audit_core.explore.layout import COLUMNS, DEFAULT_COLUMNS
from audit_core.explore.results import Row
from pages.parts.entries.entry_table import (
    MESSAGE_LENGTH,
    TAIL,
    Cell,
    lines,
    outcome_text,
    target_text,
)
from tests.evidence.nasty_entries import NASTY, NOON, made
from tests.pages.conftest import Open
from tests.pages.explore_page import (
    button,
    entry,
    entry_list,
    explore,
    open_row,
    table,
    targets,
    texts,
)
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


def cells(entry: AuditEntry) -> dict[str, Cell]:
    """The cells of one entry by the names of their columns."""
    (line,) = lines((Row(seq=1, entry=entry),), "UTC", NOON, None, tuple(COLUMNS))
    return dict(zip(COLUMNS, line["cells"], strict=True))


def test_the_list_holds_one_line_for_each_entry_all_of_it_text() -> None:
    rows = tuple(Row(seq=number, entry=entry) for number, entry in enumerate(NASTY))
    now = NOON + timedelta(hours=1)
    found = lines(rows, "America/New_York", now, None)
    assert [line["id"] for line in found] == [entry.id for entry in NASTY]
    shown = texts(found, DEFAULT_COLUMNS)
    assert list(shown["time"]) == [
        "2026-05-04 08:00:01",
        "2026-05-04 08:00:02",
        "2026-05-04 08:00:00",
        "2026-05-04 08:00:04",
    ]
    assert set(shown["age"]) == {"59m ago"}
    assert list(shown["user"]) == [*["ann@example.org"] * 2, "@runner", "ann@example.org"]
    assert list(shown["message"][:2]) == ['Said "no", then left', ""]


def test_new_is_what_has_a_higher_seq_than_the_one_at_the_beginning() -> None:
    rows = tuple(Row(seq=seq, entry=made(seq)) for seq in (3, 2, 1))
    found = lines(rows, "UTC", NOON, 1)
    assert [line["cells"][0]["text"] for line in found] == ["new", "new", ""]
    assert len(lines(rows, "UTC", NOON, None)[0]["cells"]) == len(DEFAULT_COLUMNS)


def test_a_long_message_is_cut_where_all_can_see_and_its_secrets_are_redacted() -> None:
    long = cells(made(1, error_message="x" * 2000))["message"]
    assert long["text"] == "x" * MESSAGE_LENGTH + "…"
    assert long["whole"].startswith("x" * MESSAGE_LENGTH * 2)
    shown = cells(made(1, error_message="x" * 290 + " password=hunter2"))["message"]
    assert "hunter" not in str(shown)
    assert "password=" in shown["text"]


def test_the_cause_of_a_failure_stands_before_what_all_such_messages_begin_with() -> None:
    message = "Sandbox failed to start: no runner\navailable"
    assert cells(made(1, error_message=message))["message"] == {
        "text": "no runner available",
        "after": "Sandbox failed to start",
        "whole": "Sandbox failed to start: no runner available",
    }


def test_a_long_id_may_lose_its_middle_on_the_screen_and_stays_whole_as_text() -> None:
    long = "10f249ad-9bf3-5d0e-9de4-207e6252f7cd"
    shown = cells(made(1, target_id=long))
    assert shown["target"] == {"text": f"sandbox {long}", "tail": TAIL}
    assert shown["target_id"] == {"text": long, "tail": TAIL}
    assert "tail" not in cells(made(1, target_id="box-1"))["target"]


def test_an_age_says_the_instant_too() -> None:
    age = cells(made(1, created_at=NOON - timedelta(hours=5)))["age"]
    assert age["text"] == "5h ago"
    assert age["whole"] == "2026-05-04 07:00:00 UTC"
    assert age["instant"] == int((NOON - timedelta(hours=5)).timestamp() * 1000)


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
    app = open_row(explore(open_app(AUDITOR)), 1)
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
    assert open_row(app, 0).query_params["entry"] == "entry-1"


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
    assert len(table(app)) == 1


def test_the_table_says_to_those_who_do_not_see_it_what_it_is(
    open_app: Open, filled: Seeded
) -> None:
    app = explore(open_app(AUDITOR))
    assert entry_list(app)["label"] == "Audit entries, newest first, 3 entries on this page"


def test_the_list_marks_the_entry_that_is_open_wherever_it_stands(
    open_app: Open, filled: Seeded
) -> None:
    app = open_row(explore(open_app(AUDITOR)), 1)
    assert entry_list(app)["open"] == "entry-2"
    filled.installation.log.append([entry(filled, 0)])
    app.run()
    assert entry_list(app)["open"] == "entry-2"
    del app.query_params["entry"]
    app.run()
    assert entry_list(app)["open"] is None
