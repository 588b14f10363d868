from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from playwright.sync_api import Download, Page

from audit_core.entries import FIELDS
from audit_core.export.comma_separated import neutralized
from audit_core.query.windows import format_instant
from audit_core.redaction import redact
from tests.browser.conftest import OpenScreen
from tests.browser.prepared import AUDITOR, HOME, Prepared
from tests.browser.screen import Screen

pytestmark = pytest.mark.browser


def download(screen: Screen, name: str) -> tuple[str, bytes]:
    """Name and content of the file behind a link of the page."""
    found: list[Download] = []

    def watched(page: Page) -> None:
        page.on("download", lambda file: found.append(file))

    watched(screen.page)
    screen.page.context.on("page", watched)
    screen.page.get_by_role("button", name="Download").click()
    screen.page.get_by_role("link", name=name).click()
    for _ in range(200):
        if found:
            break
        screen.page.wait_for_timeout(50)
    screen.page.context.remove_listener("page", watched)
    (file,) = found
    assert file.failure() is None
    return file.suggested_filename, Path(file.path()).read_bytes()


def test_the_downloaded_csv_holds_every_entry_of_the_log_row_by_row(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    screen = open_screen(AUDITOR, f"/explore?from=-&to={format_instant(prepared.began)}")
    screen.rows()
    name, content = download(screen, "CSV")
    assert name.startswith("audit-log_")
    assert name.endswith(prepared.began.strftime("_%Y%m%dT%H%M%SZ.csv"))
    rows = list(csv.reader(io.StringIO(content.decode(), newline=""), strict=True))
    assert rows[0] == [name for name, _ in FIELDS]
    entries = prepared.entries[HOME]
    assert len(rows) == len(entries) + 1
    for row, entry in zip(rows[1:], map(redact, entries), strict=True):
        values = {attribute: getattr(entry, attribute) for _, attribute in FIELDS}
        values["created_at"] = format_instant(entry.created_at)
        assert row == [
            "" if value is None else neutralized(str(value)) for value in values.values()
        ]
