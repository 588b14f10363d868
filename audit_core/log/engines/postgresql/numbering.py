"""Numbers of their organization for entries in PostgreSQL that were stored without them.

`begin` notes the number of every entry in a table of its own; `number_some` writes one partition
anew with them, which leaves no dead rows behind and builds its indexes at once. A log that was
killed meanwhile goes on with the partitions that are left.

The columns have no default from the first transaction on: a program of an older version that still
runs is refused when it appends.
"""

from __future__ import annotations

from sqlalchemy import Connection, inspect, select, text

from audit_core.log.engines.postgresql.partitions import attach, detach, make_partition, partitions
from audit_core.log.engines.postgresql.row_security import local
from audit_core.log.schema import audit_entry, organization_head, unfinished_entry

UNNUMBERED = "unnumbered"
"""Entries by `seq`, with what is to stand in them; there only while a log is being numbered."""

UNNUMBERED_PARTITION = "unnumbered_partition"
"""The names of the partitions that are left."""

_TABLES = (audit_entry, unfinished_entry, organization_head)
_NEW = ("organization_seq", "organization_revision")
_SETTINGS = {
    "enable_seqscan": "on",
    "enable_hashjoin": "on",
    "enable_mergejoin": "on",
    "work_mem": "128MB",
}
"""The turn of a writer has settings for few keys; here everything is read."""


def begin(connection: Connection) -> None:
    """Add the columns, and note what is to stand in them. Unfinished entries, which are few, and
    heads get it at once."""
    _settle(connection)
    for table in _TABLES:
        for change in (
            "ADD COLUMN {} BIGINT NOT NULL DEFAULT 0",
            "ALTER COLUMN {} DROP DEFAULT",
        ):
            changes = ", ".join(change.format(name) for name in _NEW)
            _run(connection, f"ALTER TABLE {table.name} {changes}")
    both = " UNION ALL ".join(
        f"SELECT organization_id, seq, revision FROM {table.name}"  # noqa: S608 - our own names
        for table in (audit_entry, unfinished_entry)
    )
    _run(
        connection,
        f"CREATE TABLE {UNNUMBERED} AS SELECT organization_id, seq, "  # noqa: S608
        "row_number() OVER (PARTITION BY organization_id ORDER BY seq) AS organization_seq, "
        "row_number() OVER (PARTITION BY organization_id ORDER BY revision) "
        f"AS organization_revision FROM ({both}) AS stored",
    )
    _run(connection, f"ALTER TABLE {UNNUMBERED} ADD PRIMARY KEY (seq)")
    _run(
        connection,
        f"UPDATE {unfinished_entry.name} AS entry "  # noqa: S608
        f"SET {', '.join(f'{name} = numbers.{name}' for name in _NEW)} "
        f"FROM {UNNUMBERED} AS numbers WHERE numbers.seq = entry.seq",
    )
    _run(
        connection,
        f"UPDATE {organization_head.name} AS head "  # noqa: S608
        f"SET {', '.join(f'{name} = counted.entries' for name in _NEW)} "
        f"FROM (SELECT organization_id, count(*) AS entries FROM {UNNUMBERED} "
        "GROUP BY organization_id) AS counted "
        "WHERE counted.organization_id = head.organization_id",
    )
    _run(connection, f"CREATE TABLE {UNNUMBERED_PARTITION} (name TEXT PRIMARY KEY)")
    connection.execute(
        text(f"INSERT INTO {UNNUMBERED_PARTITION} VALUES (:name)"),  # noqa: S608
        [{"name": name} for name in partitions(connection)],
    )


def under_way(connection: Connection) -> bool:
    """Whether entries are left to be numbered."""
    return inspect(connection).has_table(UNNUMBERED_PARTITION)


def number_some(connection: Connection) -> bool:
    """Write the next partition anew; `False` if none is left. In its turn among the writers."""
    if not inspect(connection).has_table(UNNUMBERED):
        return False
    name = connection.execute(
        text(f"SELECT min(name) FROM {UNNUMBERED_PARTITION}")  # noqa: S608
    ).scalar()
    if name is None:
        _run(connection, f"DROP TABLE {UNNUMBERED}, {UNNUMBERED_PARTITION}")
        return False
    _settle(connection)
    before = f"{name}_{UNNUMBERED}"
    detach(connection, name)
    _run(connection, f"ALTER TABLE {name} RENAME TO {before}")
    make_partition(connection, name)
    columns = audit_entry.c.keys()
    values = (f"numbers.{name}" if name in _NEW else f"entry.{name}" for name in columns)
    # In order of arrival, as they were: the index of `seq` depends on it.
    _run(
        connection,
        f"INSERT INTO {name} ({', '.join(columns)}) "  # noqa: S608 - our own names
        f"SELECT {', '.join(values)} FROM {before} AS entry "
        f"JOIN {UNNUMBERED} AS numbers ON numbers.seq = entry.seq ORDER BY entry.seq",
    )
    _run(connection, f"DROP TABLE {before}")
    attach(connection, name)
    connection.execute(
        text(f"DELETE FROM {UNNUMBERED_PARTITION} WHERE name = :name"),  # noqa: S608
        {"name": name},
    )
    return True


def _settle(connection: Connection) -> None:
    connection.execute(select(*(local(name, value) for name, value in _SETTINGS.items())))


def _run(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement)
