"""The second wall around organizations in PostgreSQL: row-level security.

Every statement is built from a scope; the wall holds also where one was not. It stands on the
tables that hold entries, and on each partition, which could be read by its own name. What a
transaction may see it says by settings of its own; one that says nothing sees nothing.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, and_, func, literal, select, text

from audit_core.domain.access import Scope
from audit_core.domain.errors import SettingsError
from audit_core.log.engines.postgresql.addresses import TABLE
from audit_core.log.schema import (
    Statement,
    audit_entry,
    erased_part,
    log_schema,
    organization_head,
    state_change,
    state_change_head,
    unfinished_entry,
)

READER = "sandtrail_reader"
"""The role of reads where the role of the URL stands above every wall. Roles belong to the whole
server: all logs on it share this one, which may do nothing but what each log grants it."""

EVERY_ORGANIZATION = "sandtrail.every_organization"
ORGANIZATION = "sandtrail.organization"
ACTOR = "sandtrail.actor"
"""`=` and an actor's id; empty for every actor. Settings cannot be unset, only emptied."""

_ORGANIZATION_COLUMN = audit_entry.c.organization_id.name
_ACTOR_COLUMN = audit_entry.c.actor_id.name

# Each setting is read in a SELECT of its own: once for a statement, not once for a row.
_IN_ORGANIZATION = f"""(
    (SELECT current_setting('{EVERY_ORGANIZATION}', true) = 'on')
    OR {_ORGANIZATION_COLUMN} = (SELECT nullif(current_setting('{ORGANIZATION}', true), ''))
)"""
_VISIBLE = f"""{_IN_ORGANIZATION} AND (
    (SELECT coalesce(current_setting('{ACTOR}', true), '') = '')
    OR {_ACTOR_COLUMN} = (SELECT substr(current_setting('{ACTOR}', true), 2))
)"""


def build_wall(connection: Connection, table: str, *, actors: bool = True) -> None:
    """Put a new table that holds entries behind the wall, its owner in front of it too. Without
    `actors` it stands between organizations only."""
    for statement in (
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY wall ON {table} USING ({_VISIBLE if actors else _IN_ORGANIZATION})",
    ):
        connection.exec_driver_sql(statement)


def seen(scope: Scope | None) -> list[ColumnElement[str]]:
    """What sets, for the rest of the transaction, what it sees; `None` is everything."""
    organization_id = scope.organization_id if scope else None
    actor_id = scope.actor_id if scope else None
    return [
        local(EVERY_ORGANIZATION, "on" if organization_id is None else "off"),
        local(ORGANIZATION, organization_id or ""),
        local(ACTOR, "" if actor_id is None else f"={actor_id}"),
    ]


def local(name: str, value: str) -> ColumnElement[str]:
    """What gives a setting a value for the rest of the transaction."""
    return func.set_config(literal(name), literal(value), literal(True))


def reading_role(connection: Connection) -> str | None:
    """The role that reads must take on to be bound by the wall; `None`: they are bound as it is.

    It is made where it is missing. Raises `SettingsError` where that is not possible.
    """
    above = select(text("rolsuper OR rolbypassrls")).select_from(text("pg_roles"))
    if not connection.execute(above.where(text("rolname = current_user"))).scalar():
        return None
    if not _may_take_on(connection):
        connection.exec_driver_sql(_MAKE_READER)
        if not _may_take_on(connection):
            raise SettingsError(
                "The log's URL (SANDTRAIL_LOG_URL) names a role that row-level security does not "
                f"bind, and the role {READER}, which it does bind, cannot be made or taken on.",
                f"Name an ordinary role, or let an administrator run CREATE ROLE {READER} NOLOGIN "
                f"and GRANT {READER} to the role of the URL.",
            )
    entry_tables = (audit_entry, unfinished_entry, organization_head)
    tables = (*entry_tables, state_change, state_change_head, erased_part, log_schema)
    names = [TABLE, *(table.name for table in tables)]
    if _may_read(connection, names):
        return READER
    connection.exec_driver_sql(f"GRANT SELECT ON {', '.join(names)} TO {READER}")
    schema = connection.execute(select(func.quote_ident(func.current_schema()))).scalar()
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO {READER}")
    return READER


def _may_read(connection: Connection, tables: list[str]) -> bool:
    """Whether the role of reads has been given all that it needs."""
    granted = [
        func.has_schema_privilege(READER, func.current_schema(), "USAGE"),
        *(func.has_table_privilege(READER, table, "SELECT") for table in tables),
    ]
    return bool(connection.execute(select(and_(*granted))).scalar())


# Another log on the same server may be opened for the first time at this very moment.
_MAKE_READER = f"""DO $$
BEGIN
    BEGIN
        CREATE ROLE {READER} NOLOGIN;
    EXCEPTION
        WHEN duplicate_object OR unique_violation OR insufficient_privilege THEN NULL;
    END;
    BEGIN
        EXECUTE 'GRANT {READER} TO ' || quote_ident(current_user) || ' WITH SET TRUE';
    EXCEPTION
        WHEN unique_violation OR insufficient_privilege OR undefined_object THEN NULL;
    END;
END $$"""


def _may_take_on(connection: Connection) -> bool:
    statement: Statement = (
        select(text("pg_has_role(oid, 'SET')"))
        .select_from(text("pg_roles"))
        .where(
            text("rolname = :name AND NOT rolsuper AND NOT rolbypassrls").bindparams(name=READER)
        )
    )
    return bool(connection.execute(statement).scalar())
