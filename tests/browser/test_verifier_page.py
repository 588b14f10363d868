"""The verifier as auditors use it: a page that is opened from disk, without any server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from audit_core.evidence.pack.verifier_page import FILE_NAME, verifier_page
from tests.support.packs import SIGNER, checkpoint_of
from tests.support.tampered_packs import GOOD, outsider

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """The page, opened from disk in a browser that is offline, where nothing may go wrong."""
    (tmp_path / FILE_NAME).write_text(verifier_page(), encoding="utf-8")
    context = browser.new_context(offline=True)
    wrongs: list[str] = []
    context.on("console", lambda message: wrongs.append(message.text))
    context.on("weberror", lambda error: wrongs.append(str(error.error)))
    opened = context.new_page()
    opened.goto((tmp_path / FILE_NAME).as_uri())
    yield opened
    assert wrongs == []
    context.close()


def choose(page: Page, name: str, content: bytes, where: str = "Pack") -> None:
    page.get_by_label(where).set_input_files(
        {"name": name, "mimeType": "application/zip", "buffer": content}
    )


def expect_states(page: Page, **states: str) -> None:
    for part, state in states.items():
        verdict = page.locator(f"[data-part={part}]")
        expect(verdict).to_have_attribute("data-state", state)


def test_a_pack_holds_in_a_browser_and_a_changed_byte_is_seen(page: Page) -> None:
    choose(page, "pack.zip", GOOD.file)
    heading = page.get_by_role("heading", name="Nothing speaks against the pack", exact=True)
    expect(heading).to_be_visible()
    expect_states(page, signature="unconfirmed", integrity="holds", completeness="holds")

    page.get_by_label("Public key").fill(SIGNER.key.text)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="The pack holds", exact=True)).to_be_visible()

    earlier = checkpoint_of(GOOD.hashes[:20], signed_at=GOOD.asked.made_at)
    choose(page, "earlier.txt", earlier.encode(), where="Earlier checkpoint")
    expect_states(page, completeness="holds", filter="holds", counts="holds", time="holds")

    changed = outsider(GOOD.file, entries_jsonl=lambda text: text.replace(b'"192.', b'"193.', 1))
    choose(page, "changed.zip", changed)
    heading = page.get_by_role("heading", name="The pack does not hold", exact=True)
    expect(heading).to_be_visible()
    expect_states(page, signature="fails", integrity="fails", completeness="unknown")
    expect(page.get_by_text("says another ipAddress than its leaf")).to_be_visible()

    choose(page, "cut.zip", GOOD.file[:-30])
    heading = page.get_by_role("heading", name="This cannot be verified", exact=True)
    expect(heading).to_be_visible()
