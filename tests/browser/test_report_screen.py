"""A report from Overview: opened from disk it fetches nothing, runs nothing, and fits a phone."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser.conftest import OpenScreen
from tests.browser.prepared import AUDITOR, FOREIGN_HOST


def test_a_report_is_made_on_overview_and_opens_from_disk(
    open_screen: OpenScreen, browser: Browser, tmp_path: Path
) -> None:
    screen = open_screen(AUDITOR, "/overview?window=all")
    expect(screen.page.get_by_role("heading", name="Outcomes over time")).to_be_visible()
    screen.settle()
    name, content = screen.download("Report")
    assert name.startswith("report_meridian-robotics_all_")
    file = tmp_path / name
    file.write_bytes(content)
    said: list[str] = []
    context = browser.new_context(viewport={"width": 390, "height": 800})
    context.on("console", lambda message: said.append(message.text))
    context.on("dialog", lambda dialog: said.append(dialog.message))
    context.on("request", lambda request: said.append(request.url))
    page = context.new_page()
    page.goto(file.as_uri())
    expect(page.get_by_role("heading", name="Open access")).to_be_visible()
    expect(page.get_by_text(f"![x](https://{FOREIGN_HOST}/md.png)").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # The policy holds the style to what stands in the file, and lets it through.
    assert page.evaluate("getComputedStyle(document.querySelector('.figures')).display") == "grid"
    context.close()
    assert said == [file.as_uri()]
