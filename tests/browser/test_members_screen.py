"""An admin invites somebody, who joins in another browser and sees what they may, and no more."""

import re

import pytest
from playwright.sync_api import Request, expect

from tests.browser.conftest import OpenScreen, Watch
from tests.browser.prepared import ADMIN, HOME_NAME

pytestmark = pytest.mark.browser

NEW, NEW_PASSWORD = "invited@example.org", "velvet otter ladder sunrise"


def test_an_invited_person_joins_asks_for_access_and_gets_it(
    open_screen: OpenScreen, watch: Watch
) -> None:
    admin = open_screen(ADMIN, "/access")
    admin.page.get_by_role("button", name="Invite").click()
    dialog = admin.page.get_by_role("dialog")
    dialog.get_by_label("E-mail address").fill(NEW)
    dialog.get_by_role("button", name="Make the link").click()
    link = dialog.get_by_text(re.compile(r"/api/session/invitation#code=")).inner_text().strip()
    link = "".join(link.split())
    code = link.partition("#code=")[2]

    invited = open_screen()
    requests: list[Request] = []
    invited.page.on("request", lambda request: requests.append(request))
    invited.page.goto(link)
    expect(invited.page.get_by_text("I am new here")).to_be_visible()
    assert code not in invited.page.url
    assert HOME_NAME not in invited.page.content()
    assert NEW not in invited.page.content()
    invited.page.reload()
    invited.page.get_by_label("Your name").fill("Invited")
    invited.page.get_by_label("Choose a password").fill(NEW_PASSWORD)
    invited.page.get_by_label("The same again").fill(NEW_PASSWORD)
    invited.page.get_by_role("button", name="Create account and join").click()

    page = invited.page
    expect(page.get_by_text("You do not have access to this page")).to_be_visible()
    expect(page.get_by_text(HOME_NAME).first).to_be_visible()
    expect(page.get_by_role("link", name="Access", exact=True)).to_have_count(0)
    assert page.context.request.get(invited.address("/api/v1/export?window=5m")).status == 403
    sent = [(request.url.partition("#")[0], request.headers.get("referer")) for request in requests]
    assert code not in repr(sent)
    page.get_by_label("Why do you need it?").fill("The outage of Monday")
    page.get_by_role("button", name="Ask for access").click()
    expect(page.get_by_text("The admins see your request.")).to_be_visible()

    admin.go("/access")
    expect(admin.page.get_by_text("1 person asks for access").first).to_be_visible()
    expect(admin.page.get_by_text("The outage of Monday")).to_be_visible()
    admin.page.get_by_role("button", name="Grant").click()
    expect(admin.page.get_by_text("1 person asks for access")).to_have_count(0)
    invited.go("/overview")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()

    used = open_screen()
    used.page.goto(link)
    used.page.get_by_label("Your name").fill("Again")
    used.page.get_by_label("Choose a password").fill(NEW_PASSWORD)
    used.page.get_by_label("The same again").fill(NEW_PASSWORD)
    with used.page.expect_response("**/api/session/accept") as answered:
        used.page.get_by_role("button", name="Create account and join").click()
    assert answered.value.status == 403
    expect(used.page.get_by_role("alert").first).to_contain_text("ask for a new link")
    # Chromium writes each refusal of a server to the console.
    assert all("/api/session/accept" in wrong for wrong in watch.wrongs)
    watch.wrongs.clear()
