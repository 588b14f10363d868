"""How long sign-ins are refused after failures: the rules, and their counters.

Who is known is judged apart from strangers, so that no stranger's guesses ever delay a person who
has signed in before: by the device cookie of the browser, or by the address of a recent sign-in.
Strangers are slowed by three counters: of the address, of the account, and of the pair of both.
An address that has failed at an account a few times at most is a newcomer there. It does not
wait for the account's counter, which guessers elsewhere can hold at its longest delay, but takes
its turn among newcomers: one in `NEWCOMER_DELAY` once there are many.

So one address gets about 115 guesses a day, and at one account all addresses of the world together
about 1,550 (`tests/soak/attacks/sign_in_siege.py` counts them).

An attempt is counted as a failure *before* its password is checked, and taken back when it was
right. So of two parallel guesses the second already meets the delay of the first.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, or_, select

from audit_core.state.tables import sign_in_failure, sign_in_opening

LONGEST_DELAY = timedelta(minutes=15)
NEWCOMER_DELAY = timedelta(minutes=1)
FORGOTTEN_AFTER = timedelta(hours=24)
"""A counter is removed when its last failure is this long ago."""
OPENED_FOR = timedelta(minutes=15)
"""For how long an operator's unlocking spares an account its counter, which an attack that goes
on would else fill again at once."""

ACCOUNT_TOLERANCE = 4
ADDRESS_TOLERANCE = 19
"""Generous, since many people may share an address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """What failures are counted by."""

    key: str
    """A digest, so that the table holds no list of what people typed."""
    tolerated: int
    """How many failures bring no delay."""
    longest: timedelta = LONGEST_DELAY
    account_key: str | None = None
    """The digest of the account's name, by which its counters are cleared; `None` for the
    counter of an address."""
    address_key: str | None = None
    """The same of the address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What one attempt waits for, and what it is counted by when it fails."""

    waits_for: tuple[Counter, ...]
    counts: tuple[Counter, ...]
    own: Counter
    """Whose failures a right password forgets; those of the others are only taken back."""


def account_counter(email: str) -> Counter:
    """Strangers at a normalized e-mail address, whether or not it has an account."""
    return Counter(
        key=_key("account", email), tolerated=ACCOUNT_TOLERANCE, account_key=account_key(email)
    )


def newcomer_counter(email: str) -> Counter:
    """Strangers from addresses that had not failed at this account before."""
    return Counter(
        key=_key("newcomers", email),
        tolerated=ACCOUNT_TOLERANCE,
        longest=NEWCOMER_DELAY,
        account_key=account_key(email),
    )


def address_counter(address: str) -> Counter:
    """Strangers from a network address, whatever account they name."""
    key = address_key(address)
    return Counter(key=key, tolerated=ADDRESS_TOLERANCE, address_key=key)


def pair_counter(email: str, address: str) -> Counter:
    """One account from one network address."""
    return Counter(
        key=_key("pair", f"{account_key(email)} {address_key(address)}"),
        tolerated=ACCOUNT_TOLERANCE,
        account_key=account_key(email),
        address_key=address_key(address),
    )


def browser_counter(email: str, browser: str) -> Counter:
    """One account from a browser that it has signed in from; `browser` is the cookie's secret."""
    return Counter(
        key=_key("browser", f"{account_key(email)} {browser}"),
        tolerated=ACCOUNT_TOLERANCE,
        account_key=account_key(email),
    )


def link_counter(address: str) -> Counter:
    """One-time links that a network address has tried in vain."""
    key = address_key(address)
    return Counter(key=_key("link", key), tolerated=ADDRESS_TOLERANCE, address_key=key)


def own_password_counter(email: str) -> Counter:
    """Somebody signed in who gives a wrong present password; apart from the sign-in, so that a
    session that somebody has taken over neither guesses on nor shuts the person out."""
    return Counter(
        key=_key("own password", email),
        tolerated=ACCOUNT_TOLERANCE,
        account_key=account_key(email),
    )


def account_key(email: str) -> str:
    """The digest of a normalized e-mail address."""
    return _key("account name", email)


def address_key(address: str) -> str:
    """The digest of a network address, however it is written.

    An IPv6 address counts as its /64 network, all of which one machine usually has.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return _key("address", address)
    if isinstance(parsed, ipaddress.IPv6Address):
        network = ipaddress.ip_network((int(parsed), 64), strict=False)
        return _key("address", str(parsed.ipv4_mapped or network))
    return _key("address", str(parsed))


def counters_of_browser(email: str, browser: str) -> Counters:
    """Of an attempt from a browser that this account has signed in from."""
    own = browser_counter(email, browser)
    return Counters(waits_for=(own,), counts=(own,), own=own)


def counters_of_known_address(email: str, address: str) -> Counters:
    """Of an attempt from an address that this account signed in from lately."""
    own = pair_counter(email, address)
    return Counters(waits_for=(own,), counts=(own,), own=own)


def counters_of_stranger(
    connection: Connection, email: str, address: str | None, now: datetime
) -> Counters:
    """Of any other attempt; `address` is `None` where the server knows none."""
    of_account = account_counter(email)
    if address is None:
        opened = _is_open(connection, email, now)
        return Counters(
            waits_for=() if opened else (of_account,), counts=(of_account,), own=of_account
        )
    pair, of_address = pair_counter(email, address), address_counter(address)
    counts: tuple[Counter, ...] = (pair, of_address, of_account)
    waits_for = counts
    if _failures(connection, pair) <= pair.tolerated:
        newcomers = newcomer_counter(email)
        counts = (*counts, newcomers)
        waits_for = (pair, of_address, newcomers)
    if _is_open(connection, email, now):
        waits_for = (pair, of_address)
    return Counters(waits_for=waits_for, counts=counts, own=pair)


def delay_after(failures: int, *, tolerated: int, longest: timedelta = LONGEST_DELAY) -> timedelta:
    """None up to `tolerated` failures, then 1 s, 2 s, 4 s … up to `longest`."""
    beyond = failures - tolerated
    if beyond <= 0:
        return timedelta(0)
    return min(timedelta(seconds=2 ** min(beyond - 1, 20)), longest)


def refused_until(
    connection: Connection, counters: tuple[Counter, ...], now: datetime
) -> datetime | None:
    """Until when attempts are refused; `None` when they are not."""
    until = connection.execute(
        select(sign_in_failure.c.refused_until)
        .where(
            sign_in_failure.c.key.in_([counter.key for counter in counters]),
            sign_in_failure.c.refused_until > now,
            # Later than any delay can end: the clock was set back since.
            sign_in_failure.c.refused_until <= now + LONGEST_DELAY,
        )
        .order_by(sign_in_failure.c.refused_until.desc())
    ).first()
    return None if until is None else until.refused_until


def count_failure(connection: Connection, counters: tuple[Counter, ...], now: datetime) -> None:
    """Count one failure on each counter, and remove counters that are old."""
    connection.execute(
        sign_in_failure.delete().where(sign_in_failure.c.last_failed_at <= now - FORGOTTEN_AFTER)
    )
    for counter in counters:
        before = connection.execute(
            select(sign_in_failure.c.failures).where(sign_in_failure.c.key == counter.key)
        ).scalar()
        failures = (before or 0) + 1
        delay = delay_after(failures, tolerated=counter.tolerated, longest=counter.longest)
        values = {"failures": failures, "last_failed_at": now, "refused_until": now + delay}
        if before is None:
            connection.execute(
                sign_in_failure.insert().values(
                    key=counter.key,
                    account_key=counter.account_key,
                    address_key=counter.address_key,
                    **values,
                )
            )
        else:
            connection.execute(
                sign_in_failure.update().where(sign_in_failure.c.key == counter.key).values(values)
            )


def settle_success(connection: Connection, counters: Counters, now: datetime) -> None:
    """What was counted at `now` was no failure: the person's own failures are forgotten, those
    of others stay."""
    connection.execute(sign_in_failure.delete().where(sign_in_failure.c.key == counters.own.key))
    others = tuple(counter for counter in counters.counts if counter != counters.own)
    take_back(connection, others, now)


def take_back(connection: Connection, counters: tuple[Counter, ...], now: datetime) -> None:
    """Undo the failure that was counted at `now`, keeping those of others.

    The delay goes too, unless another attempt has set a later one meanwhile.
    """
    same = sign_in_failure.c.key.in_([counter.key for counter in counters])
    connection.execute(
        sign_in_failure.update().where(same).values(failures=sign_in_failure.c.failures - 1)
    )
    connection.execute(
        sign_in_failure.update()
        .where(same, sign_in_failure.c.last_failed_at == now)
        .values(refused_until=now)
    )


def unlock_account(connection: Connection, email: str, now: datetime) -> int:
    """Clear what was counted at an account, and spare it its own counters for `OPENED_FOR`, also
    while guessing goes on. How many counters there were."""
    key = account_key(email)
    cleared = connection.execute(
        sign_in_failure.delete().where(sign_in_failure.c.account_key == key)
    )
    connection.execute(
        sign_in_opening.delete().where(
            or_(sign_in_opening.c.account_key == key, sign_in_opening.c.opened_until <= now)
        )
    )
    connection.execute(
        sign_in_opening.insert().values(account_key=key, opened_until=now + OPENED_FOR)
    )
    return cleared.rowcount


def unlock_address(connection: Connection, address: str) -> int:
    """Clear what was counted at a network address. How many counters there were."""
    cleared = connection.execute(
        sign_in_failure.delete().where(sign_in_failure.c.address_key == address_key(address))
    )
    return cleared.rowcount


def _failures(connection: Connection, counter: Counter) -> int:
    failures = connection.execute(
        select(sign_in_failure.c.failures).where(sign_in_failure.c.key == counter.key)
    ).scalar()
    return failures or 0


def _is_open(connection: Connection, email: str, now: datetime) -> bool:
    until = connection.execute(
        select(sign_in_opening.c.opened_until).where(
            sign_in_opening.c.account_key == account_key(email)
        )
    ).scalar()
    # Later than any opening can end: the clock was set back since.
    return until is not None and now < until <= now + OPENED_FOR


def _key(kind: str, value: str) -> str:
    text = f"{kind}:{value}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
