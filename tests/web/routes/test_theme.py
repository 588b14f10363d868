"""The page that sets the theme of a browser."""

from __future__ import annotations

import ast
from pathlib import Path

import streamlit
from starlette.testclient import TestClient

from audit_core.web.routes.session import FILES
from audit_core.web.routes.theme import THEME_PAGE, Theme, theme_address
from pages.parts.shell.app_address import PATHS

MAIN = Path(__file__).parents[3] / "pages" / "main.py"


def test_the_page_is_the_same_for_everybody_and_sets_nothing_on_the_server(
    client: TestClient,
) -> None:
    answer = client.get(THEME_PAGE)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert client.get("/api/session/pages/theme.js").status_code == 200
    path, _, said = theme_address(Theme.DARK, PATHS, "profile").partition("#")
    assert path == THEME_PAGE
    assert said.startswith("theme=Dark&pages=%2Coverview%2C")


def test_every_page_of_the_navigation_is_named() -> None:
    names = {
        node.args[1].value if len(node.args) > 1 else keyword.value.value
        for node in ast.walk(ast.parse(MAIN.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        for keyword in [next((one for one in node.keywords if one.arg == "url_path"), None)]
        if (ast.unparse(node.func) == "page" and isinstance(node.args[1], ast.Constant))
        or (keyword is not None and isinstance(keyword.value, ast.Constant))
    }
    assert names == set(PATHS) - {""}


def test_the_pinned_streamlit_keeps_the_theme_where_the_script_puts_it() -> None:
    scripts = (Path(streamlit.__file__).parent / "static" / "static" / "js").glob("utils.*.js")
    text = "".join(script.read_text(encoding="utf-8") for script in scripts)
    assert "`stActiveTheme-${window.location.pathname}`" in text
    assert "stActiveTheme-${root}${name}-v2" in (FILES / "theme.js").read_text(encoding="utf-8")
    assert "CACHED_THEME_VERSION:st" in text
    assert "var st=2," in text
