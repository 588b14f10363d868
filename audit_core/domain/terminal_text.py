"""Text of others on the operator's terminal: shown, never obeyed.

A file name, a log field or a requested path may hold characters that a terminal acts on (escape
sequences, C1 controls), that forge lines (line ends), or that turn text around (bidirectional
marks). They are written out, as Python would write them: an ESC as ``\\x1b``.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping


def printable(text: str) -> str:
    """The text on one line, with all that a terminal would act on written out."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def printable_lines(text: str) -> str:
    """The same for text with line ends of our own, which stay, as tabs do."""
    return "\n".join(
        "\t".join(printable(part) for part in line.split("\t")) for line in text.split("\n")
    )


def _printable(value: object) -> object:
    return printable(value) if isinstance(value, str) else value


class PrintableRecord(logging.LogRecord):
    """A log record whose text is printable, whoever it quotes and whoever writes it."""

    def getMessage(self) -> str:
        """The message; texts that are put into it stay on its line."""
        args = self.args
        if isinstance(args, tuple):
            self.args = tuple(_printable(arg) for arg in args)
        elif isinstance(args, Mapping):
            self.args = {name: _printable(arg) for name, arg in args.items()}
        try:
            return printable_lines(super().getMessage())
        finally:
            self.args = args


def make_logs_printable() -> None:
    """From now on, for every log line of this process, also those of libraries."""

    def printable_record(*args: object, **kwargs: object) -> logging.LogRecord:
        record = PrintableRecord(*args, **kwargs)  # type: ignore[arg-type]  # as logging gives them
        if record.exc_info and not record.exc_text:
            # A formatter takes this text, if there is one, in place of making its own.
            record.exc_text = printable_lines(logging.Formatter().formatException(record.exc_info))
        return record

    logging.setLogRecordFactory(printable_record)
