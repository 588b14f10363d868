"""Numbers of their organization for entries of the embedded log that were stored without them.

`begin` notes the number of every entry in a table of its own, since only a look at the whole log
tells it; `number_some` writes a part of them into the entries and forgets them. Both keep memory
bounded, and a log that was killed meanwhile goes on with what is still noted.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    MetaData,
    Table,
    delete,
    func,
    insert,
    inspect,
    select,
    text,
    union_all,
    update,
)

from audit_core.log.schema import audit_entry, unfinished_entry

AT_ONCE = 1_000_000
"""How many entries are numbered in one transaction."""

unnumbered = Table(
    "unnumbered",
    MetaData(),
    Column("seq", BigInteger, nullable=False),
    Column("organization_seq", BigInteger, nullable=False),
    Column("organization_revision", BigInteger, nullable=False),
)
"""What is to be written; there only while a log is being numbered."""

_TABLES = (audit_entry, unfinished_entry)
_NEW = ("organization_seq", "organization_revision")


def begin(connection: Connection) -> None:
    """Add the columns, and note what is to stand in them."""
    for table in _TABLES:
        for name in _NEW:
            connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {name} BIGINT"))
    unnumbered.create(connection)
    both = union_all(
        *(select(table.c.organization_id, table.c.seq, table.c.revision) for table in _TABLES)
    ).subquery("stored")
    own, column = both.c.organization_id, both.c
    numbers = (
        column.seq,
        *(
            func.row_number().over(partition_by=own, order_by=order)
            for order in (column.seq, column.revision)
        ),
    )
    connection.execute(
        insert(unnumbered).from_select(unnumbered.c.keys(), select(*numbers).order_by(column.seq))
    )


def number_some(connection: Connection) -> bool:
    """Number the next `AT_ONCE` entries, the oldest first; `False` if there are none."""
    if not inspect(connection).has_table(unnumbered.name):
        return False
    seq = unnumbered.c.seq
    following = select(seq).order_by(seq).limit(AT_ONCE).subquery("following")
    last = connection.execute(select(func.max(following.c.seq))).scalar()
    if last is None:
        unnumbered.drop(connection)
        for table in _TABLES:
            for name in _NEW:
                connection.execute(text(f"ALTER TABLE {table.name} ALTER {name} SET NOT NULL"))
        return False
    # As a subquery: the engine then joins what is to be written, and no more.
    part = select(unnumbered).where(seq <= last).subquery("part")
    for table in _TABLES:
        connection.execute(
            update(table)
            .where(table.c.seq == part.c.seq, table.c.seq <= last)
            .values({name: part.c[name] for name in _NEW})
        )
    connection.execute(delete(unnumbered).where(seq <= last))
    return True
