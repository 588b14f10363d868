"""One real app, one real Chromium, and a watch over everything that its pages do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from tests.browser.prepared import Prepared, prepare
from tests.browser.screen import Screen
from tests.support.app_process import running

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Certificates of proxies are ours. Allowed by a context instead, a request on a new connection
    # begins anew, and on a busy machine some do too often (ERR_TOO_MANY_RETRIES).
    "--ignore-certificate-errors",
    # The tabs of a browser share one process, and with it the scripts that it has compiled.
    "--process-per-site",
)
PROBED = ("/_stcore/health", "/_stcore/host-config")
"""What Streamlit's page asks for below its own path first, before it asks at the root."""
TIMEOUT_MS = 15_000
VIEWPORT: Any = {"width": 1440, "height": 1000}

OpenScreen = Callable[..., Screen]


@dataclass
class Watch:
    """What happened in any page that must not happen."""

    host: str
    wrongs: list[str] = field(default_factory=list)

    def over(self, context: BrowserContext) -> None:
        """Watch all pages of a context."""
        context.on("page", self._page)
        context.on("request", lambda request: self._address(request.url))
        context.on("console", self._console)
        context.on("weberror", lambda error: self.wrongs.append(f"page error: {error.error}"))

    def _page(self, page: Page) -> None:
        page.on("websocket", lambda socket: self._address(socket.url))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type != "error" and "Content Security Policy" not in message.text:
            return
        at = urlsplit(message.location["url"]).path
        if not at.endswith(PROBED):
            self.wrongs.append(f"console {message.type}: {message.text} ({at})")

    def _address(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.path.startswith("/media/"):
            self.wrongs.append(f"fetched by knowing the address: {url}")
        if parts.scheme not in ("data", "blob", "about") and parts.netloc != self.host:
            self.wrongs.append(f"request to a foreign host: {url}")


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    executable = shutil.which("chromium")
    if executable is None:
        reason = "There is no chromium on PATH; on Debian: apt-get install chromium"
        if os.environ.get("SANDTRAIL_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def prepared(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return prepare(tmp_path_factory.mktemp("app"))


@pytest.fixture(scope="package")
def app(prepared: Prepared) -> Iterator[str]:
    with running(prepared.environment, prepared.folder / "app.log") as url:
        yield url


@pytest.fixture(scope="package")
def watch(app: str) -> Watch:
    return Watch(urlsplit(app).netloc)


@pytest.fixture(autouse=True)
def _nothing_wrong_in_any_page(watch: Watch) -> Iterator[None]:
    watch.wrongs.clear()
    yield
    assert watch.wrongs == []


@pytest.fixture(scope="package")
def open_context(browser: Browser, watch: Watch) -> Callable[[], BrowserContext]:
    """`open_context()` is a browser that nobody has used yet."""

    def opened() -> BrowserContext:
        context = browser.new_context(viewport=VIEWPORT, reduced_motion="reduce")
        context.set_default_timeout(TIMEOUT_MS)
        watch.over(context)
        return context

    return opened


@pytest.fixture(scope="package")
def browsers() -> dict[str, BrowserContext]:
    """The browser of each person, once signed in: kept, since signing in takes a while. One tab
    stays open in it, beside those of the tests: a process without tabs ends, and compiling all
    scripts anew is more than half of what it costs to load a page."""
    return {}


@pytest.fixture
def open_screen(
    app: str,
    prepared: Prepared,
    open_context: Callable[[], BrowserContext],
    browsers: dict[str, BrowserContext],
) -> Iterator[OpenScreen]:
    """`open_screen(email, path)` is a new tab of that person, signed in; without one, a new
    browser of nobody yet."""
    pages: list[Page] = []

    def opened(email: str | None = None, path: str = "/") -> Screen:
        known = browsers.get(email or "")
        screen = Screen((known or open_context()).new_page(), app)
        pages.append(screen.page)
        screen.go(path)
        if email and not known:
            screen.sign_in(email, prepared.passwords[email])
            browsers[email] = screen.page.context
            browsers[email].new_page().goto(f"{app}/api/health")
        return screen

    yield opened
    for page in pages:
        page.close()
