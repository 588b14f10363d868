from __future__ import annotations

import hashlib
from io import BytesIO

import pytest
from playwright.sync_api import expect

from audit_core.evidence.pack.verdicts import Part, State
from audit_core.evidence.pack.verifier import verify
from audit_core.query.time.windows import format_instant
from tests.browser.conftest import OpenScreen
from tests.browser.prepared import AUDITOR, HOME, Prepared

pytestmark = pytest.mark.browser


def test_an_export_is_made_while_its_page_is_closed_and_a_pack_of_it_proves_itself(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    screen = open_screen(AUDITOR, f"/explore?from=-&to={format_instant(prepared.began)}")
    screen.rows()
    screen.page.get_by_role("button", name="Download", exact=True).click()
    screen.page.get_by_role("link", name="Export in the background").click()
    entries = len(prepared.entries[HOME])
    expect(screen.page.get_by_text(f"{entries:,} entries: from the first entry")).to_be_visible()
    screen.settle()
    screen.page.get_by_role("button", name="Make export", exact=True).click()
    expect(screen.page.get_by_text("The export is in line.")).to_be_visible()
    screen.page.close()
    back = open_screen(AUDITOR, f"/exports?from=-&to={format_instant(prepared.began)}")
    expect(back.page.get_by_role("link", name="Download", exact=True)).to_be_visible()
    name, content = back.download("Download")
    assert name.startswith("audit-log_")
    assert content.count(b"\r\n") >= entries + 1
    expect(back.page.get_by_text(hashlib.sha256(content).hexdigest())).to_be_visible()

    back.settle()
    back.page.get_by_role("combobox", name="File").click()
    back.page.get_by_role("option", name="Pack with proof").click()
    back.settle()
    back.page.get_by_role("button", name="Make export", exact=True).click()
    expect(back.page.get_by_role("link", name="Download", exact=True)).to_have_count(2)
    name, pack = back.download("Download")
    assert name.endswith("_pack.zip")
    report = verify(BytesIO(pack))
    assert {part: report[part].state for part in Part} == dict.fromkeys(Part, State.HOLDS) | {
        # Nobody has handed over the key.
        Part.SIGNATURE: State.UNCONFIRMED,
    }
    assert int(report.subject["counts"]["entry"]) == entries
