"""What axe-core finds on the pages, in both themes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenScreen
from tests.browser.prepared import ADMIN, MEMBER, Prepared
from tests.browser.screen import Screen
from tests.browser.test_explore_screen import fixed
from tests.support.contrast import READABLE, contrast

pytestmark = pytest.mark.browser

STREAMLITS_OWN = {
    # The entries of the navigation: list items within boxes of a list.
    "list": 'data-testid="stSidebarNavItems"',
    "listitem": "<li class=",
    # Parts of the small charts beside a metric, whose picture as a whole is described.
    "svg-img-alt": "role-mark",
    # Code that scrolls within a fixed height.
    "scrollable-region-focusable": "<pre class=",
    "presentation-role-conflict": 'data-testid="stFileUploaderDropzone"',
    # The form of streamlit-authenticator.
    "heading-order": 'id="sign-in"',
}
"""Findings that are not of our making: by rule, what the element's HTML contains."""


def findings(page: Page, *rules: str) -> list[str]:
    """What is wrong in the present theme and not Streamlit's own: rule, element, reason. Without
    rules by all of them."""
    only = {"runOnly": list(rules)} if rules else {}
    # Of charts axe looks at thousands of shapes, for nothing: each has its sentence.
    charts = {"exclude": [[".js-plotly-plot"]]}
    options = {"resultTypes": ["violations"], **only}
    found: dict[str, Any] = Axe().run(page, context=charts, options=options).response
    return [
        f"{rule['id']}: {node['html'][:200]}: {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
        if STREAMLITS_OWN.get(rule["id"], "\0") not in node["html"]
    ]


def signed_out(screen: Screen) -> Locator:
    return screen.page.get_by_role("button", name="Sign in")


def overview(screen: Screen) -> Locator:
    return screen.page.get_by_role("heading", name="Weekday and hour")


def filters(screen: Screen) -> Locator:
    screen.rows()
    screen.page.get_by_role("button", name="Filters", exact=True).click()
    return screen.page.get_by_label("IP address").first


def entry(screen: Screen) -> Locator:
    screen.rows()
    screen.click_row(0)
    return screen.drawer.get_by_text("Metadata").first


def sandboxes(screen: Screen) -> Locator:
    return screen.page.get_by_text("Suspected failed").first


def person(screen: Screen) -> Locator:
    screen.rows()
    screen.click_row(0)
    return screen.page.get_by_role("heading", name="Weekday and hour")


def invitation(screen: Screen) -> Locator:
    screen.page.get_by_role("button", name="Invite").click()
    return screen.page.get_by_role("button", name="Make the link")


def headed(name: str) -> Callable[[Screen], Locator]:
    return lambda screen: screen.page.get_by_role("heading", name=name, exact=True)


PLACES: dict[str, tuple[str | None, str, Callable[[Screen], Locator]]] = {
    "sign-in": (None, "/", signed_out),
    "overview": (ADMIN, "/overview?{time}", overview),
    "filters": (ADMIN, "/explore?{time}&outcome=client_error", filters),
    "entry": (ADMIN, "/explore?{time}", entry),
    "sandboxes": (ADMIN, "/sandboxes?{time}", sandboxes),
    "person": (ADMIN, "/people?{time}", person),
    "access-record": (ADMIN, "/access_record", headed("Access record")),
    "sources": (ADMIN, "/sources", headed("Other ways to send entries")),
    "notifications": (ADMIN, "/notifications", headed("Deliveries")),
    "invitation": (ADMIN, "/access", invitation),
    "profile": (ADMIN, "/profile", headed("Profile")),
}


@pytest.mark.parametrize("place", PLACES)
def test_nothing_of_our_own_keeps_anybody_out(
    open_screen: OpenScreen, prepared: Prepared, place: str
) -> None:
    email, path, opened = PLACES[place]
    screen = open_screen(email, path.format(time=fixed(prepared)))
    expect(opened(screen)).to_be_visible()
    screen.settle()
    page = screen.page
    assert findings(page) == []
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        "() => getComputedStyle(document.querySelector('.stApp')).colorScheme === 'dark'"
    )
    # All else is the same in either theme.
    assert findings(page, "color-contrast") == []


WORDS_OF_CHARTS = """() => [
    ...document.querySelectorAll(".js-plotly-plot text")
].filter(text => text.textContent).map(text => {
    const parts = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const pixel = fills => {
        parts.fillStyle = fills[0];
        parts.fillRect(0, 0, 1, 1);
        for (const fill of fills.slice(1)) {
            parts.fillStyle = fill;
            parts.fillRect(0, 0, 1, 1);
        }
        return [...parts.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const page = getComputedStyle(document.querySelector(".stApp")).backgroundColor;
    const bar = text.closest(".slice, .point")?.querySelector("path");
    const on = bar === undefined ? [page] : [page, getComputedStyle(bar).fill];
    return [text.textContent, pixel(on), pixel([...on, getComputedStyle(text).fill])];
})"""
"""Each with the colour that it is written on, and its own there; 0 to 255."""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_words_of_charts_can_be_read(
    open_screen: OpenScreen, prepared: Prepared, theme: Literal["light", "dark"]
) -> None:
    # axe-core looks at no text of pictures.
    screen = open_screen(ADMIN, "/profile")
    screen.page.emulate_media(color_scheme=theme)
    screen.go(f"/overview?{fixed(prepared)}")
    expect(overview(screen)).to_be_visible()
    screen.settle()
    expect(screen.page.locator(".js-plotly-plot .slicetext").first).to_be_attached()
    words = screen.page.evaluate(WORDS_OF_CHARTS)
    assert [word for word in words if contrast(word[1], word[2]) < READABLE] == []


def test_axe_finds_what_is_wrong(open_screen: OpenScreen) -> None:
    screen = open_screen(None, "/")
    expect(signed_out(screen)).to_be_visible()
    screen.page.evaluate("document.querySelector('h1').style.color = '#bbbbbb'")
    assert [finding.partition(":")[0] for finding in findings(screen.page)] == ["color-contrast"]


def test_paper_shows_all_of_the_page_and_nothing_to_click(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    screen = open_screen(ADMIN, f"/explore?{fixed(prepared)}")
    screen.rows()
    screen.settle()
    page = screen.page
    heads = page.locator(".entry-list thead th").all_inner_texts()
    page.emulate_media(media="print")
    expect(page.locator("[data-testid=stSidebar]")).to_be_hidden()
    expect(page.get_by_role("button", name="Refresh", exact=True)).to_be_hidden()
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    assert page.locator(".entry-list thead th").all_inner_texts() == heads
    # Each box on the way from the last line to the paper is as high as what it holds.
    cut = page.locator(".entry-list tbody tr").last.evaluate(
        """row => {
            const boxes = [];
            for (let box = row; box !== document.body; box = box.parentElement) boxes.push(box);
            return boxes
                .filter(box => getComputedStyle(box).overflowY !== "visible")
                .filter(box => box.scrollHeight > box.clientHeight + 1)
                .map(box => box.outerHTML.slice(0, 120));
        }"""
    )
    assert cut == []
    shortened = page.locator(".entry-list .shortened .start").first
    assert shortened.evaluate("text => getComputedStyle(text).whiteSpace") == "normal"


def test_who_may_read_nothing_is_led_to_the_one_page_where_access_is_asked_for(
    open_screen: OpenScreen,
) -> None:
    screen = open_screen(MEMBER, "/")
    expect(screen.page.get_by_role("button", name="Ask for access")).to_be_visible()
    # A navigation of one page is none.
    expect(screen.page.locator("[data-testid=stSidebarNav] a")).to_have_count(0)
