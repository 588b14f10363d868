"""What sessions cost that watch Explore, one and many of them, with and without Real-time."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median, quantiles

import psutil
from playwright.sync_api import Page, sync_playwright

from benchmarks.interactions import FLAGS, WATCH, WINDOWS, served, sign_in, wait
from benchmarks.prepared import Prepared

MANY = 20
SETTLED_S, WATCHED_S = 15.0, 30.0
CLICKS = 6


@dataclass(frozen=True, kw_only=True)
class Load:
    """Some sessions at once."""

    sessions: int
    real_time: bool
    processor_ms_per_s: float
    """Of the server's process while nobody does anything, in milliseconds a second."""
    median_ms: float
    """In one of the sessions, from a click on another window to the finished page."""
    p95_ms: float
    server_mb: float


def measure(prepared: Prepared) -> list[Load]:
    """One and many sessions, without and with Real-time. Needs chromium on the PATH."""
    with served(prepared) as (address, pid), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        first = context.new_page()
        sign_in(first, address)
        first.get_by_role("heading", name="Explore").wait_for()
        server = psutil.Process(pid)
        loads = []
        pages = [first]
        for real_time in (False, True):
            for count in (1, MANY):
                while len(pages) < count:
                    pages.append(_opened(context.new_page(), address, real_time=real_time))
                loads.append(_load(server, pages, real_time=real_time))
            for page in pages[1:]:
                page.close()
            pages = [first]
            if not real_time:
                _switch(first)
        browser.close()
    return loads


def _opened(page: Page, address: str, *, real_time: bool) -> Page:
    page.goto(f"{address}/explore?window=7d")
    page.get_by_role("heading", name="Explore").wait_for()
    if real_time:
        _switch(page)
    return page


def _switch(page: Page) -> None:
    page.locator("label", has_text="Real-time").first.click()
    page.get_by_text("last refresh").first.wait_for()


def _load(server: psutil.Process, pages: list[Page], *, real_time: bool) -> Load:
    time.sleep(SETTLED_S)
    began, before = time.monotonic(), _processor_s(server)
    time.sleep(WATCHED_S)
    spent_ms = (_processor_s(server) - before) * 1000 / (time.monotonic() - began)
    clicks = list(_clicks(pages[0]))
    return Load(
        sessions=len(pages),
        real_time=real_time,
        processor_ms_per_s=spent_ms,
        median_ms=median(clicks),
        p95_ms=quantiles(clicks, n=20)[-1],
        server_mb=server.memory_info().rss / 2**20,
    )


def _clicks(page: Page) -> Iterator[float]:
    page.bring_to_front()
    page.evaluate(WATCH)
    for number in range(CLICKS):
        page.get_by_label("Time window").first.click()
        name = WINDOWS[number % len(WINDOWS)]
        yield wait(page, page.get_by_role("option", name=name, exact=True).click)


def _processor_s(server: psutil.Process) -> float:
    times = server.cpu_times()
    return float(times.user + times.system)
