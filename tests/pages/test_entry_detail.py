from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from audit_core.domain.secret_shapes import MARK
from audit_core.query.time.windows import format_instant
from pages.parts.entries import entry_detail, entry_value_table
from tests.pages.conftest import Open
from tests.pages.explore_page import button, click_row_button, entry, explore, targets
from tests.support.seeded import BETA, Seeded

AUDITOR = "auditor@example.org"
METADATA = '{"query":{"token":"abc"},"body":{"name":"<b>","list":[1],"cpu":4}}'


@pytest.fixture(autouse=True)
def _fresh_caches() -> Iterator[None]:
    st.cache_data.clear()
    yield
    st.cache_data.clear()


@pytest.fixture
def filled(seeded: Seeded) -> Seeded:
    failed = {"status_code": 500, "error_message": "password=hunter2: disk 7 full"}
    seeded.installation.log.append(
        [
            entry(seeded, 1),
            entry(seeded, 2, metadata=METADATA, target_id="box-1", **failed),
            entry(seeded, 3, actor_id="runner", actor_email="", target_id=None),
            entry(seeded, 4, organization_id=BETA, target_id="box-1"),
            entry(seeded, 5, target_id="box-1", actor_id="id-bob", actor_email="bob@example.org"),
            *(entry(seeded, 10 + number) for number in range(12)),
        ]
    )
    return seeded


def drawer(app: AppTest) -> Any:
    (found,) = app.get("dialog")
    return found


def tables(app: AppTest) -> dict[str, pd.DataFrame]:
    """The tables of the drawer by what they are, in the words of their alternative text."""
    return {each.proto.alt: each.value for each in drawer(app).dataframe}


def table(app: AppTest, beginning: str) -> Any:
    (found,) = (each for each in drawer(app).dataframe if each.proto.alt.startswith(beginning))
    return found


def row_of(app: AppTest, beginning: str, field: str) -> int:
    return list(table(app, beginning).value["field"]).index(field)


def test_a_sentence_and_the_instant_in_both_zones_stand_at_the_top(
    open_app: Open, filled: Seeded
) -> None:
    app = explore(open_app(AUDITOR), entry="entry-2", window="1d", zone="Asia/Kolkata")
    told = "ann@example.org failed to start sandbox box-1: password=[redacted] disk 7 full"
    assert drawer(app).text[0].value == told
    captions = [each.value for each in drawer(app).caption]
    assert captions[0] == "Server error · 500 · 2m ago"
    assert captions[1] == (
        "2026-05-04 14:28:00.000000 Asia/Kolkata · 2026-05-04 08:58:00.000000 UTC"
    )


def test_secrets_are_revealed_for_a_reason_on_record_and_in_that_run_only(
    open_app: Open, filled: Seeded
) -> None:
    app = explore(open_app("admin@example.org"), entry="entry-2")
    shown = {code.value for code in drawer(app).code}
    for reason, revealed in (("", False), ("The outage of Monday", True)):
        drawer(app).text_input[0].set_value(reason)
        (send,) = [item for item in drawer(app).button if item.label == "Reveal"]
        app = send.click().run()
        assert not app.exception
        new = {code.value for code in drawer(app).code} - shown
        assert new == ({"password=hunter2: disk 7 full", "abc"} if revealed else set())
    (event,) = filled.events("secrets.revealed")
    assert (event.actor, event.target) == ("admin@example.org", "entry-2")
    assert event.detail["fields"] == ["errorMessage", "metadata.query.token"]
    app.run()
    assert {code.value for code in drawer(app).code} == shown
    app = explore(open_app(AUDITOR), entry="entry-2")
    assert not [item for item in drawer(app).button if item.label == "Reveal"]
    app = explore(open_app("admin@example.org"), entry="entry-1")
    assert not [item for item in drawer(app).button if item.label == "Reveal"]


def test_every_value_but_what_is_redacted_can_be_kept_or_left_out(
    open_app: Open, filled: Seeded
) -> None:
    app = explore(open_app(AUDITOR), entry="entry-2")
    fields = table(app, "The fields").value
    assert list(fields["keep"]) == [entry_value_table.KEEP] * 14
    metadata = table(app, "The metadata").value.set_index("field")
    asked = metadata["keep"].notna()
    assert dict(asked) == {
        "query.token": False,
        "body.name": True,
        "body.list": False,
        "body.cpu": True,
    }
    assert metadata["value"]["query.token"] == MARK
    assert (metadata["leave_out"].notna() == asked).all()


@pytest.mark.parametrize(
    ("beginning", "field", "exclude", "query", "found"),
    [
        ("The fields", "actorEmail", False, "email:ann@example.org", ["box-1", "box-1"]),
        ("The fields", "statusCode", True, "-status:500", ["box-1", ""]),
        ("The fields", "source", False, "source:none", ["box-1", "box-1"]),
        ("The metadata", "body.cpu", False, "metadata.body.cpu:4", ["box-1"]),
        ("The metadata", "body.name", True, '-metadata.body.name:"<b>"', ["box-1", ""]),
    ],
)
def test_a_click_asks_for_a_value_and_shows_the_list(
    open_app: Open, filled: Seeded, beginning: str, field: str, exclude: bool, query: str,
    found: list[str],
) -> None:  # fmt: skip
    app = explore(open_app(AUDITOR), entry="entry-2", window="1d")
    column = "leave_out" if exclude else "keep"
    row = row_of(app, beginning, field)
    click_row_button(app, table(app, beginning), column, row)
    assert not app.exception
    assert app.query_params["query"] == query
    assert "entry" not in app.query_params
    assert targets(app)[: len(found)] == [each or "sandbox" for each in found]


@pytest.mark.parametrize(("label", "count"), [("Messages like this", 1), ("Exclude these", 15)])
def test_messages_of_the_same_pattern_are_kept_or_left_out(
    open_app: Open, filled: Seeded, label: str, count: int
) -> None:
    app = explore(open_app(AUDITOR), entry="entry-2", window="1d")
    button(app, label).click().run()
    assert not app.exception
    assert app.query_params["query"].endswith(f'pattern:"password={MARK} disk <id> full"')
    assert len(targets(app)) == count


def test_what_happened_before_and_after_is_listed_and_leads_there(
    open_app: Open, filled: Seeded
) -> None:
    app = explore(open_app(AUDITOR), entry="entry-2", window="1d")
    listed = table(app, "The entries before")
    when = list(listed.value["when"])
    assert when == [
        "1m after", "This entry", *(f"{8 + number}m before" for number in range(10))
    ]  # fmt: skip
    assert any(
        each.value == "1 after, the nearest 10 before. Select one to open it."
        for each in drawer(app).caption
    )
    states = app._tree.get_widget_states()
    state = states.widgets.add()
    state.id = listed.proto.id
    state.string_value = json.dumps({"selection": {"cells": [[0, "action"]]}})
    app._run(states)
    assert not app.exception
    assert app.query_params["entry"] == "entry-1"
    assert drawer(app).text[0].value == "ann@example.org started sandbox box-1"


def test_on_the_same_target_others_are_named_and_no_other_organization(
    open_app: Open, filled: Seeded
) -> None:
    app = explore(open_app(AUDITOR), entry="entry-2", window="1d")
    drawer(app).get("button_group")[0].set_value("target").run()
    listed = table(app, "The entries before").value
    assert list(listed["when"]) == ["1m after", "This entry", "3m before"]
    assert list(listed["other"]) == ["ann@example.org", "ann@example.org", "bob@example.org"]


def test_an_entry_without_a_target_has_no_neighbours_on_it(open_app: Open, filled: Seeded) -> None:
    app = explore(open_app(AUDITOR), entry="entry-3", window="1d")
    assert len(drawer(app).get("button_group")[0].options) == 1


def test_the_link_opens_the_entry_whatever_the_filter(open_app: Open, filled: Seeded) -> None:
    app = explore(open_app(AUDITOR), entry="entry-2", window="1d", action="start")
    (address,) = (each.value for each in drawer(app).code if each.value.startswith("http"))
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert set(asked) == {"entry", "entry_at"}
    other = explore(open_app(AUDITOR), **asked)
    assert "box-1" in drawer(other).text[0].value


def test_the_link_keeps_the_page_and_nothing_else_of_its_address(seeded: Seeded) -> None:
    item = entry(seeded, 1, id="a b&c")
    at = format_instant(item.created_at).replace(":", "%3A")
    assert entry_detail.link(item, "https://host/app/explore?window=1d#x") == (
        f"https://host/app/explore?entry=a+b%26c&entry_at={at}"
    )
    assert entry_detail.link(item, None).startswith("/?entry=")


def test_an_entry_is_added_to_the_comparison_and_taken_out(open_app: Open, filled: Seeded) -> None:
    app = explore(open_app(AUDITOR), entry="entry-2", window="1d")
    button(app, "Add to comparison").click().run()
    assert not app.exception
    assert app.query_params["compare"] == "2026-05-04T08:58:00Z~entry-2"
    button(app, "Remove from comparison").click().run()
    assert "compare" not in app.query_params
