"""Keys of tables and charts that say what each of their rows and points is.

The browser tells by numbers what was clicked on. What a number means may change between what the
browser shows and what is read next, above all after a lost session: then the key that the browser
sends is all that is left of what it showed. So the key holds a mark of each row, and a click
counts for the row that was seen, wherever it stands now, or for none.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

_SHOWN, _GROUP = "~", "."
"""Neither is in the alphabet of the marks."""
_MARK_BYTES = 3
_MARK = _MARK_BYTES * 4 // 3
"""The characters of a mark. Among some hundred rows one in 100,000 has that of a row that is
gone."""


def key_showing(name: str, *groups: Iterable[object], turn: str = "") -> str:
    """The key of a widget that shows `groups`: the rows of a table, or the points of each trace.

    A row is told by the `repr` of what stands for it. `turn` makes keys differ that show the
    same; it means nothing otherwise.
    """
    marks = _GROUP.join("".join(map(_mark, group)) for group in groups)
    return f"{name}{_SHOWN}{marks}{_SHOWN}{turn}"


def name_of(key: str) -> str | None:
    """The name that a key was made of; `None` for a key of another kind."""
    name, separator, _ = key.rpartition(_SHOWN)[0].rpartition(_SHOWN)
    return name if separator else None


def is_empty(value: str) -> bool:
    """Whether a value, as the browser sends it, selects nothing."""
    selection = _parsed(value).get("selection")
    return isinstance(selection, dict) and not any(selection.values())


def moved(value: str, before: str, now: str) -> str | None:
    """The value of the widget of the key `before`, as the one of the key `now` would have it: the
    selection, or the click on a button in a row.

    `None` where something was selected that is not shown any more.
    """
    rows = _Moves(before, now)
    sent = _parsed(value)
    try:
        if "selection" in sent:
            return json.dumps({"selection": _selection(sent["selection"], rows)})
        return json.dumps({**sent, "row": rows.number(0, sent["row"])[1]})
    except (LookupError, TypeError, ValueError):
        return None  # The browser may send anything.


class _Moves:
    """Where the rows of one key stand in another."""

    def __init__(self, before: str, now: str) -> None:
        self._before, self._now = _groups(before), _groups(now)

    def number(self, group: int, row: int) -> tuple[int, int]:
        """Group and number now; where it is shown twice, the first. Raises `LookupError` where
        it is not shown."""
        if min(group, row) < 0:
            raise LookupError(row)
        mark = self._before[group][row]
        for number, marks in enumerate(self._now):
            if mark in marks:
                return number, marks.index(mark)
        raise LookupError(mark)


def _selection(sent: Mapping[str, Any], rows: _Moves) -> dict[str, Any]:
    now: dict[str, Any] = {}
    if "rows" in sent:
        now["rows"] = [rows.number(0, row)[1] for row in sent["rows"]]
    if "columns" in sent:
        now["columns"] = sent["columns"]
    if "cells" in sent:
        now["cells"] = [[rows.number(0, row)[1], column] for row, column in sent["cells"]]
    if "points" in sent:
        now["points"] = [_point(point, rows) for point in sent["points"]]
        now |= {"point_indices": [], "box": [], "lasso": []}
    return now


def _point(point: Mapping[str, Any], rows: _Moves) -> dict[str, int]:
    trace, number = rows.number(point["curve_number"], point["point_number"])
    return {"curve_number": trace, "point_number": number, "point_index": number}


def _groups(key: str) -> list[list[str]]:
    marks = key.rpartition(_SHOWN)[0].rpartition(_SHOWN)[2]
    return [
        [group[start : start + _MARK] for start in range(0, len(group), _MARK)]
        for group in marks.split(_GROUP)
    ]


def _mark(shown: object) -> str:
    digest = blake2b(repr(shown).encode(), digest_size=_MARK_BYTES).digest()
    return urlsafe_b64encode(digest).decode()


def _parsed(value: str) -> dict[str, Any]:
    try:
        found = json.loads(value)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
