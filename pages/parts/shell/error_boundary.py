"""How an error is shown: what happened and what to do, never a stack trace."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import streamlit as st

from audit_core.domain.errors import AuditError

LOGGER = logging.getLogger("sandtrail.pages")


def draw(error: BaseException) -> None:
    """Show an error in place. One that nobody foresaw gets an id that the server logs too."""
    if isinstance(error, AuditError):
        st.error(plain(error.hint), title=plain(error.message), icon=":material/error:")
        return
    error_id = secrets.token_hex(4)
    LOGGER.error("Error %s in a page", error_id, exc_info=error)
    st.error(
        f"Nothing was lost. Reload the page; if it happens again, tell whoever runs "
        f"this server the error id {error_id}.",
        title="This page could not be shown.",
        icon=":material/error:",
    )


def draw_script_error(error: Exception) -> bool:
    """For what escapes the boundary, such as an error in a widget's callback."""
    draw(error)
    return True


@dataclass(slots=True)
class Attempt:
    """What became of a block whose errors are drawn."""

    succeeded: bool = False
    """Whether the block came to its end. False while it runs, and if an error was drawn."""


@contextmanager
def boundary() -> Iterator[Attempt]:
    """Errors inside are drawn, and what follows the block runs. Streamlit's own stop and rerun
    pass through."""
    with _drawing(Exception) as attempt:
        yield attempt


@contextmanager
def attempt() -> Iterator[Attempt]:
    """For what a person asked to have done: a refusal is drawn where they asked, and the rest of
    the page stays.

    ```
    with error_boundary.attempt() as attempt, installation.state.begin() as connection:
        delete_view(connection, ...)
    if attempt.succeeded:
        st.rerun()
    ```

    Only an `AuditError` is a refusal. Any other error is a fault of ours and goes on to the
    `boundary` around the page, as Streamlit's own stop and rerun do.
    """
    with _drawing(AuditError) as attempt:
        yield attempt


@contextmanager
def _drawing(kind: type[Exception]) -> Iterator[Attempt]:
    attempt = Attempt()
    try:
        yield attempt
    except kind as error:
        draw(error)
    else:
        attempt.succeeded = True


_MARKDOWN = {ord(character): f"\\{character}" for character in "\\`*_{}[]()<>#+-!|~$:&"}


_ADDRESS = re.compile(r"https?://|www\.", re.IGNORECASE)
_NO_LINK = "\u2060"
"""A character without width, which in front of an address keeps Markdown from making it a link:
that it does with the text that is left when all escapes are undone."""


def plain(text: str) -> str:
    """Text whose every character stands for itself in Markdown: it may quote a log field, or what a
    server answered. Nothing in it is a link."""
    return _ADDRESS.sub(rf"{_NO_LINK}\g<0>", text).translate(_MARKDOWN)
