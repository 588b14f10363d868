"""The command line in this process: all that `python -m audit_core` does, but for the start; and
which commands there are."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from typing import Any
from unittest.mock import patch

import typer

from audit_core.__main__ import app, main


def run_here(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command with the settings of this process; how it ended, and what it wrote."""
    output, errors = io.StringIO(), io.StringIO()
    factory, hook, mask = logging.getLogRecordFactory(), sys.excepthook, os.umask(0o077)
    code: object = 0
    try:
        with (
            patch.object(sys, "argv", ["audit_core", *words]),
            redirect_stdout(output),
            redirect_stderr(errors),
        ):
            main()
    except SystemExit as end:
        code = end.code
    finally:
        logging.setLogRecordFactory(factory)
        sys.excepthook = hook
        os.umask(mask)
    return subprocess.CompletedProcess(
        words, int(str(code or 0)), output.getvalue(), errors.getvalue()
    )


def commands(command: Any = None, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every command by its whole name, or those below one."""
    known = typer.main.get_command(app) if command is None else command
    if not hasattr(known, "commands"):
        yield name, known
    for word, below in getattr(known, "commands", {}).items():
        yield from commands(below, f"{name} {word}".strip())
