"""Commands are imported when they are called: who asks for one does not wait for all of them."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"alembic", "duckdb", "pandas", "pyarrow", "sigma", "sqlalchemy", "starlette"}


@pytest.mark.parametrize(
    ("words", "spared"),
    [
        (("--version",), HEAVY),
        (("acount",), HEAVY),
        (("verify", "--no-such-option"), {"alembic", "duckdb", "pandas", "sigma", "sqlalchemy"}),
        (("account", "add", "--no-such-option"), {"pandas", "sigma"}),
        (("export", "--no-such-option"), {"pandas", "sigma", "starlette"}),
    ],
)
def test_a_command_spares_what_it_does_not_need(words: tuple[str, ...], spared: set[str]) -> None:
    code = (
        f"import sys; sys.argv = ['audit_core', *{words!r}]\n"
        "from audit_core.__main__ import main\n"
        "try: main()\n"
        f"finally: print('loaded', *({HEAVY!r} & set(sys.modules)))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    ).stdout
    _, marked, loaded = said.rpartition("loaded")
    assert marked
    assert not spared & set(loaded.split())
