"""What only the browser knows: keys, double clicks, whether the tab is seen, whether to ask.

It asks a small route of ours whether the log has moved, and only a log that has moved runs the
page. A tab that nobody sees asks nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from sandtrail import BROWSER_WATCH

_NAME = "browser_watch"
_ASKING = "head_watch"
_BY_HAND = "by hand"
"""What the script tells instead of a head when a key was pressed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How the browser asks whether the log has moved."""

    path: str
    """Answers with `head`, as text."""
    head: int
    """What is shown: another head means that the log has moved."""
    every_s: int


def draw_asking(asking: Asking) -> None:
    """Draw nothing, and run the fragment that this is drawn in when the log has moved."""
    _component(_ASKING, {"asked": _question(asking)}, on_moved_change=lambda: None)


def moved_by_hand() -> bool:
    """Within `on_moved`: whether a person wanted the page anew, and not the log moved."""
    return bool(st.session_state[_NAME].get("moved") == _BY_HAND)


def draw(
    asking: Asking | None,
    *,
    on_moved: Callable[[], None],
    on_back: Callable[[], None],
    on_drag: Callable[[object], None],
    on_legend: Callable[[object], None],
) -> None:
    """Draw nothing, and listen. `asking`: `None` asks nothing.

    `on_moved` is called before the page runs because the log has moved, or because somebody
    wants it anew; `on_back` because of a double click on the chart; `on_drag` because of a drag
    over a chart, and `on_legend` of a click on its legend, with what the browser says about it,
    which may be anything.
    """
    _component(
        _NAME,
        {"asked": asking and _question(asking), "listens": True},
        on_moved_change=on_moved,
        on_back_change=on_back,
        on_drag_change=lambda: on_drag(st.session_state[_NAME].get("drag")),
        on_legend_change=lambda: on_legend(st.session_state[_NAME].get("legend")),
    )


def _question(asking: Asking) -> dict[str, object]:
    # The head as text: it may be larger than the whole numbers that JavaScript knows.
    return {"path": asking.path, "head": str(asking.head), "every_s": asking.every_s}


def _component(key: str, data: dict[str, object], **callbacks: Any) -> None:
    st.components.v2.component(
        BROWSER_WATCH, js="browser_watch.js", css="browser_watch.css", isolate_styles=False
    )(key=key, data=data, width=1, height=1, **callbacks)
