"""How an error is shown: what happened and what to do, never a stack trace."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def boundary() -> Iterator[None]:
    """Errors inside are drawn. Streamlit's own stop and rerun pass through."""
    try:
        yield
    except Exception as error:
        draw(error)


_MARKDOWN = {ord(character): f"\\{character}" for character in "\\`*_{}[]()<>#+-!|~$:&"}


def plain(text: str) -> str:
    """Text whose every character stands for itself in Markdown: it may quote a log field."""
    return text.translate(_MARKDOWN)
