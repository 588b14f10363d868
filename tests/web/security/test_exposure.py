"""The table of Streamlit's routes against the routes of the pinned Streamlit."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from audit_core.web.security.exposure import EXPOSURES, Exposure, exposure

ROOT = Path(__file__).parents[3]
LIST_ROUTES = """
import json
import streamlit as st
from streamlit import config
from streamlit.web.server.starlette.starlette_app import create_streamlit_routes
for option in ("server.enableStaticServing", "server.scriptHealthCheckEnabled"):
    config.set_option(option, True)
app = st.App("pages/main.py")
print(json.dumps(sorted({route.path for route in create_streamlit_routes(app._create_runtime())})))
"""


@pytest.fixture(scope="module")
def streamlit_paths() -> list[str]:
    """What Streamlit serves with every option that adds routes, asked in a process of its own:
    there is one Streamlit for each process."""
    found = subprocess.run(
        [sys.executable, "-c", LIST_ROUTES], cwd=ROOT, capture_output=True, check=True, text=True
    )
    paths: list[str] = json.loads(found.stdout.splitlines()[-1])
    return paths


def test_every_route_of_the_pinned_streamlit_is_classified_and_no_other(
    streamlit_paths: list[str],
) -> None:
    served = {path for path in streamlit_paths if path}  # "" is the page itself.
    known = {path: prefix for path in served for prefix in EXPOSURES if begins(path, prefix)}
    assert set(known) == served
    assert set(known.values()) == set(EXPOSURES)


def begins(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(f"{prefix}/")


def test_only_what_says_nothing_about_the_log_is_open() -> None:
    opened = {prefix for prefix, known in EXPOSURES.items() if known is Exposure.OPEN}
    assert opened == {"/_stcore/health", "/_stcore/host-config", "/_stcore/bidi-components"}


@pytest.mark.parametrize("path", ["/_stcore", "/_stcore/", "/_stcore/new", "/_stcore/healthy"])
def test_what_a_later_streamlit_adds_is_closed(path: str) -> None:
    assert exposure(path) is Exposure.CLOSED


@pytest.mark.parametrize("path", ["/", "/explore", "/static/js/x.js", "/api/health", "/mediator"])
def test_the_page_and_our_own_routes_are_not_in_the_table(path: str) -> None:
    assert exposure(path) is Exposure.OPEN
