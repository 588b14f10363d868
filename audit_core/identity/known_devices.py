"""What an account has signed in from before: browsers, by a device cookie, and addresses.

Being known opens nothing. It only decides by which counters a wrong password is judged
(`delays.py`), so that nobody else's guesses delay the person. The cookie holds a random secret, of
which a digest is stored: unlike a signed cookie it can be taken back. A new password, disabling the
account and time take it back.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from audit_core.identity.backoff import address_key
from audit_core.state.secrets import digest, new_secret
from audit_core.state.tables import known_address, known_browser

BROWSER_KNOWN_FOR = timedelta(days=180)
"""After the last sign-in of the account in that browser."""
ADDRESS_KNOWN_FOR = timedelta(days=30)
MAX_BROWSERS = 50
"""Of one account; the one longest unused is forgotten first."""
MAX_ADDRESSES = 200


def is_known_browser(
    connection: Connection, *, account_id: str, browser: str, now: datetime
) -> bool:
    """Whether the account has signed in from the browser that sent this device cookie."""
    found = connection.execute(
        select(known_browser.c.signed_in_at).where(
            known_browser.c.secret_hash == digest(browser),
            known_browser.c.account_id == account_id,
        )
    ).scalar()
    return found is not None and found > now - BROWSER_KNOWN_FOR


def is_known_address(
    connection: Connection, *, account_id: str, address: str, now: datetime
) -> bool:
    """Whether the account has signed in from this network address lately."""
    found = connection.execute(
        select(known_address.c.signed_in_at).where(
            known_address.c.account_id == account_id,
            known_address.c.address_key == address_key(address),
        )
    ).scalar()
    return found is not None and found > now - ADDRESS_KNOWN_FOR


def remember_browser(
    connection: Connection, *, account_id: str, browser: str | None, now: datetime
) -> str:
    """Make a browser known to an account; the secret for its device cookie, always a new one.

    `browser` is the secret that it sent; the accounts that it was known to come along. A cookie
    that somebody has planted in another person's browser so never becomes theirs.
    """
    secret = new_secret()
    table = known_browser
    if browser is not None:
        connection.execute(
            table.update()
            .where(table.c.secret_hash == digest(browser))
            .values(secret_hash=digest(secret))
        )
    row = {"secret_hash": digest(secret), "account_id": account_id}
    connection.execute(table.delete().filter_by(**row))
    connection.execute(table.insert().values(**row, signed_in_at=now))
    connection.execute(table.delete().where(table.c.signed_in_at <= now - BROWSER_KNOWN_FOR))
    beyond = (
        select(table.c.secret_hash)
        .where(table.c.account_id == account_id)
        .order_by(table.c.signed_in_at.desc())
        .offset(MAX_BROWSERS)
    )
    surplus = connection.execute(beyond).scalars().all()
    connection.execute(
        table.delete().where(table.c.account_id == account_id, table.c.secret_hash.in_(surplus))
    )
    return secret


def remember_address(
    connection: Connection, *, account_id: str, address: str, now: datetime
) -> None:
    """Make an address known to an account."""
    table = known_address
    row = {"account_id": account_id, "address_key": address_key(address)}
    connection.execute(table.delete().filter_by(**row))
    connection.execute(table.insert().values(**row, signed_in_at=now))
    connection.execute(table.delete().where(table.c.signed_in_at <= now - ADDRESS_KNOWN_FOR))
    beyond = (
        select(table.c.address_key)
        .where(table.c.account_id == account_id)
        .order_by(table.c.signed_in_at.desc())
        .offset(MAX_ADDRESSES)
    )
    surplus = connection.execute(beyond).scalars().all()
    connection.execute(
        table.delete().where(table.c.account_id == account_id, table.c.address_key.in_(surplus))
    )


def forget_devices(connection: Connection, account_id: str) -> None:
    """Make every browser and address a stranger to the account again."""
    for table in (known_browser, known_address):
        connection.execute(table.delete().where(table.c.account_id == account_id))
