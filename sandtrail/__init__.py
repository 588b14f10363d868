"""What the browser runs: the scripts of our own, beside which Streamlit finds them.

Streamlit serves a component's files from the package that is named like the installed
distribution, as `[tool.streamlit.component]` in pyproject.toml declares them; a script within the
page would be forbidden by the content security policy. `connection.js` is no component: the page
itself loads it.
"""

from __future__ import annotations

from pathlib import Path

ASSETS = Path(__file__).parent / "assets"
"""Where the scripts and styles lie."""

BROWSER_WATCH = "sandtrail.browser_watch"
"""The component that listens to keys and asks whether the log has moved."""
SUGGESTIONS = "sandtrail.suggestions"
"""The component that shows suggestions below the query box."""
ENTRY_LIST = "sandtrail.entry_list"
"""The component that shows entries line by line, and opens them."""
FACET_LIST = "sandtrail.facet_list"
"""The component that shows the values of a facet as check boxes."""
