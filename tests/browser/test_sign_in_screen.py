import re
import time
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Request, expect

from audit_core.state.access_log.record import list_events
from audit_core.state.database import open_state
from audit_core.web.routes.session import START_PATH
from audit_core.web.security.identity import BROWSER_COOKIE, SESSION_COOKIE
from pages.parts.shell.sign_in import REFUSED
from tests.browser.conftest import OpenScreen, Watch
from tests.browser.prepared import ADMIN, AUDITOR, HOME_NAME, MEMBER, Prepared
from tests.browser.screen import OUTCOME, Screen

pytestmark = pytest.mark.browser


def test_the_right_password_opens_the_app_and_leaves_nothing_that_scripts_could_read(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    screen = open_screen()
    expect(screen.page.get_by_label("E-mail address")).to_be_visible()
    screen.sign_in(ADMIN, prepared.passwords[ADMIN])
    expect(screen.page.get_by_role("heading", name="Overview")).to_be_visible()
    cookies = [cookie for cookie in screen.page.context.cookies() if "sandtrail" in cookie["name"]]
    assert {cookie["name"] for cookie in cookies} == {SESSION_COOKIE, BROWSER_COOKIE}
    assert all(cookie["httpOnly"] and cookie["sameSite"] == "Lax" for cookie in cookies)
    assert "sandtrail" not in screen.page.evaluate("() => document.cookie")
    assert "code=" not in screen.page.url
    expect(screen.page.get_by_text(HOME_NAME)).to_be_visible()


def test_the_code_is_in_no_request_line_no_referrer_and_no_history(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    screen = open_screen()
    requests: list[Request] = []
    screen.page.on("request", lambda request: requests.append(request))
    screen.sign_in(ADMIN, prepared.passwords[ADMIN])
    (post,) = (request for request in requests if request.method == "POST")
    assert urlsplit(post.url).path == START_PATH
    code = parse_qs(post.post_data or "")["code"][0]
    # A fragment is part of what the browser tells here, and of nothing that it sends.
    sent = [(request.url.partition("#")[0], dict(request.all_headers())) for request in requests]
    assert code not in repr(sent)
    screen.page.go_back()
    screen.page.wait_for_load_state()
    assert code not in screen.page.url


def test_when_the_script_does_not_go_on_by_itself_a_button_does(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    screen = open_screen()
    screen.page.add_init_script("HTMLFormElement.prototype.submit = () => {};")
    screen.submit(ADMIN, prepared.passwords[ADMIN])
    screen.page.get_by_role("button", name="Continue").click()
    expect(screen.page.get_by_role("heading", name="Overview")).to_be_visible()


def test_a_wrong_password_and_an_unknown_person_are_told_the_same(open_screen: OpenScreen) -> None:
    screen = open_screen()
    for email in (AUDITOR, "unknown@example.org"):
        screen.submit(email, "wrong-password")
        expect(screen.page.get_by_role("alert")).to_contain_text(REFUSED)
        screen.settle()
        assert screen.page.context.cookies() == [] or all(
            cookie["name"] != "sandtrail_session" for cookie in screen.page.context.cookies()
        )


def test_a_link_with_filters_survives_signing_in(
    open_screen: OpenScreen, prepared: Prepared
) -> None:
    screen = open_screen(path="/explore?window=30d&outcome=server_error&zone=Europe%2FBerlin")
    screen.sign_in(ADMIN, prepared.passwords[ADMIN])
    expect(screen.page.get_by_role("heading", name="Explore")).to_be_visible()
    expect(screen.page).to_have_url(re.compile(r"/explore\?.*outcome=server_error"))
    assert "window=30d" in screen.page.url
    expect(screen.page.get_by_text("outcome Server error")).to_be_visible()
    assert all("Server error" in row[OUTCOME] for row in screen.rows())


def test_a_member_is_refused_and_told_the_permission_and_whom_to_ask(
    open_screen: OpenScreen,
) -> None:
    screen = open_screen(MEMBER, "/explore?window=all")
    expect(screen.page.get_by_text("You do not have access to this page")).to_be_visible()
    expect(screen.page.get_by_text("read:audit_logs")).to_be_visible()
    expect(screen.page.get_by_text(f"Contact an admin of {HOME_NAME}")).to_be_visible()
    expect(screen.table).to_have_count(0)
    answer = screen.page.context.request.get(screen.address("/api/v1/export?window=all"))
    assert answer.status == 403
    assert answer.json()["permission"] == "export:audit_logs"


def test_signing_out_ends_the_session_in_every_tab(
    open_screen: OpenScreen, prepared: Prepared, app: str, watch: Watch
) -> None:
    first = open_screen(path="/explore?window=30d")
    first.sign_in(AUDITOR, prepared.passwords[AUDITOR])
    second = Screen(first.page.context.new_page(), app)
    second.go("/explore?window=30d")
    second.rows()
    kept = first.page.context.storage_state()

    # A browser gives little time to a tab behind another one.
    first.page.bring_to_front()
    first.sign_out(AUDITOR)
    expect(first.page.get_by_label("E-mail address")).to_be_visible()
    names = {cookie["name"] for cookie in first.page.context.cookies()}
    assert SESSION_COOKIE not in names
    assert BROWSER_COOKIE in names
    second.page.bring_to_front()
    second.page.get_by_role("button", name="Refresh").click()
    expect(second.page.get_by_label("E-mail address")).to_be_visible()
    expect(second.table).to_have_count(0)
    # The other tab may have asked for what is new before it was told.
    assert all("(/api/v1/head)" in wrong for wrong in watch.wrongs)
    watch.wrongs.clear()

    first.page.context.add_cookies(kept["cookies"])
    answer = first.page.context.request.get(first.address("/api/v1/export?window=5m"))
    assert answer.status == 401


def test_the_app_believes_no_forwarding_header_on_loopback(app: str, prepared: Prepared) -> None:
    answer = httpx.post(
        f"{app}/api/v1/entries",
        headers={"Authorization": "Bearer wrong", "X-Forwarded-For": "198.51.100.66"},
    )
    assert answer.status_code == 401
    state = open_state(prepared.environment["SANDTRAIL_STATE_URL"])
    refused: set[str | None] = set()
    deadline = time.monotonic() + 10
    while not refused and time.monotonic() < deadline:
        time.sleep(0.1)  # Refusals wait a second to be written together.
        with state.read() as connection:
            events = list_events(connection, organization_id=None, limit=100, verb="token.refused")
        refused = {event.address for event in events}
    state.close()
    assert refused == {"127.0.0.1"}
