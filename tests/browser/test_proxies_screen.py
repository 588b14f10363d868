"""A real browser, a real proxy, the real app: signing in, pages, real-time, downloads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.conftest import TIMEOUT_MS, Watch
from tests.browser.screen import Screen
from tests.serving.installation import PASSWORD, PERSON, install
from tests.serving.proxies import Proxy, below, nginx, require, without
from tests.support.app_process import AppProcess, running_app

pytestmark = pytest.mark.browser
BASE_PATH = "/audit"
BLOCKED = re.compile("The live connection of this page .* is blocked")


@pytest.fixture(scope="module")
def below_a_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppProcess]:
    """An app that people reach below a path of an HTTPS host."""
    require("nginx", "openssl")
    folder = tmp_path_factory.mktemp("below")
    environment = install(folder, entries=60).environment | {
        "SANDTRAIL_BASE_PATH": BASE_PATH,
        "SANDTRAIL_SECURE_COOKIE": "1",
        "SANDTRAIL_TRUSTED_PROXIES": "127.0.0.1",
    }
    with running_app(environment, folder / "app.log") as app:
        yield app


@contextmanager
def browser_of(browser: Browser, proxy: Proxy) -> Iterator[tuple[BrowserContext, Watch]]:
    watch = Watch(f"127.0.0.1:{proxy.port}")
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(TIMEOUT_MS)
    watch.over(context)
    try:
        yield context, watch
    finally:
        context.close()


def test_the_app_works_below_a_path_behind_nginx(
    below_a_path: AppProcess, browser: Browser, tmp_path: Path
) -> None:
    with (
        nginx(tmp_path, [below_a_path.port], change=below(BASE_PATH)) as proxy,
        browser_of(browser, proxy) as (context, watch),
    ):
        screen = Screen(context.new_page(), proxy.url + BASE_PATH)
        page = screen.page
        screen.go("/explore?outcome=server_error&window=90d")
        screen.sign_in(PERSON, PASSWORD)
        expect(page).to_have_url(re.compile(rf"{BASE_PATH}/explore\?.*outcome=server_error"))
        (cookie,) = [item for item in context.cookies() if "session" in item["name"]]
        assert (cookie["path"], cookie["secure"], cookie["httpOnly"]) == (BASE_PATH, True, True)
        screen.rows()

        screen.go_live()
        page.get_by_label("Query").press_sequentially("act")
        expect(page.get_by_role("option").first).to_be_visible()
        page.keyboard.press("Escape")

        page.get_by_role("button", name="Download", exact=True).click()
        name, content = screen.download("CSV")
        assert name.endswith(".csv")
        assert content.startswith(b"\xef\xbb\xbfid,")

        page.get_by_role("link", name="Sandboxes").click()
        expect(page).to_have_url(re.compile(rf"{BASE_PATH}/sandboxes"))
        page.reload()
        expect(page.get_by_test_id("stMetric")).to_have_count(4)
        screen.sign_out(PERSON)
        expect(page.get_by_label("E-mail address")).to_be_visible()
        assert page.url.startswith(f"{proxy.url}{BASE_PATH}/")
        assert not [item for item in context.cookies() if "session" in item["name"]]
        assert watch.wrongs == []

        ask = httpx.Client(verify=proxy.trust, base_url=proxy.url)
        health = ask.get(f"{BASE_PATH}/api/health")
        assert (health.status_code, health.json()["status"]) == (200, "ok")
        assert ask.get(f"{BASE_PATH}/api/v1/export").status_code == 401
        assert ask.get(f"{BASE_PATH}/api/nothing").json()["code"] == "not_found"
        ask.close()
    root = httpx.get(f"http://127.0.0.1:{below_a_path.port}/")
    assert (root.status_code, root.headers["location"]) == (307, f"{BASE_PATH}/")


def test_a_page_whose_websocket_is_cut_off_by_the_proxy_says_so(
    below_a_path: AppProcess, browser: Browser, tmp_path: Path
) -> None:
    def change(site: str) -> str:
        return without("proxy_set_header Upgrade")(below(BASE_PATH)(site))

    with (
        nginx(tmp_path, [below_a_path.port], change=change) as proxy,
        browser_of(browser, proxy) as (context, _),
    ):
        page = context.new_page()
        page.goto(f"{proxy.url}{BASE_PATH}/explore")
        notice = page.get_by_role("alert").filter(has_text=BLOCKED)
        expect(notice).to_contain_text("docs/operations.md")


def test_while_the_websocket_is_up_nothing_is_said(
    below_a_path: AppProcess, browser: Browser, tmp_path: Path
) -> None:
    with (
        nginx(tmp_path, [below_a_path.port], change=below(BASE_PATH)) as proxy,
        browser_of(browser, proxy) as (context, _),
    ):
        page = context.new_page()
        page.clock.install()
        page.goto(f"{proxy.url}{BASE_PATH}/")
        expect(page.get_by_label("E-mail address")).to_be_visible()
        page.clock.fast_forward(30_000)
        expect(page.get_by_text(BLOCKED)).to_have_count(0)
