"""The own password and the own sessions: what people may do, and what a stolen session may not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from audit_core.domain.errors import AccountError
from audit_core.identity.login import check_password
from audit_core.identity.own_account import (
    change_own_password,
    device_of,
    end_other_sessions,
    end_own_session,
    own_sessions,
)
from audit_core.identity.sessions import Viewer, issue_code
from audit_core.state.database import State
from tests.support.ada import NOW, PASSWORD
from tests.support.house import House

NEW_PASSWORD = "velvet otter ladder sunrise"


@pytest.fixture
def house(state: State) -> House:
    return House(state)


def viewer_of(house: House, name: str = "mem") -> tuple[str, Viewer]:
    secret = house.sign_in(name)
    viewer = house.viewer(secret)
    assert secret is not None
    assert viewer is not None
    return secret, viewer


def change(house: House, viewer: Viewer, present: str, new: str = NEW_PASSWORD) -> None:
    change_own_password(
        house.state, viewer, present=present, new=new, address="192.0.2.5", now=NOW, cost=4
    )


def signs_in(house: House, password: str) -> bool:
    found = check_password(
        house.state, email="mem@example.com", password=password, address=None, now=NOW, cost=4
    )
    return found is not None


def test_a_new_password_needs_the_present_one_and_ends_the_other_sessions(house: House) -> None:
    mine, viewer = viewer_of(house)
    other, _ = viewer_of(house)
    somebody, _ = viewer_of(house, "aud")
    with pytest.raises(AccountError, match="not your present password"):
        change(house, viewer, "wrong")
    with pytest.raises(AccountError, match="characters"):
        change(house, viewer, PASSWORD, "short")
    with pytest.raises(AccountError, match="is your present password"):
        change(house, viewer, PASSWORD, PASSWORD)
    assert house.viewer(other) is not None
    change(house, viewer, PASSWORD)
    assert house.viewer(mine) is not None
    assert house.viewer(other) is None
    assert house.viewer(somebody) is not None
    assert not signs_in(house, PASSWORD)
    assert signs_in(house, NEW_PASSWORD)
    told = [event.verb for event in house.events()]
    assert told.count("password_change.refused") == 1
    assert told.count("account.password_changed") == 1
    assert NEW_PASSWORD not in repr(house.events())


def test_a_stolen_session_guesses_slowly_and_shuts_nobody_out(house: House) -> None:
    _, viewer = viewer_of(house)
    for _ in range(8):
        with pytest.raises(AccountError, match="not your present password"):
            change(house, viewer, "wrong")
    with pytest.raises(AccountError, match="not your present password"):
        change(house, viewer, PASSWORD)
    assert signs_in(house, PASSWORD)


def test_own_sessions_are_listed_and_ended_and_nobody_elses(house: House) -> None:
    mine, viewer = viewer_of(house)
    other, other_viewer = viewer_of(house)
    foreign, foreign_viewer = viewer_of(house, "aud")
    with house.state.read() as connection:
        found = own_sessions(connection, viewer, now=NOW, idle=None)
        late = own_sessions(
            connection, viewer, now=NOW + timedelta(hours=2), idle=timedelta(hours=1)
        )
    assert {one.id: one.is_this for one in found} == {
        viewer.session_id: True,
        other_viewer.session_id: False,
    }
    assert late == ()

    def end(session_id: str) -> None:
        with house.state.begin() as connection:
            end_own_session(connection, viewer, session_id=session_id, address=None, now=NOW)

    for session_id in (foreign_viewer.session_id, "0" * 32):
        with pytest.raises(AccountError, match="ended already"):
            end(session_id)
    end(other_viewer.session_id)
    assert house.viewer(other) is None
    assert house.viewer(foreign) is not None
    another, _ = viewer_of(house)
    with house.state.begin() as connection:
        code = issue_code(connection, account_id=viewer.account_id, now=NOW)
        assert end_other_sessions(connection, viewer, address=None, now=NOW) == 1
    assert house.viewer(another) is None
    assert house.viewer(mine) is not None
    assert code


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/126.0 Safari/537.36 Edg/126.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/17.5 Safari/605.1.15",
            "Safari on macOS",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
            "Firefox on Linux",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605 CriOS/126.0 "
            "Mobile/15E148 Safari/604.1",
            "Chrome on iOS",
        ),
        (
            "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/126.0 Safari/537.36", "Chrome on Linux"),
        ("curl/8.5.0", "Unknown browser"),
        ("![x](//evil.example) \u202e", "Unknown browser"),
        ("", "Unknown browser"),
        (None, "Unknown browser"),
    ],
)
def test_a_device_is_named_by_what_its_browser_says(user_agent: str | None, device: str) -> None:
    assert device_of(user_agent) == device
