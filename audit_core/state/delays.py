"""How long sign-ins are refused after failures: the rule, and its counters.

An attempt is counted as a failure *before* its password is checked, and taken back when it
was right. So of two parallel guesses the second already meets the delay of the first.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from audit_core.state.tables import sign_in_failure

LONGEST_DELAY = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=24)
"""A counter is removed when its last failure is this long ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """What failures are counted by: one account name, or one network address."""

    key: str
    """A digest, so that the table holds no list of what people typed."""
    tolerated: int
    """How many failures bring no delay."""


def account_counter(email: str) -> Counter:
    """The counter of a normalized e-mail address, whether or not it has an account."""
    return Counter(key=_key("account", email), tolerated=4)


def address_counter(address: str) -> Counter:
    """The counter of a network address; generous, since many people may share one.

    An IPv6 address counts as its /64 network, all of which one machine usually has.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return Counter(key=_key("address", address), tolerated=19)
    if isinstance(parsed, ipaddress.IPv6Address):
        network = ipaddress.ip_network((parsed, 64), strict=False)
        return Counter(key=_key("address", str(parsed.ipv4_mapped or network)), tolerated=19)
    return Counter(key=_key("address", str(parsed)), tolerated=19)


def delay_after(failures: int, *, tolerated: int) -> timedelta:
    """None up to `tolerated` failures, then 1 s, 2 s, 4 s … up to `LONGEST_DELAY`."""
    beyond = failures - tolerated
    if beyond <= 0:
        return timedelta(0)
    return min(timedelta(seconds=2 ** min(beyond - 1, 20)), LONGEST_DELAY)


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
        values = {
            "failures": failures,
            "last_failed_at": now,
            "refused_until": now + delay_after(failures, tolerated=counter.tolerated),
        }
        if before is None:
            connection.execute(sign_in_failure.insert().values(key=counter.key, **values))
        else:
            connection.execute(
                sign_in_failure.update().where(sign_in_failure.c.key == counter.key).values(values)
            )


def forget(connection: Connection, counter: Counter) -> None:
    """Remove a counter: after a right password, the one of the account."""
    connection.execute(sign_in_failure.delete().where(sign_in_failure.c.key == counter.key))


def take_back(connection: Connection, counter: Counter, now: datetime) -> None:
    """Undo the failure that was counted at `now`, keeping those of others.

    The delay goes too, unless another attempt has set a later one meanwhile.
    """
    same = sign_in_failure.c.key == counter.key
    connection.execute(
        sign_in_failure.update().where(same).values(failures=sign_in_failure.c.failures - 1)
    )
    connection.execute(
        sign_in_failure.update()
        .where(same, sign_in_failure.c.last_failed_at == now)
        .values(refused_until=now)
    )


def _key(kind: str, value: str) -> str:
    text = f"{kind}:{value}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
