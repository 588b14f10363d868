"""How long a person waits: from the click or key to the finished page, in a real browser."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

from playwright.sync_api import Page, sync_playwright

from benchmarks.prepared import EMAIL, PASSWORD, Prepared

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WINDOWS = ("Last 90 days", "Last 30 days", "All time", "Last day", "Last year", "Last 7 days")
FACETS = ("actor", "action", "outcome")
ROUNDS = 5
QUIET_MS = 350

WATCH = """() => {
  window.runs = [];
  const app = document.querySelector('[data-testid=stApp]');
  const state = 'data-test-script-state';
  new MutationObserver(() => window.runs.push([performance.now(), app.getAttribute(state)]))
    .observe(app, {attributes: true, attributeFilter: [state]});
  for (const kind of ['pointerdown', 'keydown'])
    document.addEventListener(kind, () => { window.began = performance.now(); }, {capture: true});
}"""


def measure(prepared: Prepared) -> dict[str, list[float]]:
    """Milliseconds of each repetition, by interaction. Needs chromium on the PATH."""
    times: dict[str, list[float]] = {}
    with served(prepared) as (address, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        sign_in(page, address)
        for name in ("Explore", "Overview"):
            page.get_by_role("link", name=name).click()
            page.get_by_role("heading", name=name).wait_for()
            page.wait_for_timeout(4000)
            page.evaluate(WATCH)
            for number in range(ROUNDS):
                _round(page, name, number, times)
        browser.close()
    return times


def sign_in(page: Page, address: str) -> None:
    """Sign the benchmark's admin in, and go to Explore."""
    page.goto(f"{address}/explore?window=7d")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").first.fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def _round(page: Page, name: str, number: int, times: dict[str, list[float]]) -> None:
    def timed(what: str, act: Callable[[], object]) -> None:
        times.setdefault(f"{name}: {what}", []).append(wait(page, act))

    for window in WINDOWS:
        choice = page.get_by_label("Time window").first
        choice.scroll_into_view_if_needed()
        page.wait_for_timeout(300)
        choice.click()
        option = page.get_by_role("option", name=window, exact=True)
        timed(f"window {window.lower()}", option.click)
    search = page.get_by_label("Query", exact=True)
    search.fill(f"no space {'l' * number}")
    timed("search a text", lambda: search.press("Enter"))
    search.fill("")
    timed("clear the text", lambda: search.press("Enter"))
    timed("refresh", page.get_by_role("button", name="Refresh").click)
    if name == "Explore":
        timed("older", page.get_by_role("button", name="Older").click)
        timed("newer", page.get_by_role("button", name="Newer").click)
        timed("open a row", page.locator(".entry-list tbody tr").first.click)
        timed("close it", lambda: page.keyboard.press("Escape"))
        for facet in FACETS:
            first = page.locator(f".st-key-facet_{facet}_values li").first
            timed(f"keep a value of {facet}", first.get_by_role("checkbox").check)
            timed("clear the filter", page.get_by_role("button", name="Clear filters").click)


def wait(page: Page, act: Callable[[], object]) -> float:
    """From the last pointer or key press to the end of the last run, which must stay the last."""
    page.evaluate("window.runs = []")
    act()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        page.wait_for_timeout(100)
        runs, began, now = page.evaluate("[window.runs, window.began, performance.now()]")
        if runs and runs[-1][1] == "notRunning" and now - runs[-1][0] > QUIET_MS:
            return float(runs[-1][0] - began)
    raise TimeoutError("the page did not finish within 30 seconds")


@contextmanager
def served(prepared: Prepared) -> Iterator[tuple[str, int]]:
    """The real app on these databases: its address and the number of its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = subprocess.Popen(  # noqa: S603 - our own app
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)],
        cwd=Path(__file__).parents[1],
        env={**os.environ, **prepared.environment},
        stdout=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(f"{address}/api/health")  # noqa: S310 - our own address
                break
            except URLError:
                time.sleep(0.2)
        yield address, app.pid
    finally:
        app.terminate()
        app.wait()
