"""The picture and the name of the app.

Carried in the page itself: Streamlit would fetch an icon's name from another server.
"""

from base64 import b64encode

from sandtrail import ASSETS

NAME = "Sandtrail"

_DRAWN = (ASSETS / "icon.svg").read_text(encoding="utf-8").strip()
_TILE = _DRAWN.replace("<svg ", '<svg width="32" height="32" ', 1)


def _data_url(drawn: str) -> str:
    return "data:image/svg+xml;base64," + b64encode(drawn.encode()).decode()


ICON = _data_url(_DRAWN)
"""A trail of dots, for the browser's tab."""

LOGO = _data_url(
    '<svg xmlns="http://www.w3.org/2000/svg" width="160" height="32" viewBox="0 0 160 32">'
    f'{_TILE}<text x="42" y="23" font-family="system-ui, sans-serif" font-size="21" '
    # Between dark and light: one picture serves both themes.
    f'font-weight="700" fill="#4a80b5">{NAME}</text></svg>'
)
"""With the name beside it, for the head of the sidebar."""


def tab_title(*parts: str) -> str:
    """What the browser's tab says, the most particular first: `Explore · 7 days · Sandtrail`."""
    return " · ".join((*filter(None, parts), NAME))
