"""Passwords are guessed from everywhere, for hours, while people go on signing in.

Hours pass on a clock of the attack's own; every attempt goes the whole way, on a real database.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from sqlalchemy import func, select

from audit_core.identity.accounts import add_account
from audit_core.identity.backoff import LONGEST_DELAY, NEWCOMER_DELAY, unlock_account
from audit_core.identity.known_devices import remember_browser
from audit_core.identity.login import check_password
from audit_core.state.database import State, open_state
from audit_core.state.tables import access_event
from tests.soak.attack import Held, Scale

LASTS = {Scale.SMALL: timedelta(minutes=20), Scale.FULL: timedelta(hours=3)}
GUESS_EVERY = {Scale.SMALL: timedelta(seconds=15), Scale.FULL: timedelta(seconds=5)}
SIGN_IN_EVERY = timedelta(minutes=1)
RAMP = 11
"""How many doublings of a second make the longest delay."""

BEGAN = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
PASSWORD = "correct horse battery staple"
TARGET = "ada@example.com"
OFFICE = "198.51.100.7"
"""One address of many people, a guesser among them."""
BY_BROWSER = (TARGET, "ben@example.com", "cleo@example.com")
"""Who signed in before in the browser of today, which is somewhere else each time."""
BY_ADDRESS = ("dora@example.com", "emil@example.com")
"""Who signed in before from the office, and has no cookie."""
NEWCOMERS = ("fay@example.com", "gus@example.com")
"""Who never signed in, and is not at the office."""


@dataclass
class Siege:
    """A state under guesses, and how they fared."""

    state: State
    now: datetime = BEGAN
    browsers: dict[str, str] = field(default_factory=dict)

    def passes(self, email: str, address: str, password: str = PASSWORD) -> bool:
        """Whether an attempt gets in now."""
        found = check_password(
            self.state,
            email=email,
            password=password,
            address=address,
            browser=self.browsers.get(email) if password == PASSWORD else None,
            now=self.now,
            cost=4,
        )
        return found is not None

    def guess(self, email: str, address: str) -> None:
        """One wrong password, of somebody without a cookie."""
        assert not self.passes(email, address, "a wrong password")

    def checked(self, since: datetime, **of: str) -> int:
        """How many guesses were worth a check."""
        events = access_event.c
        # Alike refusals of a minute are one row with a count.
        statement = select(func.coalesce(func.sum(events.count), 0)).where(
            events.verb == "sign_in.refused",
            events.detail["reason"].as_string() != "delayed",
            events.at >= since,
            *(events[name] == value for name, value in of.items()),
        )
        with self.state.read() as connection:
            return int(connection.execute(statement).scalar_one())


def begin(state: State) -> Siege:
    """People who have signed in before, and two who have not."""
    siege = Siege(state)
    with state.begin() as connection:
        for email in (*BY_BROWSER, *BY_ADDRESS, *NEWCOMERS):
            added = add_account(
                connection, email=email, name=email, password=PASSWORD, now=BEGAN, cost=4
            )
            if email in BY_BROWSER:
                siege.browsers[email] = remember_browser(
                    connection, account_id=added.id, browser=None, now=BEGAN
                )
    for email in BY_ADDRESS:
        assert siege.passes(email, OFFICE)
    return siege


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """First one address, then all the world."""
    with closing(open_state(f"sqlite:///{folder / 'state.sqlite'}")) as state:
        siege = begin(state)
        yield from from_one_address(siege, scale)
        yield from from_everywhere(siege, scale)


def from_one_address(siege: Siege, scale: Scale) -> Iterator[Held]:
    """A guesser at the office tries whenever it may, at the target and at many names."""
    began, passed = siege.now, 0
    everybody = (*BY_BROWSER, *BY_ADDRESS)
    while siege.now < began + LASTS[scale]:
        since = siege.now - began
        siege.guess(TARGET if since % (2 * GUESS_EVERY[scale]) else everybody[-1], OFFICE)
        siege.guess(f"name{since.total_seconds()}@example.com", OFFICE)
        if not since % SIGN_IN_EVERY:
            for email in everybody:
                if email not in BY_ADDRESS or since < SIGN_IN_EVERY:
                    assert siege.passes(email, OFFICE), f"{email} was refused after {since}"
                    passed += 1
        siege.now += GUESS_EVERY[scale]
    checked = siege.checked(began, address=OFFICE)
    # Of the address, and of each of the two people there at whom it guesses.
    allowed = (20 + 5 + 5) + 3 * (RAMP + LASTS[scale] / LONGEST_DELAY)
    assert checked <= allowed, f"{checked} guesses were checked"
    yield Held(
        "one address is slowed, and known people who share it pass",
        f"{passed:,} right passwords passed in {LASTS[scale]}; {checked} guesses were checked, "
        f"at most {(20 + 5 + 5) + 3 * (RAMP + 96)} in a day",
    )
    fay = NEWCOMERS[0]
    assert siege.passes(fay, "203.0.113.20")
    yield Held("a newcomer elsewhere passes at once", fay)


def from_everywhere(siege: Siege, scale: Scale) -> Iterator[Held]:
    """Each guess at the target from an address that was never seen."""
    began, passed = siege.now, 0
    fresh = (f"2001:db8:{n >> 16:x}:{n & 0xFFFF:x}::1" for n in count())
    while siege.now < began + LASTS[scale]:
        for _ in range(2):
            siege.guess(TARGET, next(fresh))
        if not (siege.now - began) % SIGN_IN_EVERY:
            for email in BY_BROWSER:
                since = siege.now - began
                assert siege.passes(email, f"10.0.0.{passed % 250}"), f"{email}, {since}"
                passed += 1
        siege.now += GUESS_EVERY[scale]
    checked = siege.checked(began, actor=TARGET)
    allowed = 5 + RAMP + LASTS[scale] / NEWCOMER_DELAY
    assert checked <= allowed, f"{checked} guesses were checked"
    yield Held(
        "all addresses of the world together are slowed at an account, and its person passes",
        f"{passed:,} right passwords passed in {LASTS[scale]}; {checked} guesses were checked, "
        f"at most {5 + RAMP + timedelta(days=1) // NEWCOMER_DELAY:,} in a day",
    )
    siege.browsers.pop(TARGET)
    with siege.state.begin() as connection:
        unlock_account(connection, TARGET, siege.now)
    for _ in range(20):
        siege.guess(TARGET, next(fresh))
    assert siege.passes(TARGET, "203.0.113.40")
    yield Held("an operator lets a person with a new browser in, guesses or not", TARGET)
