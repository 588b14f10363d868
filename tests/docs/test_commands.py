"""The command line as the documents tell it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.docs.documents import DOCUMENTS, document, named
from tests.support.command_line import commands

_CALL = re.compile(r"(?:sandtrail|python -m audit_core) ((?:[a-z-]+)(?: [a-z-]+){0,2})([^`|\n]*)")
_CONTINUED = re.compile(r"\\\n\s+")


OPTIONS = {
    name: {"--help", *(option for item in command.params for option in item.opts)}
    for name, command in commands()
}


def test_the_table_of_commands_lists_every_command_once() -> None:
    told = re.findall(r"^\| `sandtrail ([a-z -]+)` \|", document("docs/operations.md"), re.M)
    assert sorted(told) == sorted(OPTIONS)


def test_every_command_line_that_is_written_down_would_be_understood() -> None:
    wrong = [
        (named(path), line)
        for path in DOCUMENTS
        for line in calls(path.read_text(encoding="utf-8"))
        if not understood(line)
    ]
    assert wrong == []


def calls(text: str) -> Iterator[str]:
    """Every call of a command, on one line each, with what stands between backticks after it."""
    for words, rest in _CALL.findall(_CONTINUED.sub(" ", text)):
        if words.split()[0] in {name.split()[0] for name in OPTIONS}:
            yield f"{words}{rest}"


def understood(line: str) -> bool:
    words = line.split()
    first = [" ".join(words[:number]) for number in (3, 2, 1)]
    name = next((item for item in first if item in OPTIONS), None)
    if name is None and any(item.startswith(f"{line.strip()} ") for item in OPTIONS):
        return True  # a group of commands as a whole
    options = {word.strip("[]`.,)") for word in words if re.match(r"\[?--[a-z]", word)}
    return name is not None and options <= OPTIONS[name]
