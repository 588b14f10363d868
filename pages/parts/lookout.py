"""What only the browser knows: keys, double clicks, whether the tab is seen, whether to ask.

It asks a small route of ours whether the log has moved, and only a log that has moved runs the
page. A tab that nobody sees asks nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

_PACKAGE, _NAME = "sandtrail", "lookout"
_KEY = f"{_PACKAGE}.{_NAME}"
_FILE = "lookout.js"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How the browser asks whether the log has moved."""

    path: str
    """Answers with `head`, as text."""
    head: int
    """What is shown: another head means that the log has moved."""
    every_s: int


def draw(
    asking: Asking | None, *, on_moved: Callable[[], None], on_back: Callable[[], None]
) -> None:
    """Draw nothing, and listen. `asking`: `None` asks nothing.

    `on_moved` is called before the page runs because the log has moved, or because somebody
    wants it anew; `on_back` because of a double click on the chart.
    """
    asked = asking and {
        "path": asking.path,
        # As text: it may be larger than the whole numbers that JavaScript knows.
        "head": str(asking.head),
        "every_s": asking.every_s,
    }
    _declare()
    st.components.v2.component(_KEY, js=_FILE)(
        key=_NAME,
        data={"asked": asked},
        on_moved_change=on_moved,
        on_back_change=on_back,
        width=1,
        height=1,
    )


def _declare() -> None:
    """Tell Streamlit where the script lies.

    It looks for scripts that are files in installed packages only, and this is none. A script
    within the page would be forbidden by the content security policy.
    """
    manager = get_bidi_component_manager()
    if manager.get_component_asset_root(_KEY) is None:
        component = ComponentConfig(name=_NAME, asset_dir="assets")
        manifest = ComponentManifest(name=_PACKAGE, version="1", components=[component])
        manager.register_from_manifest(manifest, Path(__file__).parent)
