"""What the documents say, read from their Markdown."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "data/README.md"])

_FENCE = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INDENTED = re.compile(r"(?:(?<=\n\n)|\A)((?: {4}.*\n+)+)")
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def document(name: str) -> str:
    """The text of one document, by its path from the root."""
    return (ROOT / name).read_text(encoding="utf-8")


def named(path: Path) -> str:
    """How a failure names a document."""
    return path.relative_to(ROOT).as_posix()


def fenced(text: str, language: str) -> list[str]:
    """The bodies of the fenced blocks in a language."""
    return [body for found, body in _FENCE.findall(text) if found == language]


def prose(text: str) -> str:
    """The text without blocks of code."""
    return _INDENTED.sub("\n", _FENCE.sub("", text))


def spans(text: str) -> list[str]:
    """What stands between backticks outside of blocks."""
    return _SPAN.findall(prose(text))


def links(text: str) -> list[str]:
    """The targets of links and pictures outside of blocks and backticks."""
    return _LINK.findall(_SPAN.sub("", prose(text)))


def headings(text: str) -> list[str]:
    """The headings as written."""
    return _HEADING.findall(_FENCE.sub("", text))


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    kept = "".join(one for one in heading.lower() if one.isalnum() or one in " -_")
    return kept.replace(" ", "-")


@cache
def tracked() -> frozenset[str]:
    """Every file of the repository, and every folder with a final slash."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return frozenset(part for name in listed for part in (name, *_folders(name)))


def _folders(name: str) -> Iterator[str]:
    for folder in Path(name).parents:
        yield f"{folder.as_posix()}/"
