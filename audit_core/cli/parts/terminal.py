"""The one road from a command to the terminal."""

from __future__ import annotations

import typer

from audit_core.domain.terminal_text import printable_lines


def say(text: str, *, err: bool = False) -> None:
    """Print lines to the standard output, or to the standard error.

    Nothing in them acts on the terminal. What others have written goes through `printable` first
    where it is put into a line, so that it stays on that line.
    """
    typer.echo(printable_lines(text), err=err)
