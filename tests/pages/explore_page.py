"""What the tests of Explore share: entries, the opened page, and clicks that AppTest lacks."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pandas as pd
from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.testing.v1 import AppTest

from audit_core.domain.entries import AuditEntry
from pages.parts.entries.entry_table import Line
from pages.parts.tables.shown_marks import name_of
from sandtrail import ENTRY_LIST
from tests.support.seeded import ALPHA, Seeded

EXPLORE = "activity/explore.py"


def entry(seeded: Seeded, number: int, **fields: Any) -> AuditEntry:
    """An entry `number` minutes old, of which only some fields matter."""
    given: dict[str, Any] = {
        "id": f"entry-{number}",
        "actor_id": "id-ann",
        "actor_email": "ann@example.org",
        "actor_api_key_prefix": None,
        "actor_api_key_suffix": None,
        "organization_id": ALPHA,
        "action": "start",
        "target_type": "sandbox",
        "target_id": f"box-{number}",
        "status_code": 200,
        "error_message": None,
        "ip_address": None,
        "user_agent": None,
        "source": None,
        "metadata": None,
        "created_at": seeded.clock() - timedelta(minutes=number),
    }
    return AuditEntry(**{**given, **fields})


def explore(app: AppTest, **params: str | list[str]) -> AppTest:
    """The page at an address with these parameters."""
    for name, value in params.items():
        app.query_params[name.rstrip("_")] = value
    app.switch_page(EXPLORE)
    app.run()
    assert not app.exception
    return app


def entry_list(app: AppTest) -> Any:
    """The list of entries as the browser is given it; `None` if the page has none."""
    found = _component(app)
    return None if found is None else json.loads(found.json)


def _component(app: AppTest, name: str = ENTRY_LIST) -> Any:
    found = (item.proto for item in app.get("bidi_component"))
    return next((proto for proto in found if proto.component_name == name), None)


def trigger(app: AppTest, component: str, event: str, value: object) -> AppTest:
    """Run again as after an event of a component of our own."""
    states = app._tree.get_widget_states()
    state = states.widgets.add()
    state.id = _make_trigger_id(_component(app, component).id, "events")
    state.json_trigger_value = json.dumps([{"event": event, "value": value}])
    return app._run(states)


def table(app: AppTest) -> pd.DataFrame:
    """The texts of the list of entries."""
    shown = entry_list(app)
    names = [column["name"] for column in shown["columns"]]
    return texts(shown["rows"], names)


def texts(rows: list[Line], names: Sequence[str]) -> pd.DataFrame:
    """The texts of lines, by the names of their columns."""
    cells = [[cell["text"] for cell in row["cells"]] for row in rows]
    return pd.DataFrame(cells, columns=list(names))


def targets(app: AppTest) -> list[str]:
    """The targets on the page, as they are listed."""
    return [str(target).removeprefix("sandbox ") for target in table(app)["target"]]


def count(app: AppTest) -> str:
    """How many matched, in the words of the page."""
    return str(app.main.markdown[0].value).split("**")[1]


def instants(app: AppTest) -> str:
    """Between which instants entries were looked for, in the words of the page."""
    told = next(item.value for item in app.main.caption if " – " in item.value)
    return re.sub(r" · [^·]+ a bar.*$", "", told)


def button(app: AppTest, label: str) -> Any:
    """The button with a label."""
    (found,) = (item for item in app.button if item.label == label)
    return found


def links(app: AppTest) -> dict[str, str]:
    """Where the page leads away, by label."""
    return {item.label: item.url for item in app.get("link_button")}


def asked(url: str) -> dict[str, list[str]]:
    """The parameters of an address."""
    return parse_qs(urlsplit(url).query, keep_blank_values=True)


def open_row(app: AppTest, row: int) -> AppTest:
    """Run again as after a click of the browser on a line of the list of entries."""
    line = entry_list(app)["rows"][row]
    return trigger(app, ENTRY_LIST, "open", {"id": line["id"], "at": line["at"]})


def select_cell(app: AppTest, row: int, column: str = "user") -> AppTest:
    """Run again as after a click of the browser on a cell of the first table."""
    states = app._tree.get_widget_states()
    state = states.widgets.add()
    state.id = app.main.dataframe[0].proto.id
    state.string_value = json.dumps({"selection": {"cells": [[row, column]]}})
    return app._run(states)


def named(app: AppTest, name: str) -> Any:
    """The table of this name whose lines can be clicked on."""
    return next(item for item in app.main.dataframe if name_of(item.key or "") == name)


def open_filters(app: AppTest) -> AppTest:
    """Run again as after a click of the browser on the button of the filters."""
    states = app._tree.get_widget_states()
    state = states.widgets.add()
    state.id = app.get_by_key("filter_popover").proto.popover.id
    state.bool_value = True
    return app._run(states)


def click_row_button(app: AppTest, table: Any, column: str, row: int) -> AppTest:
    """Run again as after a click of the browser on a button in a row of a table."""
    states = app._tree.get_widget_states()
    state = states.widgets.add()
    state.id = table.proto.button_click_widgets[column]
    state.string_trigger_value.data = json.dumps({"row": row, "label": "x"})
    return app._run(states)
