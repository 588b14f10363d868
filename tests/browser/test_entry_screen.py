"""From one entry to its like: by a value, by what happened around it, side by side."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, expect

from audit_core.domain.entries import FIELDS, AuditEntry, Outcome
from audit_core.query.time.windows import format_instant
from tests.browser.conftest import OpenScreen
from tests.browser.prepared import ADMIN, HOME, Prepared
from tests.browser.screen import Screen

pytestmark = pytest.mark.browser

FIELD_WIDTHS = (140, 340, 55, 80)
KEEP = 2
"""The columns of the table of fields, and which of them keeps."""

NEIGHBOUR_HEIGHT = 28


def asked(screen: Screen) -> dict[str, list[str]]:
    return parse_qs(urlsplit(screen.page.url).query)


def path_of(entry: AuditEntry, **params: str) -> str:
    given = {"window": "all", "entry": entry.id, "entry_at": format_instant(entry.created_at)}
    return "/explore?" + "&".join(f"{name}={value}" for name, value in {**given, **params}.items())


def grid(screen: Screen, name: str) -> Locator:
    """A table of the drawer; waits until it is drawn."""
    table = screen.drawer.get_by_role("region", name=re.compile(name))
    expect(table).to_be_attached()
    table.scroll_into_view_if_needed()
    screen.settle()
    return table


def keep(screen: Screen, field: str) -> None:
    """Click on the button that keeps a field's value."""
    fields = [name for name, attribute in FIELDS if attribute not in ("error_message", "metadata")]
    table = grid(screen, "The fields of this entry")
    box = table.bounding_box()
    assert box is not None
    # What is left of the width is shared out evenly.
    spare = (box["width"] - sum(FIELD_WIDTHS)) / len(FIELD_WIDTHS)
    x = sum(FIELD_WIDTHS[:KEEP]) + KEEP * spare + (FIELD_WIDTHS[KEEP] + spare) / 2
    height = box["height"] / (len(fields) + 1)
    screen.click_at(table, x, height * (fields.index(field) + 1.5))


@pytest.fixture
def chosen(prepared: Prepared) -> AuditEntry:
    """An entry whose user did something else before and after it."""
    entries = prepared.entries[HOME]
    return next(
        entry
        for index, entry in enumerate(entries[len(entries) // 2 :], len(entries) // 2)
        if entry.outcome is Outcome.SUCCESS
        and entry.actor_email
        and entry.target_id
        and any(other.actor_id == entry.actor_id for other in entries[:index])
        and any(other.actor_id == entry.actor_id for other in entries[index + 1 :])
    )


def test_a_value_of_an_entry_is_kept_in_the_list(
    open_screen: OpenScreen, prepared: Prepared, chosen: AuditEntry
) -> None:
    until = format_instant(prepared.began)
    alike = [item for item in prepared.entries[HOME] if item.action == chosen.action]
    address = path_of(chosen).replace("window=all", f"from=-&to={until}")
    screen = open_screen(ADMIN, address)
    expect(screen.drawer.get_by_text(chosen.actor).first).to_be_visible()
    keep(screen, "action")
    expect(screen.drawer).to_have_count(0)
    expect(screen.page).to_have_url(re.compile(f"query=action%3A{chosen.action}"))
    expect(screen.page.get_by_text(f"{len(alike):,} entr")).to_be_visible()


def test_from_an_entry_to_its_neighbour_and_both_side_by_side(
    open_screen: OpenScreen, prepared: Prepared, chosen: AuditEntry
) -> None:
    entries = prepared.entries[HOME]
    place = entries.index(chosen)
    newer = [item for item in entries[place + 1 :] if item.actor_id == chosen.actor_id][:10]
    screen = open_screen(ADMIN, path_of(chosen))
    screen.drawer.get_by_role("button", name="Add to comparison").click()
    expect(screen.drawer.get_by_role("button", name="Remove from comparison")).to_be_visible()
    expect(screen.page).to_have_url(re.compile("compare="))

    table = grid(screen, "The entries before and after")
    screen.click_at(table, 40, 36 + NEIGHBOUR_HEIGHT * 0.5)
    expect(screen.page).to_have_url(re.compile(f"entry={newer[-1].id}"))
    expect(screen.drawer.get_by_text(newer[-1].id).first).to_be_attached()
    screen.settle()

    screen.drawer.get_by_role("button", name="Add to comparison").click()
    screen.drawer.get_by_role("button", name="Compare 2 entries").click()
    expect(screen.drawer.get_by_text("Only differences")).to_be_visible()
    expect(screen.page).to_have_url(re.compile("comparing=1"))
    cells = screen.drawer.locator("[role=gridcell]")
    for item in (chosen, newer[-1]):
        expect(cells.filter(has_text=item.id)).to_be_attached()
    screen.page.keyboard.press("Escape")
    expect(screen.drawer).to_have_count(0)
    expect(screen.page.get_by_text("2 entries to compare")).to_be_visible()
    assert len(asked(screen)["compare"]) == 2
    assert newer[-1].created_at - chosen.created_at >= timedelta()
