"""Two app processes on one PostgreSQL, behind one proxy: people go on when one is killed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import TIMEOUT_MS
from tests.browser.screen import Screen
from tests.contract.engines import Engines
from tests.serving.installation import PASSWORD, PERSON, install
from tests.serving.proxies import haproxy
from tests.support.app_process import AppProcess, start_app, wait_until_up

pytestmark = pytest.mark.browser
PROCESS_COOKIE = "sandtrail_process"
GOES_ON_WITHIN_MS = 40_000


@pytest.fixture
def apps(engines: Engines, tmp_path: Path) -> Iterator[dict[str, AppProcess]]:
    """By the name that the proxy has for each."""
    installation = install(
        tmp_path,
        entries=30,
        log_url=engines.new_url("postgresql"),
        state_url=engines.new_url("postgresql"),
    )
    environment = installation.environment | {
        "SANDTRAIL_SECURE_COOKIE": "1",
        "SANDTRAIL_TRUSTED_PROXIES": "127.0.0.1",
    }
    with ExitStack() as stack:
        started = [start_app(environment, tmp_path / f"app-{place}.log") for place in range(2)]
        for app in started:
            stack.callback(app.process.wait)
            stack.callback(app.process.kill)
        for app in started:
            wait_until_up(app)
        yield {f"s{app.port}": app for app in started}


def test_a_person_signs_in_once_and_goes_on_when_a_process_is_killed(
    apps: dict[str, AppProcess], browser: Browser, tmp_path: Path
) -> None:
    with haproxy(tmp_path, [app.port for app in apps.values()]) as proxy:
        context = browser.new_context(reduced_motion="reduce")
        context.set_default_timeout(TIMEOUT_MS)
        screen = Screen(context.new_page(), proxy.url)
        page = screen.page

        def process() -> str:
            return next(
                each["value"] for each in context.cookies() if each["name"] == PROCESS_COOKIE
            )

        screen.go("/explore?window=all")
        screen.sign_in(PERSON, PASSWORD)
        screen.rows()
        first = process()
        # As somebody whom the proxy sends to the other process. A page that is open asks for this
        # and that, and would be sent to any in between.
        page.goto("about:blank")
        context.clear_cookies(name=PROCESS_COOKIE)
        other = next(name for name in apps if name != first)
        host = {"name": PROCESS_COOKIE, "value": other, "url": proxy.url}
        context.add_cookies([host])  # type: ignore[list-item]
        screen.go("/explore?window=all")
        screen.rows()
        assert process() == other

        apps[other].process.kill()
        apps[other].process.wait()
        # The page finds the other process by itself, with what it showed.
        page.get_by_role("button", name=PERSON).wait_for()
        expect(page).to_have_url(re.compile(r"/explore\?.*window=all"))
        page.wait_for_function(
            "() => document.querySelector('[data-testid=stApp]')"
            ".dataset.testConnectionState === 'CONNECTED'",
            timeout=GOES_ON_WITHIN_MS,
        )
        page.reload()
        screen.rows()
        assert process() == first
        expect(page.get_by_label("E-mail address")).to_have_count(0)
        context.close()
