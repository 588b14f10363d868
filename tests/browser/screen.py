"""What a person does at the screen, in words of the product."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Download, Locator, Page, expect

from audit_core.explore.layout import DEFAULT_COLUMNS

Rows = list[list[str]]

ROWS_WITHIN_S = 20.0
DOWNLOAD_WITHIN_S = 20.0
ROWS_OF_FIRST_TABLE = """() => {
    const table = document.querySelector('.entry-list, [data-testid=stDataFrame]');
    const rows = table === null ? [] : table.querySelectorAll('tbody [role=row]');
    return [...rows].map(row =>
        [...row.querySelectorAll('[role=gridcell]')].map(cell => cell.textContent));
}"""
TIME, ACTION, TARGET, OUTCOME = map(DEFAULT_COLUMNS.index, ("time", "action", "target", "outcome"))
"""Where these stand in a row of the list of entries."""
ROW_HEIGHT = 35
HEADER_HEIGHT = 38
BOX_X = 18
"""Where the boxes of a table stand that pick a line, or at the top all of them."""


class Screen:
    """One tab."""

    def __init__(self, page: Page, app: str) -> None:
        self.page = page
        self._app = app

    def go(self, path: str) -> None:
        """Open an address of the app."""
        self.page.goto(f"{self._app}{path}")

    def address(self, path: str) -> str:
        """A path of the app as a whole address."""
        return f"{self._app}{path}"

    def sign_in(self, email: str, password: str) -> None:
        """Fill in the form, send it, and wait for what comes after."""
        self.submit(email, password)
        expect(self.page.get_by_role("button", name=email)).to_be_visible()

    def submit(self, email: str, password: str) -> None:
        """Fill in the form and send it."""
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_role("textbox", name="Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def sign_out(self, email: str) -> None:
        """By the menu at the side."""
        self.page.get_by_role("button", name=email).click()
        self.page.get_by_text("Sign out").click()

    def count(self) -> str:
        """How many entries matched, in the words of the page."""
        return self.page.get_by_text(re.compile(r"^[\d,]+ entr(y|ies)$")).inner_text()

    def settle(self) -> None:
        """Wait until no run is under way."""
        self.page.wait_for_timeout(150)
        self.page.wait_for_function(
            "() => document.querySelector('[data-test-script-state=running]') === null"
        )

    def go_live(self) -> None:
        """Switch Real-time on, when the entries are there."""
        self.rows()
        self.page.get_by_text("Real-time").click()
        expect(self.page.get_by_text("0 new since you switched on")).to_be_visible()

    def download(self, link: str) -> tuple[str, bytes]:
        """Name and content of the file behind the first link with that text, which opens a tab of
        its own."""
        found: list[Download] = []

        def watched(page: Page) -> None:
            page.on("download", lambda file: found.append(file))

        watched(self.page)
        self.page.context.on("page", watched)
        self.page.get_by_role("link", name=link, exact=True).first.click()
        deadline = time.monotonic() + DOWNLOAD_WITHIN_S
        while not found and time.monotonic() < deadline:
            self.page.wait_for_timeout(50)
        self.page.context.remove_listener("page", watched)
        (file,) = found
        assert file.failure() is None
        return file.suggested_filename, Path(file.path()).read_bytes()

    @property
    def table(self) -> Locator:
        """The list of entries; on pages without one the first table."""
        return self.page.locator(".entry-list, [data-testid=stDataFrame]").first

    def rows(self, wanted: Callable[[Rows], bool] = bool) -> Rows:
        """The cells of the table on the screen, as a screen reader has them, once they are as
        wanted: it gets them some moments after the eye does."""
        deadline = time.monotonic() + ROWS_WITHIN_S
        while not wanted(rows := self._rows()):
            assert time.monotonic() < deadline, f"not what was wanted: {rows}"
            self.page.wait_for_timeout(50)
        return rows

    def _rows(self) -> Rows:
        # In one step: the table may be drawn anew in between.
        rows: Rows = self.page.evaluate(ROWS_OF_FIRST_TABLE)
        return rows

    def click_row(self, number: int) -> None:
        """Click on a row of the table, the first one being 0."""
        entries = self.page.locator(".entry-list")
        if entries.count():
            entries.locator("tbody tr").nth(number).click()
            return
        self.click_at(self.table, 300, HEADER_HEIGHT + ROW_HEIGHT * (number + 0.5))

    def click_at(self, table: Locator, x: float, y: float) -> None:
        """Click on a place of a table, counted from its upper left corner."""
        box = table.bounding_box()
        assert box is not None
        place = (box["x"] + x, box["y"] + y)
        # The table learns where it is from the pointer.
        self.page.mouse.move(*place)
        self.page.wait_for_timeout(300)
        self.page.mouse.click(*place)

    @property
    def drawer(self) -> Locator:
        """The entry in full."""
        return self.page.get_by_role("dialog")
