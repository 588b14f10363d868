"""What the tables of the state are made of, for SQLite and PostgreSQL alike."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, MetaData, String, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class FreeText(TypeDecorator[str]):
    """Text that came from outside, made storable everywhere.

    NUL becomes U+2400, because PostgreSQL refuses it; a lone surrogate becomes "?".
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The text to store."""
        if value is None:
            return None
        return value.replace("\0", "\u2400").encode("utf-8", "replace").decode("utf-8")


# SQLite counts up only in a column declared exactly INTEGER.
Counter = BigInteger().with_variant(Integer, "sqlite")
RandomId = String(32)
Digest = String(64)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
