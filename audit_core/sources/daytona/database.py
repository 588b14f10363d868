"""The table `audit_log` of a self-hosted Daytona's PostgreSQL, asked as its API is asked.

Rows come as the server's own JSON, whose names are those of the API, in the order of time and id
and with all microseconds; columns that are not known here come along, as new fields of the API do.
Nothing is written there: the session is read-only, and each answer is one short transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    Text,
    cast,
    column,
    create_engine,
    func,
    literal,
    literal_column,
    select,
    table,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.types import DateTime, Uuid

from audit_core.domain.errors import AuditError, SettingsError
from audit_core.runtime.database_faults import (
    REPORTER,
    Database,
    Fault,
    described_error,
    fault_of_postgresql,
)
from audit_core.sources.daytona.client import Answer, Request
from audit_core.sources.problems import RequestRefused, SourceUnavailable

TABLE = "audit_log"
PAGE_SIZE = 4_000
"""How many rows are read at once. Each page is a commit: with fewer there are too many of them."""
STATEMENT_MS, IDLE_MS, LOCK_MS, CONNECT_S = 60_000, 30_000, 5_000, 10
"""How long a statement, a transaction between statements, and waiting for a lock or a connection
may take: nothing of Daytona's own waits for longer."""
ENOUGH = 100_000
"""Of a long time with more rows their number is not counted: it is cut in halves anyway."""
LONG = timedelta(minutes=2)
"""What is not longer is counted exactly, since totals of minutes are compared."""

_ROWS = table(
    TABLE,
    column("createdAt", DateTime(timezone=True)),
    column("id", Uuid()),
    column("organizationId", Text()),
)
_PASSING = frozenset(
    {Fault.STOPPED, Fault.REFUSED, Fault.UNKNOWN_HOST, Fault.NO_ANSWER, Fault.BUSY}
)
"""What may be over when it is tried again."""
_NO_TABLE, _NO_COLUMN = "42P01", "42703"


class DaytonaDatabase:
    """The rows of one organization; `None`: of all. Not to be used by two threads at once.

    Raises `SettingsError` for a URL that names no PostgreSQL database; it is not repeated, since it
    may hold a password.
    """

    def __init__(self, url: str, organization_id: str | None) -> None:
        self._url = _read_url(url)
        self._organization_id = organization_id
        self._engine = _engine(self._url)

    @property
    def name(self) -> str:
        """What it is called in messages and on record: the database and its host, no role."""
        host = self._url.host or self._url.query.get("host") or "this machine"
        port = f":{self._url.port}" if self._url.port else ""
        return f"{self._url.database or self._url.username or ''} on {host}{port}"

    def ask(self, request: Request) -> Answer:
        """The answer to one request, as `DaytonaClient.ask` gives it.

        Raises `SourceUnavailable` for what may pass by itself, else `RequestRefused`.
        """
        try:
            with self._engine.connect() as connection, connection.begin():
                return self._answer(connection, request)
        except DBAPIError as error:
            raise self._translated(error) from error

    def close(self) -> None:
        """Let go of the connection."""
        self._engine.dispose()

    def _answer(self, connection: Connection, request: Request) -> Answer:
        conditions = list(self._conditions(request))
        counted: Select[Any] = select(literal_column("1")).select_from(_ROWS).where(*conditions)
        if _is_long(request):
            counted = counted.limit(ENOUGH)
        total, now = connection.execute(
            select(func.count(), func.now()).select_from(counted.subquery("counted"))
        ).one()
        items: list[str] = []
        if request.max_total is None or total <= request.max_total:
            items = list(connection.execute(_page(conditions, request)).scalars())
        body = f'{{"items":[{",".join(items)}],"total":{total}}}'
        return Answer(body=body.encode(), server_time=now)

    def _conditions(self, request: Request) -> Iterable[ColumnElement[bool]]:
        row = _ROWS.c
        if self._organization_id is not None:
            yield row.organizationId == self._organization_id
        if request.since is not None:
            yield row.createdAt >= request.since
        if request.until is not None:
            yield row.createdAt <= request.until
        if request.ids:
            yield row.id.in_([found for item in request.ids if (found := _uuid_of(item))])

    def _translated(self, error: DBAPIError) -> AuditError:
        cause = error.orig or error
        REPORTER.report(self.name, cause, password=self._url.password)
        state = getattr(error.orig, "sqlstate", None)
        if state in (_NO_TABLE, _NO_COLUMN):
            return RequestRefused(
                f"The database {self.name} has no table {TABLE} as Daytona makes it.",
                "Name Daytona's own database in the URL, and its schema if that is another than "
                "public: ?options=-csearch_path%3DNAME.",
            )
        fault = fault_of_postgresql(state, str(cause))
        if fault is Fault.OTHER and state is None:
            fault = Fault.NO_ANSWER
        told = described_error(
            fault,
            Database(
                thing=f"Daytona's database {self.name}",
                setting="the URL",
                backup="as Daytona's manual says",
            ),
        )
        kind = SourceUnavailable if fault in _PASSING else RequestRefused
        return kind(told.message, told.hint)


def _read_url(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise SettingsError(
            "That is no URL of a PostgreSQL database.",
            "Write it like postgresql://reader@host/daytona. Leave the password out: it is taken "
            "from PGPASSWORD or from ~/.pgpass.",
        )
    return parsed.set(drivername="postgresql+psycopg")


def _engine(url: URL) -> Engine:
    given = url.query.get("options", "")
    options = {
        "default_transaction_read_only": "on",
        "statement_timeout": str(STATEMENT_MS),
        "idle_in_transaction_session_timeout": str(IDLE_MS),
        "lock_timeout": str(LOCK_MS),
        "timezone": "UTC",
    }
    required = " ".join(f"-c {name}={value}" for name, value in options.items())
    return create_engine(
        url.difference_update_query(["options"]),
        connect_args={
            "connect_timeout": CONNECT_S,
            "application_name": "sandtrail",
            "client_encoding": "utf8",
            "prepare_threshold": None,
            "options": f"{given if isinstance(given, str) else ' '.join(given)} {required}",
        },
        # Both statements of an answer see one moment.
        isolation_level="REPEATABLE READ",
        pool_size=1,
        max_overflow=0,
        pool_pre_ping=True,
        hide_parameters=True,
    )


def _page(conditions: list[ColumnElement[bool]], request: Request) -> Select[str]:
    row = cast(func.row_to_json(literal_column(TABLE)), Text)
    return (
        select(row)
        .select_from(_ROWS)
        .where(*conditions)
        .order_by(_ROWS.c.createdAt, _ROWS.c.id)
        .limit(request.limit)
        .offset(literal((request.page - 1) * request.limit))
    )


def _is_long(request: Request) -> bool:
    if request.since is None or request.until is None:
        return not request.ids
    return request.until - request.since > LONG


def _uuid_of(text: str) -> uuid.UUID | None:
    """The id as the database has it; entries of another source may have any."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
