"""The page that sets the theme of a browser.

Streamlit keeps the theme in the browser, apart for each page's path, and its own menu is switched
off. Nothing on the server changes.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import FileResponse

from audit_core.web.openapi.operation import ApiRoute, Operation, Section
from audit_core.web.routes.session import FILES, HTML

THEME_PAGE = "/api/session/theme"

OPERATION = Operation(
    id="getThemePage",
    summary="The page that sets the theme of the browser",
    section=Section.SIGN_IN,
    answers={200: HTML},
)


class Theme(StrEnum):
    """What can be chosen, by the names under which the pinned Streamlit keeps it."""

    SYSTEM = "System"
    LIGHT = "Light"
    DARK = "Dark"


def theme_address(theme: Theme, pages: Collection[str], next_page: str) -> str:
    """The path of the page that sets a theme for the pages with these names (the empty one is the
    first page), and goes on to one of them."""
    said = {"theme": theme.value, "pages": ",".join(pages), "next": next_page}
    return f"{THEME_PAGE}#{urlencode(said)}"


def theme_route() -> ApiRoute:
    """`THEME_PAGE` answers with a file whose script reads what stands behind the # of its own
    address."""

    def serve(_: Request) -> FileResponse:
        return FileResponse(FILES / "theme.html", media_type="text/html")

    return ApiRoute(THEME_PAGE, serve, OPERATION)
