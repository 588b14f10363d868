"""The frame of files that people print: one HTML file with its style, without scripts, with nothing
fetched, and with a fingerprint of what it says."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from audit_core.domain.terminal_text import printable_lines
from audit_core.query.time.windows import UTC_NAME, written

MEDIA_TYPE = "text/html"
EXTENSION = "html"

MAX_NAME = 120
"""Characters that are shown of a name, such as that of an actor or a target."""
MAX_TEXT = 400
"""Characters that are shown of a message, or of metadata."""

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file that people print."""

    name: str
    content: bytes
    """UTF-8."""
    fingerprint: str
    """SHA-256, in hexadecimal, of the part from the line `<main>` to the line `</main>`, each with
    its line end."""

    @property
    def sha256(self) -> str:
        """Of the whole file, in hexadecimal."""
        return sha256(self.content).hexdigest()


def environment(zone: str, folder: Path = TEMPLATES) -> Environment:
    """What fills the templates of a folder, with times of a zone: it escapes whatever is put in,
    and fails for what is missing."""
    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {
        "name": lambda text: cut(text, MAX_NAME) or "(empty)",
        "long": lambda text: cut(text, MAX_TEXT),
        "shown": printable_lines,
        "count": lambda number: f"{number:,}",
        "number": lambda number: f"{number:.2f}".rstrip("0").rstrip("."),
        "time": lambda instant: written(instant, zone),
        "minute": lambda instant: written(instant, zone, "minutes"),
        "utc": lambda instant: f"{written(instant, UTC_NAME)} UTC",
        "moment": lambda instant: written(instant, UTC_NAME, "minutes") if instant else "never",
    }
    return made


def framed(content: str, *, file_name: str, title: str, version: str) -> Document:
    """The file; `content` holds its `<main>` as a template has made it, escaped."""
    main = content[content.index("<main>") :].strip()
    fingerprint = sha256(f"{main}\n".encode()).hexdigest()
    style = _style(fingerprint)
    page = (
        environment(UTC_NAME)
        .get_template("page.html")
        .render(
            title=title,
            version=version,
            # The templates have escaped the one, and the other is a file of ours.
            content=Markup(main),  # noqa: S704
            style=Markup(style),  # noqa: S704
            style_hash=_hash_source(style),
            fingerprint=fingerprint,
        )
    )
    return Document(name=file_name, content=page.encode(), fingerprint=fingerprint)


def cut(text: str, limit: int) -> str:
    """The text with what turns it around or hides in it written out; at most `limit` characters."""
    shown = printable_lines(text)
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"


@cache
def _css() -> str:
    return (TEMPLATES / "report.css").read_text(encoding="utf-8").strip()


def _style(fingerprint: str) -> str:
    """The style, with a foot of each page on paper that tells which file it is from."""
    foot = f'content: "Fingerprint {fingerprint[:16]}…"; font: 8pt sans-serif; color: #535d69;'
    return f"{_css()}\n@page {{ @bottom-left {{ {foot} }} }}"


def _hash_source(text: str) -> str:
    """What a content security policy names a text by."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
