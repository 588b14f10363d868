import json
from collections.abc import Iterator
from typing import Any

import pytest
import streamlit as st
from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.testing.v1 import AppTest

from audit_core.explore.facets import FACETS
from pages.parts.filters import facet_panel
from sandtrail import FACET_LIST
from tests.pages.conftest import Open
from tests.pages.explore_page import button, count, entry, explore, targets
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


def listed(app: AppTest, param: str) -> list[facet_panel.Line]:
    """The lines of a facet that is open."""
    found: list[facet_panel.Line] = json.loads(facet(app, param).json)["values"]
    return found


def facet(app: AppTest, param: str) -> Any:
    label = facet_panel.FIELDS[param][0]
    protos = [item.proto for item in app.get("bidi_component")]
    return next(
        proto
        for proto in protos
        if proto.component_name == FACET_LIST and json.loads(proto.json)["label"].startswith(label)
    )


def values(app: AppTest, param: str) -> dict[str, int]:
    """The values of a facet that is open, with their counts."""
    return {line["text"]: line["count"] for line in listed(app, param)}


def tell(app: AppTest, param: str, event: str, **value: object) -> AppTest:
    """Run again as after an event of the list of a facet."""
    states = app._tree.get_widget_states()
    state = states.widgets.add()
    state.id = _make_trigger_id(facet(app, param).id, "events")
    state.json_trigger_value = json.dumps([{"event": event, "value": value}])
    app._run(states)
    assert not app.exception
    return app


def keep(app: AppTest, param: str, row: int) -> AppTest:
    return tell(app, param, "only", value=listed(app, param)[row]["value"])


def test_the_panel_has_all_facets_in_the_words_of_people() -> None:
    assert tuple(facet_panel.FIELDS) == tuple(param for param, _, _ in FACETS)
    assert set(facet_panel.OPEN_AT_FIRST) < set(facet_panel.FIELDS)


def test_values_stand_with_their_counts_and_nobody_elses(app: AppTest) -> None:
    assert values(app, "actor") == {"ann@example.org": 3, "bob@example.org": 1}
    assert values(app, "action") == {"start": 3, "*bold* [x](y)": 1}
    assert values(app, "outcome") == {"Success": 2, "Client error": 1, "In flight": 1}


def test_several_values_are_checked_and_their_facet_keeps_all_counts(app: AppTest) -> None:
    before = values(app, "outcome")
    tell(app, "outcome", "toggled", value="client_error", on=True)
    assert app.query_params["outcome"] == "client_error"
    assert values(app, "outcome") == before
    tell(app, "outcome", "toggled", value="in_flight", on=True)
    assert app.query_params["outcome"] == ["client_error", "in_flight"]
    assert targets(app) == ["box-2", "box-4"]
    assert values(app, "outcome") == before
    assert values(app, "action") == {"start": 2}
    checked = [line["text"] for line in listed(app, "outcome") if line["checked"]]
    assert sorted(checked) == ["Client error", "In flight"]
    keep(app, "outcome", [line["value"] for line in listed(app, "outcome")].index("success"))
    assert app.query_params["outcome"] == "success"
    tell(app, "outcome", "toggled", value="success", on=False)
    assert "outcome" not in app.query_params


def test_a_value_is_excluded_by_the_query_and_one_without_a_field_is_kept_by_it(
    app: AppTest,
) -> None:
    tell(app, "action", "excluded", value="*bold* [x](y)")
    assert app.query_params["query"] == '-action:"*bold* [x](y)"'
    assert targets(app) == ["box-1", "box-2", "box-4"]


@pytest.mark.parametrize("value", ["no such value", None, 7, ["client_error"]])
def test_what_the_browser_makes_up_changes_nothing(app: AppTest, value: object) -> None:
    tell(app, "outcome", "toggled", value=value, on=True)
    assert app.query_params == {"window": "7d"}


def test_what_is_asked_for_and_not_found_can_still_be_unchecked(app: AppTest) -> None:
    app.query_params["action"] = ["start", "gone"]
    app.run()
    assert values(app, "action")["gone"] == 0
    tell(app, "action", "toggled", value="gone", on=False)
    assert app.query_params["action"] == "start"


def test_every_value_of_every_facet_keeps_as_many_as_it_says(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facet_panel, "OPEN_AT_FIRST", tuple(facet_panel.FIELDS))
    app.run()
    for param in facet_panel.FIELDS:
        for row, expected in enumerate(values(app, param).values()):
            keep(app, param, row)
            assert count(app).split(" ")[0] == str(expected), (param, row)
            button(app, "Clear filters").click().run()


def test_the_panel_is_put_away_and_stays_away(app: AppTest, open_app: Open) -> None:
    app.toggle(key="explore_facets_choice").set_value(False).run()
    assert FACET_LIST not in str(app._tree)
    again = explore(open_app(AUDITOR))
    assert FACET_LIST not in str(again._tree)
