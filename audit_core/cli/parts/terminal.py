"""The one road from a command to the terminal, and what is read from the input."""

from __future__ import annotations

from datetime import datetime

import typer

from audit_core.domain.terminal_text import printable_lines


def say(text: str, *, err: bool = False) -> None:
    """Print lines to the standard output, or to the standard error.

    Nothing in them acts on the terminal. What others have written goes through `printable` first
    where it is put into a line, so that it stays on that line.
    """
    typer.echo(printable_lines(text), err=err)


def first_line() -> str:
    """The first line of the standard input, without its end: for secrets, which are no arguments,
    since everybody on the machine reads those. Empty if there is none."""
    return typer.get_text_stream("stdin").readline().rstrip("\r\n")


def utc_minute(at: datetime) -> str:
    """A time as commands list it, such as `2026-11-29 10:05 UTC`."""
    return f"{at:%Y-%m-%d %H:%M} UTC"
