from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from audit_core.domain.entry_values import compare
from audit_core.explore.comparison import Pick
from pages.parts.entries import comparison
from pages.parts.tables.highlight import EMPHASIS
from tests.pages.conftest import Open
from tests.pages.explore_page import button, entry, explore
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
            entry(seeded, 2, metadata='{"body":{"cpu":4,"token":"abcdef"}}', status_code=500),
            entry(seeded, 3, organization_id=BETA, target_id="beta-3"),
            *(entry(seeded, 10 + number) for number in range(5)),
        ]
    )
    return seeded


def picks(seeded: Seeded, *numbers: int) -> list[str]:
    return [
        Pick(entry_id=item.id, created_at=item.created_at).to_param()
        for item in (entry(seeded, number) for number in numbers)
    ]


def dialog(app: AppTest) -> Any:
    (found,) = app.get("dialog")
    return found


def test_the_bar_says_how_many_were_picked(open_app: Open, filled: Seeded) -> None:
    app = explore(open_app(AUDITOR), window="1d", compare=picks(filled, 1))
    assert any("1 entry selected" in item.value for item in app.main.text)
    assert button(app, "Compare").disabled
    app = explore(open_app(AUDITOR), window="1d", compare=picks(filled, 1, 2))
    assert any(item.value == "2 entries to compare" for item in app.main.text)
    button(app, "Clear").click().run()
    assert "compare" not in app.query_params


def test_two_entries_stand_side_by_side_with_what_differs(open_app: Open, filled: Seeded) -> None:
    app = explore(open_app(AUDITOR), window="1d", compare=picks(filled, 1, 2))
    button(app, "Compare").click().run()
    assert not app.exception
    assert app.query_params["comparing"] == "1"
    table = dialog(app).dataframe[0].value
    shown = table.set_index("field")
    assert list(shown.index) == [
        *("id", "targetId", "statusCode", "metadata.body.cpu", "metadata.body.token", "createdAt"),
    ]
    assert set(shown["differs"]) == {comparison.DIFFERS}
    assert list(shown.loc["statusCode"][["1", "2"]]) == ["200", "500"]
    assert list(shown.loc["metadata.body.cpu"][["1", "2"]]) == ["–", "4"]
    assert "abcdef" not in table.to_string()
    dialog(app).toggle[0].set_value(False).run()
    assert len(dialog(app).dataframe[0].value) > len(table)


def test_an_entry_of_another_organization_is_not_there(open_app: Open, filled: Seeded) -> None:
    app = explore(open_app(AUDITOR), window="1d", compare=picks(filled, 1, 3), comparing="1")
    assert not app.exception
    assert dialog(app).info[0].value == "1 entry is not in your organization and left out."
    assert not dialog(app).dataframe
    assert "beta" not in "".join(item.value for item in dialog(app).text)


def test_from_the_comparison_to_one_of_its_entries(open_app: Open, filled: Seeded) -> None:
    app = explore(open_app(AUDITOR), window="1d", compare=picks(filled, 1, 2), comparing="1")
    button(app, "Open entry 2").click().run()
    assert not app.exception
    assert app.query_params["entry"] == "entry-2"
    assert "comparing" not in app.query_params
    assert len(app.query_params["compare"]) == 2


def test_a_sixth_entry_is_not_taken(open_app: Open, filled: Seeded) -> None:
    app = explore(
        open_app(AUDITOR), window="1d", compare=picks(filled, 10, 11, 12, 13, 14), entry="entry-1"
    )
    assert button(app, "Add to comparison").disabled


@pytest.mark.parametrize(
    ("given", "told"),
    [(["nonsense"], "cannot be read"), ([f"2026-01-01T00:00:00Z~{n}" for n in "abcdef"], "6")],
)
def test_an_address_that_cannot_be_read_says_what_is_wrong(
    open_app: Open, filled: Seeded, given: list[str], told: str
) -> None:
    app = explore(open_app(AUDITOR), window="1d", compare=given)
    assert app.main.error
    assert told in app.main.text[-1].value


def test_what_is_not_as_in_the_first_entry_stands_out(seeded: Seeded) -> None:
    items = [entry(seeded, 1), entry(seeded, 1, action="stop"), entry(seeded, 1)]
    rows = list(compare(items, secrets=True))
    styled = comparison.styled(rows, 3, "UTC")
    styles = styled._compute().ctx
    marked = {place for place, style in styles.items() if style}
    assert EMPHASIS.startswith("background-color")
    assert {row for row, _ in marked} == {0}
    assert {column for _, column in marked} == {3}


def test_picks_stay_on_another_page_of_the_list(open_app: Open, filled: Seeded) -> None:
    filled.installation.log.append([entry(filled, 20 + number) for number in range(30)])
    app = explore(open_app(AUDITOR), window="1d", rows="25", compare=picks(filled, 1, 2))
    button(app, "Older").click().run()
    assert not app.exception
    assert "at" in app.query_params
    assert any(item.value == "2 entries to compare" for item in app.main.text)
