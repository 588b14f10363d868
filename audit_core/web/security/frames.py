"""Which messages of a browser reach the pages. Pure: decides, does nothing.

Streamlit obeys whoever holds a socket. Some of its messages act on the whole process
(`clear_cache`, `debug_shutdown_runtime`), write files on the server
(`backend_operation_request`) or read the source tree (`load_git_info`), so every message of the
protocol stands here with what it takes to send it, and what is not here is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from audit_core.domain.access import Allowed, Permission, decide
from audit_core.identity.sessions import Viewer


class Needs(StrEnum):
    """What somebody must be to send a message."""

    NOTHING = "nothing"
    """Anybody; of those who are not signed in only what the sign-in page needs is passed on."""
    SESSION = "session"
    """Signed in at this moment."""
    INGEST = "ingest"
    """Signed in, and allowed to write to the log of the present organization."""
    NEVER = "never"


MESSAGES: Mapping[str, Needs] = {
    "rerun_script": Needs.NOTHING,
    "stop_script": Needs.SESSION,
    "file_urls_request": Needs.INGEST,
    # The browser sends it only for a page that embeds ours; none may.
    "app_heartbeat": Needs.NEVER,
    "clear_cache": Needs.NEVER,
    "set_run_on_save": Needs.NEVER,
    "load_git_info": Needs.NEVER,
    "debug_disconnect_websocket": Needs.NEVER,
    "debug_shutdown_runtime": Needs.NEVER,
    # Deferred downloads, rows of lazy tables, and skills that are written to the server's disk.
    "backend_operation_request": Needs.NEVER,
}
"""Every message of the pinned Streamlit's protocol (`BackMsg`), by its name there."""

MAX_FRAME_BYTES = 4_000_000
"""A message of somebody signed in; selections in a chart are the largest ones, below 1 MB."""
MAX_ANONYMOUS_FRAME_BYTES = 256_000
"""A message of anybody else: the address of the page, an e-mail address and a password. A tab whose
session has ended sends all that its page held, before it shows the sign-in page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameCodec:
    """How frames are read; the composition root hands it in, since Streamlit's protocol is its
    own."""

    kind_of: Callable[[bytes], str | None]
    """The name of the message in a frame; `None` where there is none, or no frame of ours."""
    reduced: Callable[[bytes], bytes]
    """A `rerun_script` message as it is passed on for somebody who is not signed in."""
    of_whole_page: Callable[[bytes], bytes]
    """A `rerun_script` message that runs the whole page, and not a part of it alone."""


NO_MESSAGES = FrameCodec(
    kind_of=lambda _: None, reduced=lambda frame: frame, of_whole_page=lambda frame: frame
)
"""Reads nothing, so that nothing passes."""


def refusal_of(kind: str | None, viewer: Viewer | None) -> str | None:
    """Why a message is not passed on, for the operator; `None` when it is.

    `viewer` is who the socket belongs to at this moment; `None` is somebody not signed in.
    """
    if kind is None:
        return "what is no message of the protocol"
    needs = MESSAGES.get(kind, Needs.NEVER)
    if needs is Needs.NOTHING or (needs is Needs.SESSION and viewer is not None):
        return None
    if needs is Needs.INGEST and viewer is not None:
        allowed = isinstance(decide(viewer.membership, Permission.INGEST), Allowed)
        return None if allowed else f"{kind} without {Permission.INGEST.value}"
    return kind if viewer is not None else f"{kind} without a session"
