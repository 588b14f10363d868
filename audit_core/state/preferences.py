"""What an account prefers, like its page size: small texts by name."""

from __future__ import annotations

from sqlalchemy import Connection, select

from audit_core.state.tables import preference


def read_preference(connection: Connection, *, account_id: str, name: str) -> str | None:
    """The kept value; `None` when none was kept."""
    return connection.execute(
        select(preference.c.value).where(
            preference.c.account_id == account_id, preference.c.name == name
        )
    ).scalar()


def keep_preference(connection: Connection, *, account_id: str, name: str, value: str) -> None:
    """Keep a value in place of the one before. The account must exist."""
    changed = connection.execute(
        preference.update()
        .where(preference.c.account_id == account_id, preference.c.name == name)
        .values(value=value)
    )
    if changed.rowcount == 0:
        connection.execute(
            preference.insert().values(account_id=account_id, name=name, value=value)
        )
