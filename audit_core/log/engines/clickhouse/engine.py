"""ClickHouse: a log on a server or a cluster, shared by several processes.

It has no transactions: an append is one insert, which is acknowledged when it is on the disk. If
it spans several partitions and breaks off, some of it may be there: sending it again stores the
rest.
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pyarrow as pa
from sqlalchemy import (
    Connection,
    CursorResult,
    Engine,
    Table,
    create_engine,
    event,
    func,
    literal_column,
    select,
)
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.exc import DBAPIError, NoSuchModuleError

from audit_core.domain.access import Scope
from audit_core.domain.errors import SettingsError
from audit_core.log.engines.clickhouse import lost_numbers
from audit_core.log.engines.clickhouse import numbering as numbering
from audit_core.log.engines.clickhouse import state_changes as changes_ddl
from audit_core.log.engines.clickhouse import tables as ddl
from audit_core.log.engines.clickhouse.driver import AS_ARROW, NAME, register
from audit_core.log.engines.clickhouse.faults import ACCESS_DENIED, fault_of
from audit_core.log.engines.clickhouse.lease import table as lease_table
from audit_core.log.engines.clickhouse.rewriting import write_anew
from audit_core.log.engines.clickhouse.turn import WriterTurn
from audit_core.log.engines.engine import LogEngine, found_rows
from audit_core.log.engines.postgresql.arrow_rows import driver_errors
from audit_core.log.numbering import NO_HEAD, Head
from audit_core.log.retention import Expiry
from audit_core.log.schema import (
    FOUND,
    KEY,
    Statement,
    audit_entry,
    log_check,
    log_schema,
    organization_head,
    state_change,
)
from audit_core.runtime.database_faults import Fault

SESSION = {
    # Versions of an entry are one entry; all of them have the same time, so the same partition.
    "final": 1,
    "do_not_merge_across_partitions_select_final": 1,
    # As the standard has it: no rows have no earliest time, and an outer NULL is none of a group.
    "aggregate_functions_null_for_empty": 1,
    "group_by_use_nulls": 1,
    "join_use_nulls": 1,
    # What a statement names once and uses often is otherwise worked out for each use.
    "enable_materialized_cte": 1,
    "output_format_arrow_string_as_string": 1,
    "output_format_arrow_low_cardinality_as_dictionary": 0,
    # A filter may list many long values.
    "max_query_size": 16 * 2**20,
    # Acknowledged means stored, and times may lie anywhere.
    "async_insert": 0,
    "max_partitions_per_insert_block": 0,
}
"""The settings of every session."""

ON_CLUSTER = {"distributed_foreground_insert": 1, "insert_quorum": "auto"}
"""An insert is acknowledged once a majority of the replicas of each shard has it."""

EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
WRITERS = 2**14
TICK = timedelta(microseconds=16)
"""Numbers are ticks of the clock since `EPOCH`, each with room for `WRITERS`, of which every log
that is opened draws one. They have 18 digits until 2050."""

_LABEL = "log_comment"
"""The setting by which a statement is found again that is to be ended."""

_FEW = 1000
"""Of how many values an index tells more than it costs."""


class ClickHouse(LogEngine):
    """ClickHouse by the driver clickhouse-connect; `?cluster=NAME` in the URL spreads the log over
    a cluster, `?interface=chdb&path=FOLDER` runs the engine within this process."""

    def __init__(self, url: URL) -> None:
        cluster = url.query.get("cluster")
        if isinstance(cluster, tuple):
            raise SettingsError("The log's URL names several clusters.", "Name one: ?cluster=NAME.")
        super().__init__(
            url.difference_update_query(["cluster"]).set(database=url.database or "default")
        )
        self._cluster = cluster or None
        self._within = url.query.get("interface") == "chdb"
        self._writer = secrets.randbelow(WRITERS)
        self._turn = WriterTurn(self._forget_doubles)

    def create_engine(self, *, memory_limit_mb: int) -> Engine:
        """Makes the database first, if it may: the driver connects to none that is missing."""
        settings: dict[str, object] = {**SESSION, **(ON_CLUSTER if self._cluster else {})}
        arguments: dict[str, object] = {}
        if self._within:
            settings["max_memory_usage"] = memory_limit_mb * 2**20
        else:
            # An error late in an answer must not look like one.
            settings["wait_end_of_query"] = 1
            arguments["autogenerate_session_id"] = False
            # What takes longer, the server stops.
            arguments["send_receive_timeout"] = 900
        arguments |= {f"ch_{name}": value for name, value in settings.items()}
        register()
        url = self.url.set(drivername=NAME.replace(".", "+"))
        try:
            self._make_database(url)
            engine = create_engine(
                url,
                connect_args=arguments,
                pool_size=8,
                max_overflow=24,
                pool_timeout=10,
                hide_parameters=True,
            )
        except (ImportError, NoSuchModuleError) as error:
            raise SettingsError(
                "The driver for ClickHouse is not installed.",
                "Install it into .venv: pip install clickhouse-connect.",
            ) from error
        event.listen(engine, "handle_error", _discard)
        return engine

    def prepare_schema(self, connection: Connection) -> int | None:
        """By DDL of its own."""
        _run(connection, ddl.version_table(self._cluster))
        found: int | None = connection.execute(select(func.max(log_schema.c.version))).scalar()
        return found

    def prepare(self, connection: Connection, *, now: datetime) -> None:
        """By DDL of its own: see `clickhouse_tables`."""
        statements = (*ddl.tables(self._cluster), *changes_ddl.tables(self._cluster))
        for statement in (*statements, lease_table(self._cluster)):
            _run(connection, statement)

    @contextmanager
    def reading(
        self, connection: Connection, scope: Scope | None, *, timeout_s: float
    ) -> Iterator[None]:
        """The server stops it."""
        connection.execution_options(
            settings={"max_execution_time": timeout_s, _LABEL: secrets.token_hex(16)}
        )
        yield

    def interrupter(self, connection: Connection) -> Callable[[], None]:
        """By a statement on another connection; within this process, where one statement runs at
        a time, the time limit alone ends it."""
        if self._within:
            return lambda: None
        engine = connection.engine
        label = connection.get_execution_options()["settings"][_LABEL]

        def interrupt() -> None:
            with engine.connect() as other:
                _run(other, f"KILL QUERY WHERE Settings['{_LABEL}'] = '{label}' ASYNC")

        return interrupt

    def fetch(self, connection: Connection, statement: Statement) -> pa.Table:
        """Without a Python object per cell."""
        return _arrow(connection, statement)

    def begin_numbering(self, connection: Connection) -> None:
        """See `clickhouse_numbering`."""
        for statement in numbering.begin(self._cluster):
            _run(connection, statement)

    def number_some(self, connection: Connection) -> bool:
        """See `clickhouse_numbering`."""
        if not _run(connection, numbering.exists()).scalar():
            return False
        (found,) = _run(connection, numbering.next_partition())
        partition, left = int(found.part), int(found.left)
        statements = (
            numbering.number(partition, self._cluster) if left else [numbering.end(self._cluster)]
        )
        for statement in statements:
            _run(connection, statement)
        return bool(left)

    def own_heads(
        self, connection: Connection, organizations: Collection[str], known: Mapping[str, Head]
    ) -> dict[str, Head]:
        """As they were when the lease began, and moved since by this process alone."""
        return {
            organization: self._turn.heads.get(organization, NO_HEAD)
            for organization in organizations
        }

    def numbers(self, connection: Connection, *, after: int, now: datetime) -> Iterator[int]:
        """In its turn by `turn`. By the clock, but above what is committed: clocks of
        several machines differ."""
        highest = max(after, self._turn.begin(connection))
        tick = max((now - EPOCH) // TICK, highest // WRITERS + 1)
        return count(tick * WRITERS + self._writer, WRITERS)

    def existing(self, connection: Connection, arriving: pa.Table) -> pa.Table:
        """By the hash of the ids, which is one narrow column to look through, and for few also by
        the index of ids. Which version counts is told here: FINAL would read every id."""
        if not arriving.num_rows:
            return FOUND.empty_table()
        organizations, ids = (set(arriving.column(name).to_pylist()) for name in KEY)
        column = audit_entry.c
        hashes = ", ".join({str(zlib.crc32(id.encode())) for id in ids})
        statement = (
            select(*(column[name] for name in (*KEY, *FOUND.names[1:])))
            .where(literal_column(f"{ddl.ID_HASH} IN ({hashes})"))
            # Numbering writes an entry once more with the same version: then the numbered one.
            .order_by(literal_column(ddl.VERSION), column.organization_seq)
        )
        if len(ids) <= _FEW:
            statement = statement.where(column.id.in_(ids))
        if len(organizations) <= _FEW:
            statement = statement.where(column.organization_id.in_(sorted(organizations)))
        rows = _arrow(connection, statement, final=0)
        columns = (rows.column(name).to_pylist() for name in rows.column_names)
        return found_rows(
            arriving,
            {(organization, id): rest for organization, id, *rest in zip(*columns, strict=True)},
        )

    def insert(self, connection: Connection, table: Table, rows: pa.Table) -> None:
        """Into one table, finished or not: a later version takes the place of an earlier one."""
        if rows.num_rows:
            self._insert(connection, audit_entry, rows)

    def _insert(self, connection: Connection, table: Table, rows: pa.Table) -> None:
        driver: Any = connection.connection.driver_connection
        with driver_errors(connection, invalidates=True):
            driver.client.insert_arrow(table.name, rows)

    def insert_changes(self, connection: Connection, rows: pa.Table) -> None:
        """The same change twice is one row; a view keeps the heads."""
        self._insert(connection, state_change, rows)

    def replace_values(self, connection: Connection, before: pa.Table, after: pa.Table) -> None:
        """As rows of the same versions: of these the last one counts."""
        self._insert(connection, audit_entry, after)

    def write_anew(
        self, engine: Engine, months: Sequence[datetime], clock: Callable[[], datetime]
    ) -> None:
        """See `rewriting`."""
        write_anew(engine, months, clock, self._cluster)

    def forget_unfinished(self, connection: Connection, seqs: list[int]) -> None:
        """The finished version takes its place."""

    def forget_retimed(self, connection: Connection, stored: pa.Table) -> None:
        """The time is part of the key, so the new row has not taken its place. Only after the
        insert: cut off in between, the entry is there twice until the next turn, and never lost."""
        for statement in ddl.delete_rows(
            [
                (seq, created_at.replace(tzinfo=UTC))
                for seq, created_at in zip(
                    *(stored.column(name).to_pylist() for name in ("seq", "created_at")),
                    strict=True,
                )
            ],
            self._cluster,
        ):
            _run(connection, statement)

    def _forget_doubles(self, connection: Connection) -> None:
        doubles = lost_numbers.doubles(connection)
        self.forget_retimed(connection, doubles)

    def keep_heads(self, connection: Connection, heads: Mapping[str, Head]) -> None:
        """A view has kept them; the append is over."""
        self._turn.end(connection, heads)

    def raise_heads(self, connection: Connection, heads: Mapping[str, Head]) -> None:
        """Reads take the highest."""
        self._settle(connection, heads)
        self._turn.end(connection, heads)

    def _settle(self, connection: Connection, heads: Mapping[str, Head]) -> None:
        rows = lost_numbers.settled_rows(heads)
        if rows:
            self._insert(connection, organization_head, pa.Table.from_pylist(rows))

    def let_go(self, engine: Engine) -> None:
        """The lease."""
        self._turn.let_go(engine)

    def touch(self, connection: Connection, now: datetime) -> None:
        """Each row takes the place of the one before it."""
        connection.execute(log_check.insert().values(checked_at=now))

    def drop_expired(self, connection: Connection, expiry: Expiry) -> None:
        """Whole partitions; only those rows one by one that have no partition of their own, or
        whose month another organization holds.

        A TTL of the table would go by the server's clock, at a time of its choosing, and cannot
        hold times after 2106.
        """
        if _run(connection, changes_ddl.count_expired(expiry)).scalar():
            _run(connection, changes_ddl.delete_expired(expiry, self._cluster))
        old = [
            partition
            for partition in self._partitions(connection)
            if partition < ddl.partition_before(expiry.earliest)
        ]
        whole = [partition for partition in old if ddl.goes_whole(partition, expiry)]
        parts = [
            partition
            for partition in old
            if partition not in whole
            and _run(connection, ddl.count_expired(partition, expiry)).scalar()
        ]
        if whole or parts:
            self._settle(connection, lost_numbers.found_heads(connection))
        for partition in whole:
            _run(connection, ddl.drop_partition(partition, self._cluster))
        for partition in parts:
            _run(connection, ddl.delete_expired(partition, expiry, self._cluster))

    def fault(self, error: DBAPIError) -> Fault:
        """See `faults`."""
        return fault_of(error)

    def _make_database(self, url: URL) -> None:
        name = self.url.database or "default"
        engine = create_engine(url.set(database="default"), hide_parameters=True)
        try:
            with engine.connect() as connection:
                _run(connection, ddl.database(name, self._cluster))
        except DBAPIError as error:
            # It may be there already: then the right to make one is not needed.
            if getattr(error.orig, "code", None) != ACCESS_DENIED:
                raise
        finally:
            engine.dispose()

    def _partitions(self, connection: Connection) -> list[int]:
        found = _run(connection, ddl.partitions(self._cluster))
        return sorted(int(partition) for (partition,) in found)


def _discard(context: ExceptionContext) -> None:
    """Let go of the connection: within this process, one that has met an error answers the next
    statement wrongly."""
    context.is_disconnect = True
    context.invalidate_pool_on_disconnect = False


def _run(connection: Connection, statement: str) -> CursorResult[Any]:
    return connection.exec_driver_sql(statement.replace("%", "%%"))


def _arrow(connection: Connection, statement: Statement, **settings: float) -> pa.Table:
    kept = connection.get_execution_options().get("settings", {})
    result = connection.execute(
        statement, execution_options={AS_ARROW: True, "settings": {**kept, **settings}}
    )
    table: pa.Table = result.cursor.arrow_table
    result.close()
    return table
