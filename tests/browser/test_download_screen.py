from __future__ import annotations

import csv
import hashlib
import io

import pytest
from playwright.sync_api import expect

from audit_core.domain.entries import FIELDS
from audit_core.domain.redaction import redact
from audit_core.evidence.formats.csv_text import neutralized
from audit_core.query.time.windows import format_instant
from tests.browser.conftest import OpenScreen
from tests.browser.prepared import AUDITOR, HOME, Prepared

pytestmark = pytest.mark.browser


def test_the_downloaded_csv_holds_every_entry_of_the_log_row_by_row(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    screen = open_screen(AUDITOR, f"/explore?from=-&to={format_instant(prepared.began)}")
    screen.rows()
    screen.page.get_by_role("button", name="Download", exact=True).click()
    name, content = screen.download("CSV")
    assert name.startswith("audit-log_")
    assert prepared.began.strftime("_%Y%m%dT%H%M%SZ_head-") in name
    assert name.endswith("_for-spreadsheets.csv")
    entries = prepared.entries[HOME]
    # The open menu says what became of the download, by itself.
    digest = screen.page.get_by_text(hashlib.sha256(content).hexdigest())
    expect(digest.first).to_be_visible()
    ended = screen.page.get_by_text(f"Complete: {len(entries):,} entries")
    expect(ended.first).to_be_visible()
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    assert rows[0] == [*(name for name, _ in FIELDS), "createdAtExact"]
    assert len(rows) == len(entries) + 1
    for row, entry in zip(rows[1:], map(redact, entries), strict=True):
        values = {attribute: getattr(entry, attribute) for _, attribute in FIELDS}
        values["created_at"] = f"{entry.created_at:%Y-%m-%d %H:%M:%S}"
        values["exact"] = format_instant(entry.created_at)
        assert row == [
            "" if value is None else neutralized(str(value)) for value in values.values()
        ]
