"""ClickHouse's dialect of SQLAlchemy, with times to the microsecond and answers as Arrow."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from datetime import datetime
from typing import Any

import pyarrow as pa
from clickhouse_connect.cc_sqlalchemy.dialect import ClickHouseDialect
from clickhouse_connect.driver.exceptions import OperationalError
from sqlalchemy import DateTime
from sqlalchemy.dialects import registry
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import sqltypes
from sqlalchemy.types import TypeEngine

NAME = "clickhousedb.sandtrail"
"""What `register` registers."""

AS_ARROW = "sandtrail_as_arrow"
"""The execution option that leaves the answer as an Arrow table: `cursor.arrow_table`."""


class _Microseconds(DateTime):
    """The driver's own way leaves microseconds out of what is compared with."""

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], str | None]:
        return _written

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        return _without_zone


def _written(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat(sep=" ", timespec="microseconds")


def _without_zone(value: datetime | None) -> datetime | None:
    return None if value is None else value.replace(tzinfo=None)


class ArrowDialect(ClickHouseDialect):
    """The driver's dialect; with `AS_ARROW` no cell becomes a Python object."""

    supports_statement_cache = False
    """As its base says."""
    colspecs: MutableMapping[type[TypeEngine[Any]], type[TypeEngine[Any]]] = {  # noqa: RUF012
        sqltypes.DateTime: _Microseconds
    }

    @classmethod
    def import_dbapi(cls) -> Any:
        """As its base: it must stand here as well."""
        return super().import_dbapi()  # type: ignore[no-untyped-call]

    def do_execute(self, cursor: Any, statement: Any, parameters: Any, context: Any = None) -> None:
        """As its base, but for `AS_ARROW`."""
        if context is None or not context.execution_options.get(AS_ARROW):
            super().do_execute(cursor, statement, parameters, context)  # type: ignore[no-untyped-call]
            return
        settings = self._ch_query_settings(context) or {}
        if settings:
            written = ", ".join(f"{name} = {value!r}" for name, value in settings.items())
            statement = f"{statement}\n SETTINGS {written}"
        answer = cursor.client.raw_query(statement, parameters, fmt="ArrowStream")
        try:
            with pa.ipc.open_stream(answer) as stream:
                cursor.arrow_table = table = _plain(stream.read_all())
        except pa.ArrowException as error:
            raise OperationalError("The answer broke off.") from error
        cursor.data = []
        cursor.names = table.column_names
        cursor.types = [None] * len(table.column_names)


def _plain(table: pa.Table) -> pa.Table:
    """As all engines give it: signed integers, and times without a zone."""
    return table.cast(
        pa.schema([pa.field(field.name, _plain_type(field.type)) for field in table.schema])
    )


def _plain_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us")
    if pa.types.is_unsigned_integer(kind):
        return pa.int64()
    return kind


def register() -> None:
    """Make the dialect known by `NAME`."""
    registry.register(NAME, __name__, ArrowDialect.__name__)
