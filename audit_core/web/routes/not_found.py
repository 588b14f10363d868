"""What is said where there is no page: Streamlit would show an empty screen, or another page."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from html import escape

from starlette.responses import HTMLResponse

MAX_PATH_CHARACTERS = 100
"""How much of the path is repeated."""


def not_found(path: str, pages: Collection[str]) -> HTMLResponse:
    """A small page for everybody, whoever is signed in: it names the page that may be meant, and
    leads there and to the first one. `pages` are the names of all pages, the empty one included.
    """
    # Relative, so that they lead there below whatever path the app is served.
    root = "../" * (path.count("/") - 1) or "./"
    shown = path if len(path) <= MAX_PATH_CHARACTERS else f"{path[:MAX_PATH_CHARACTERS]}…"
    likely = "".join(
        f'<p>Did you mean <a href="{root}{page}">{title_of(page)}</a>?</p>'
        for page in _similar(path, pages)[:1]
    )
    return HTMLResponse(
        _PAGE.format(root=root, path=escape(shown), likely=likely),
        status_code=404,
        headers={"cache-control": "no-store"},
    )


def _similar(path: str, pages: Collection[str]) -> list[str]:
    """The pages that may be meant, the most likely first."""
    parts = path.strip("/").lower().split("/")
    return [page for part in reversed(parts) for page in get_close_matches(part, pages, n=1)]


def title_of(page: str) -> str:
    """The title of a page as the navigation has it: `Access record` of `access_record`."""
    return page.replace("_", " ").capitalize()


_PAGE = """<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Page not found · Sandtrail</title>
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <link rel="stylesheet" href="{root}api/session/pages/session.css">
  </head>
  <body>
    <main>
      <h1>Page not found</h1>
      <p>Sandtrail has no page at <code>{path}</code>. The link may be incomplete, or mistyped.</p>
      {likely}
      <p><a href="{root}">Open the first page</a></p>
    </main>
  </body>
</html>
"""
