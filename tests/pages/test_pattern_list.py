from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from audit_core.domain.secret_shapes import MARK
from pages.parts.entries import message_pattern_list
from tests.pages.conftest import Open
from tests.pages.explore_page import click_row_button, count, entry, explore
from tests.support.seeded import BETA, Seeded

AUDITOR = "auditor@example.org"


@pytest.fixture(autouse=True)
def _fresh_caches() -> Iterator[None]:
    st.cache_data.clear()
    yield
    st.cache_data.clear()


@pytest.fixture
def filled(seeded: Seeded) -> Seeded:
    texts = (*[f"disk {number} full" for number in range(6)], "token=abcdefgh refused", "", None)
    seeded.installation.log.append(
        [
            *(
                entry(seeded, number, status_code=500, error_message=text)
                for number, text in enumerate(texts, 1)
            ),
            entry(seeded, 20, organization_id=BETA, error_message="beta only"),
        ]
    )
    return seeded


def opened(app: AppTest, **params: str) -> AppTest:
    """Explore after a click of the browser on the patterns."""
    explore(app, window="1d", **params)
    states = app._tree.get_widget_states()
    state = states.widgets.add()
    state.id = app.get_by_key("patterns_open").proto.id
    state.bool_value = True
    return app._run(states)


def listed(app: AppTest) -> Any:
    found = [item for item in app.main.dataframe if "patterns" in item.proto.alt]
    return found[0] if found else None


def test_patterns_are_read_once_they_are_opened(open_app: Open, filled: Seeded) -> None:
    assert listed(explore(open_app(AUDITOR), window="1d")) is None
    table = listed(opened(open_app(AUDITOR))).value
    assert list(table["pattern"]) == ["disk <id> full", f"token={MARK} refused"]
    assert list(table["count"]) == [6, 1]
    assert list(table["share"]) == [6 / 7, 1 / 7]
    assert table["first"][0] == "2026-05-04 08:54:00"
    assert table["last"][0] == "2026-05-04 08:59:00"
    assert sum(table["over_time"][0]) == 6
    assert "abcdefgh" not in table.to_string()


@pytest.mark.parametrize(
    ("column", "row", "found"),
    [("keep", 0, "6 entries"), ("leave_out", 0, "3 entries"), ("keep", 1, "1 entry")],
)
def test_a_click_keeps_a_pattern_or_leaves_it_out(
    open_app: Open, filled: Seeded, column: str, row: int, found: str
) -> None:
    app = opened(open_app(AUDITOR))
    click_row_button(app, listed(app), column, row)
    assert not app.exception
    assert "pattern:" in app.query_params["query"]
    assert count(app) == found


def test_without_messages_it_says_so(open_app: Open, filled: Seeded) -> None:
    app = opened(open_app(AUDITOR), query="-message:*")
    assert not app.exception
    assert any("has an error message" in item.value for item in app.main.text)


def test_that_there_are_more_is_told(
    open_app: Open, filled: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_pattern_list, "MOST", 1)
    app = opened(open_app(AUDITOR))
    assert len(listed(app).value) == 1
    more = "the 1 most common patterns; there are more"
    assert any(more in item.value for item in app.main.caption)
