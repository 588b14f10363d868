import json
from collections.abc import Iterator

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from audit_core.explore.facets import FACETS
from pages.parts.filters import facet_panel
from tests.pages.conftest import Open
from tests.pages.explore_page import count, entry, explore, targets
from tests.support.seeded import BETA, Seeded

AUDITOR = "auditor@example.org"


@pytest.fixture(autouse=True)
def _fresh_caches() -> Iterator[None]:
    st.cache_data.clear()
    yield
    st.cache_data.clear()


@pytest.fixture
def app(open_app: Open, seeded: Seeded) -> AppTest:
    seeded.installation.log.append(
        [
            entry(seeded, 1),
            entry(seeded, 2, status_code=404, source="cli"),
            entry(seeded, 3, action="*bold* [x](y)", actor_email="bob@example.org"),
            entry(seeded, 4, status_code=None),
            entry(seeded, 5, organization_id=BETA, actor_email="eve@beta.example"),
        ]
    )
    return explore(open_app(AUDITOR))


def values(app: AppTest, param: str) -> dict[str, int]:
    """The values of a facet that is open, with their counts."""
    table = app.get_by_key(f"facet_{param}_values").value
    return dict(zip(table["value"], table["count"], strict=True))


def pressed(app: AppTest, key: str, state: object) -> AppTest:
    """Run again as after a click of the browser within a table."""
    states = app._tree.get_widget_states()
    widget = states.widgets.add()
    widget.id = key
    widget.string_value = json.dumps(state)
    app._run(states)
    assert not app.exception
    return app


def keep(app: AppTest, param: str, row: int) -> AppTest:
    table = app.get_by_key(f"facet_{param}_values")
    return pressed(app, table.proto.id, {"selection": {"cells": [[row, "value"]]}})


def test_the_panel_has_all_facets_in_the_words_of_people() -> None:
    assert tuple(facet_panel.FIELDS) == tuple(param for param, _, _ in FACETS)
    assert set(facet_panel.OPEN_AT_FIRST) < set(facet_panel.FIELDS)


def test_values_stand_with_their_counts_and_nobody_elses(app: AppTest) -> None:
    assert values(app, "actor") == {"ann@example.org": 3, "bob@example.org": 1}
    assert values(app, "action") == {"start": 3, "*bold* [x](y)": 1}
    assert values(app, "outcome") == {"Success": 2, "Client error": 1, "In flight": 1}


def test_a_click_on_a_value_keeps_only_its_entries(app: AppTest) -> None:
    keep(app, "action", 1)
    assert app.query_params["query"] == 'action:"*bold* [x](y)"'
    assert targets(app) == ["box-3"]
    assert values(app, "actor") == {"bob@example.org": 1}


def test_every_value_of_every_facet_keeps_as_many_as_it_says(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facet_panel, "OPEN_AT_FIRST", tuple(facet_panel.FIELDS))
    app.run()
    for param in facet_panel.FIELDS:
        for row, expected in enumerate(values(app, param).values()):
            keep(app, param, row)
            assert count(app).split(" ")[0] == str(expected), (param, row)
            app.text_input(key="filter_query").set_value("").run()


def test_the_panel_is_put_away_and_stays_away(app: AppTest, open_app: Open) -> None:
    app.toggle(key="explore_facets_choice").set_value(False).run()
    assert not app.main.dataframe
    again = explore(open_app(AUDITOR))
    assert not again.main.dataframe
