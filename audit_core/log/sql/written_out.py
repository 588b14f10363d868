"""Statements written out as text, for people: they are run as they are built, never from this."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import CompileError

from audit_core.log.schema import Statement


def written_out(statement: Statement, log_url: str) -> str:
    """The statement as the engine of a log takes it, with its values in it, without a semicolon;
    where a value cannot be written, its name stands in its place, and the values below."""
    dialect_of: Any = make_url(log_url).get_dialect()
    # With names for parameters, no percent sign of a text is doubled.
    dialect = dialect_of(paramstyle="named")
    try:
        text = str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    except (CompileError, NotImplementedError):
        compiled = statement.compile(dialect=dialect)
        values = (f"-- :{name} = {value!r}" for name, value in compiled.params.items())
        text = "\n".join((str(compiled), *values))
    return "\n".join(line.rstrip() for line in text.splitlines())
