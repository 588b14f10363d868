"""What was sent, what is on its way, and what could not be delivered."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from audit_core.domain.access import Permission, Scope
from audit_core.domain.listing import Listing
from audit_core.identity.sessions import Viewer
from audit_core.notify.delivery.message_state import MessageState
from audit_core.notify.messages import StoredMessage, messages_of, send_again, waiting_of
from audit_core.query.time.windows import written
from pages.parts.admin.acting import act
from pages.parts.shell import cached, refreshed
from pages.parts.tables import table_size
from pages.parts.tables.safe_text import visible

SHOWN = 50
"""How many are listed."""
_STATES = {
    MessageState.WAITING: "On its way",
    MessageState.DELIVERED: "Delivered",
    MessageState.DEAD: "Given up",
}


def draw(scope: Scope) -> None:
    """What could not be delivered first, then the newest."""
    _draw_dead(scope)
    refreshed.draw(_draw_newest, Permission.MANAGE, scope)


def _draw_dead(scope: Scope) -> None:
    with cached.installation().state.read() as connection:
        dead = messages_of(
            connection, scope.organization_id or "", states=[MessageState.DEAD], limit=SHOWN
        )
    if not dead.items:
        return
    number = f"{len(dead.items)}{' or more' if dead.truncated else ''}"
    st.warning(
        f"{number} {'message' if number == '1' else 'messages'} could not be delivered and "
        "will not be tried again by itself.",
        icon=":material/unsubscribe:",
    )
    for message in dead.items[:5]:
        with st.container(horizontal=True, vertical_alignment="center"):
            told = f"{message.subject} · {message.channel} · {message.problem or ''}"
            st.text(visible(told), width="stretch")
            if st.button("Send again", icon=":material/replay:", key=f"message_{message.id}_again"):
                _send_again(scope, [message])
    if len(dead.items) > 1 and st.button(
        "Send all again", icon=":material/replay:", key="messages_again"
    ):
        _send_again(scope, dead.items)


def _send_again(scope: Scope, chosen: Sequence[StoredMessage]) -> None:
    ids = [message.id for message in chosen]
    act(
        scope,
        lambda connection, by: send_again(
            connection, by, organization_id=scope.organization_id or "", message_ids=ids
        ),
    )


def _draw_newest(person: Viewer, scope: Scope) -> None:
    with cached.installation().state.read() as connection:
        found = messages_of(connection, scope.organization_id or "", limit=SHOWN)
        waiting = waiting_of(connection, scope.organization_id or "")
    if waiting.notices:
        noun = "notice waits" if waiting.notices == 1 else "notices wait"
        st.caption(f"{waiting.notices:,} {noun} for its time, or for others to be one message.")
    if not found.items:
        st.caption("Nothing was sent yet.")
        return
    _draw_table(found, cached.organization_zone(scope))


def _draw_table(found: Listing[StoredMessage], zone: str) -> None:
    column = st.column_config
    st.dataframe(
        frame(found.items, zone),
        hide_index=True,
        column_config={
            "time": column.TextColumn(f"Made ({zone})", width=160),
            "channel": column.TextColumn("Channel", width=130),
            "message": column.TextColumn("Message", width=380),
            "state": column.TextColumn("State", width=100),
            "attempts": column.NumberColumn("Attempts", width=80),
            "next": column.TextColumn("Next attempt", width=160),
            "answer": column.TextColumn("What failed", width=320),
        },
        row_height=table_size.ROW,
        height=table_size.height(len(found.items), most=12),
        alt="The newest messages and what became of them",
    )
    if found.truncated:
        st.caption(f"The newest {SHOWN}.")


def frame(messages: Sequence[StoredMessage], zone: str) -> pd.DataFrame:
    """One line for each message; all of it text but the attempts."""
    lines = [
        {
            "time": written(one.created_at, zone),
            "channel": visible(one.channel),
            "message": visible(one.subject),
            "state": _STATES[one.state],
            "attempts": one.attempts,
            "next": "" if one.next_at is None else written(one.next_at, zone),
            "answer": visible(one.problem or ""),
        }
        for one in messages
    ]
    return pd.DataFrame(
        lines, columns=["time", "channel", "message", "state", "attempts", "next", "answer"]
    )
