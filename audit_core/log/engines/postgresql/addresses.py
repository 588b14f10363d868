"""The e-mail addresses that a log in PostgreSQL holds, each spelling once.

Behind row-level security no index on a function of a column is used: it might tell of rows that may
not be seen. So the spellings of an address are looked up here by its key, which is stored, and
entries by the spellings.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from audit_core.log.schema import actor_address, audit_entry, unfinished_entry

TABLE = actor_address.name

KEY = actor_address.c.address_key.name

_SPELLINGS = "SELECT DISTINCT organization_id, actor_email FROM {} WHERE actor_email <> ''"
_ADD = f"INSERT INTO {TABLE} (organization_id, actor_email) {_SPELLINGS} ON CONFLICT DO NOTHING"


def make_addresses(connection: Connection) -> None:
    """Make the table, of all entries that there are, each once."""
    for statement in (
        f"CREATE TABLE {TABLE} (organization_id text, actor_email text, "
        "PRIMARY KEY (organization_id, actor_email))",
        *(_ADD.format(table.name) for table in (audit_entry, unfinished_entry)),
    ):
        connection.exec_driver_sql(statement)


def make_keys(connection: Connection) -> None:
    """Store the keys, which the tables of version 4 did not, and find them by an index.

    Its collation is that of `functions.AddressKey`: with another one PostgreSQL would not use it.
    """
    for statement in (
        f"ALTER TABLE {TABLE} ADD COLUMN IF NOT EXISTS {KEY} text "
        'COLLATE "pg_c_utf8" GENERATED ALWAYS AS '
        '(normalize(lower(actor_email COLLATE "pg_c_utf8"), NFC)) STORED',
        f"CREATE INDEX IF NOT EXISTS ix_{TABLE}_{KEY} ON {TABLE} ({KEY})",
    ):
        connection.exec_driver_sql(statement)


def add_addresses(connection: Connection, arriving: str) -> None:
    """Note the spellings of a table of entries that are being stored."""
    connection.exec_driver_sql(_ADD.format(arriving))


def drop_addresses(
    connection: Connection, organization_id: str | None = None, spellings: Collection[str] = ()
) -> None:
    """Forget those of which no entry is left: all, or some of one organization."""
    absent = " AND ".join(
        f"NOT EXISTS (SELECT 1 FROM {table.name} AS entry "  # noqa: S608 - our own names
        f"WHERE entry.organization_id = {TABLE}.organization_id "
        f"AND entry.actor_email = {TABLE}.actor_email)"
        for table in (audit_entry, unfinished_entry)
    )
    statement = f"DELETE FROM {TABLE} WHERE {absent}"  # noqa: S608 - our own names
    if organization_id is None:
        connection.exec_driver_sql(statement)
        return
    connection.exec_driver_sql(
        f"{statement} AND organization_id = %(organization)s AND actor_email = ANY(%(spellings)s)",
        {"organization": organization_id, "spellings": list(spellings)},
    )
