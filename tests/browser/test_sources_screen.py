import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenScreen
from tests.browser.prepared import ADMIN, HOME, Prepared

pytestmark = pytest.mark.browser


def test_a_chosen_file_lies_on_disk_shows_its_records_and_goes_when_it_is_removed(
    open_screen: OpenScreen, prepared: Prepared, tmp_path: Path
) -> None:
    record = {
        "id": "chosen",
        "actorId": "u-1",
        "organizationId": HOME,
        "action": "create",
        "targetType": "sandbox",
        "targetId": "box",
        "createdAt": "2026-05-04T08:00:00Z",
    }
    chosen = tmp_path / "a – b.jsonl"
    chosen.write_text("".join(json.dumps({**record, "id": f"c-{n}"}) + "\n" for n in range(60)))
    screen = open_screen(ADMIN, "/sources")
    page = screen.page
    expect(page.get_by_role("heading", name="Sources")).to_be_visible()
    page.locator("input[type=file]").set_input_files(chosen)
    expect(page.get_by_text("The first 50 records: 50 to store")).to_be_visible()
    uploads = prepared.folder / "uploads"
    (kept,) = [path for path in uploads.glob("*/*") if path.name != ".lock"]
    assert kept.read_bytes() == chosen.read_bytes()
    page.get_by_role("button", name="Remove a – b.jsonl").click()
    expect(page.get_by_text("The first 50 records")).to_have_count(0)
    screen.settle()
    assert not kept.exists()
