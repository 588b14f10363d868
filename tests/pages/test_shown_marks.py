"""A click counts for the row or point that was seen, wherever it stands now."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pages.parts.tables.shown_marks import is_empty, key_showing, moved, name_of

ROWS = st.lists(st.integers(0, 30), unique=True, max_size=20)
CLICKS_OF_THEIR_OWN = {"selection.py", "drawing.py", "person_charts.py"}
"""What draws all that rows and points can be clicked on in, under keys that show them."""


def selected(row: int) -> str:
    return json.dumps({"selection": {"rows": [], "columns": [], "cells": [[row, "name"]]}})


@given(ROWS, ROWS, st.integers(0, 25))
def test_a_selected_cell_is_that_of_the_same_row_or_of_none(
    before: Sequence[int], now: Sequence[int], row: int
) -> None:
    value = moved(selected(row), key_showing("t", before), key_showing("t", now, turn="1"))
    if row < len(before) and before[row] in now:
        assert value is not None
        assert json.loads(value) == json.loads(selected(now.index(before[row])))
    else:
        assert value is None


def test_a_point_of_a_chart_may_stand_in_another_trace() -> None:
    points = {"points": [{"curve_number": 1, "point_number": 0}], "box": []}
    value = moved(
        json.dumps({"selection": points}),
        key_showing("c", ["a", "b"], ["x"], turn="3"),
        key_showing("c", ["a"], ["b"], ["y", "x"]),
    )
    assert value is not None
    (point,) = json.loads(value)["selection"]["points"]
    assert (point["curve_number"], point["point_number"]) == (2, 1)


def test_what_no_browser_sends_moves_nothing() -> None:
    key = key_showing("t", ["a"])
    for value in ("", "[]", "{}", '{"selection": 1}', '{"row": "0"}', '{"row": -1}', selected(-1)):
        assert moved(value, key, key) is None
    assert name_of(key) == "t"
    assert name_of("t") is None
    assert is_empty('{"selection": {"rows": [], "cells": []}}')
    assert not is_empty(selected(0))


def test_no_page_has_rows_or_points_to_click_on_but_under_a_key_that_shows_them() -> None:
    found = {
        path.name
        for path in Path("pages").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.keyword) and node.arg == "on_select"
    }
    assert found == CLICKS_OF_THEIR_OWN
