"""The erasures of an organization: how far each is, and what can be done about it."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Literal

import streamlit as st
from sqlalchemy import Connection

from audit_core.domain.access import Permission, Scope
from audit_core.evidence.erasures import deeds, store
from audit_core.evidence.erasures.erasure import Erasure, Stage
from audit_core.evidence.erasures.words import counts_in_words, names_of, what_is_left
from audit_core.identity.administration import Administrator
from audit_core.identity.sessions import Viewer
from audit_core.query.time.windows import written
from pages.parts.admin.acting import act
from pages.parts.evidence.erasures import confirmation
from pages.parts.shell import cached, refreshed
from pages.parts.tables.safe_text import visible

SHOWN = 10
"""How many are listed at first, and how many more each time."""
_LOOK = "5s"
_MORE = "erasures_shown"
_DECIDED = "erasure_decided"
"""The erasure that is open to be confirmed or refused."""

Color = Literal["green", "blue", "gray", "orange", "red"]
BADGES: dict[Stage, tuple[Color, str]] = {
    Stage.ASKED: ("orange", ":material/how_to_reg:"),
    Stage.CONFIRMED: ("blue", ":material/hourglass_empty:"),
    Stage.ERASING: ("blue", ":material/progress_activity:"),
    Stage.REWRITING: ("blue", ":material/save_as:"),
    Stage.DONE: ("green", ":material/check:"),
    Stage.WITHDRAWN: ("gray", ":material/undo:"),
    Stage.REFUSED: ("gray", ":material/block:"),
}


def draw(person: Viewer, scope: Scope) -> None:
    """Those that are not over first."""
    with cached.installation().state.read() as connection:
        waiting = store.list_erasures(
            connection, scope.organization_id or "", limit=_shown() + 1, stages=(Stage.ASKED,)
        )
    # Not drawn anew by themselves: somebody types there.
    for erasure in waiting[: _shown()]:
        with st.container(border=True, key=f"erasure_{erasure.id}"):
            _draw_erasure(erasure, scope)
            _draw_deeds(erasure, person, scope)
    seen = frozenset(one.id for one in waiting)
    refreshed.draw(partial(_draw_confirmed, seen), Permission.MANAGE, scope, every=_LOOK)
    if len(waiting) > _shown():
        _draw_more("waiting")


def _draw_confirmed(waiting: frozenset[str], _: Viewer, scope: Scope) -> None:
    """`waiting`: those that the page shows as to be confirmed."""
    with cached.installation().state.read() as connection:
        found = store.list_erasures(
            connection,
            scope.organization_id or "",
            limit=_shown() + 1,
            stages=[stage for stage in Stage if stage is not Stage.ASKED],
        )
    if any(erasure.id in waiting for erasure in found):
        # Another admin has decided: the name must not stay on the screen.
        st.rerun()
    if not waiting and not found:
        st.caption("Nobody has asked for an erasure yet.")
    for erasure in found[: _shown()]:
        with st.container(border=True, key=f"erasure_{erasure.id}"):
            _draw_erasure(erasure, scope)
    if len(found) > _shown():
        _draw_more("others")


def _shown() -> int:
    return int(st.session_state.get(_MORE, SHOWN))


def _draw_more(which: str) -> None:
    st.button(
        "Show older ones",
        icon=":material/expand_more:",
        key=f"erasures_more_{which}",
        on_click=_show_more,
        args=(_shown(),),
    )


def _show_more(shown: int) -> None:
    st.session_state[_MORE] = shown + SHOWN


def _draw_erasure(erasure: Erasure, scope: Scope) -> None:
    color, icon = BADGES[erasure.stage]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(erasure.stage.label, icon=icon, color=color)
        # Who it was is known as long as it has to be, and then by the pseudonym.
        st.text(visible(_who(erasure)), width="content")
    # As text: people have typed some of it.
    st.text(visible(what_is_left(erasure, embedded=not cached.installation().log.shared)))
    st.text(visible(_history(erasure, cached.organization_zone(scope))))


def _who(erasure: Erasure) -> str:
    if erasure.subject is None:
        return erasure.pseudonym
    names = names_of(cached.installation().erasures.identities.opened(erasure.subject))
    more = len(names) - 1
    return names[0] if not more else f"{names[0]} and {more:,} more"


def _draw_deeds(erasure: Erasure, person: Viewer, scope: Scope) -> None:
    if erasure.asked_by_account == person.account_id:
        if st.button("Withdraw", icon=":material/undo:", key=f"erasure_{erasure.id}_withdraw"):
            act(scope, lambda connection, by: _withdraw(connection, by, erasure))
        return
    if st.session_state.get(_DECIDED) == erasure.id:
        confirmation.draw(erasure, scope)
    elif st.button(
        "Confirm or refuse", icon=":material/how_to_reg:", key=f"erasure_{erasure.id}_decide"
    ):
        st.session_state[_DECIDED] = erasure.id
        st.rerun()


def _withdraw(connection: Connection, by: Administrator, erasure: Erasure) -> None:
    deeds.withdraw(connection, by, organization_id=erasure.organization_id, erasure_id=erasure.id)


def _history(erasure: Erasure, zone: str) -> str:
    """Who did what to it when, and what came of it."""
    lines = [f"Asked {_at(erasure.asked_at, zone)} by {erasure.asked_by}: {erasure.reason}"]
    if erasure.confirmed_at is not None:
        lines.append(f"Confirmed {_at(erasure.confirmed_at, zone)} by {erasure.confirmed_by}")
    if erasure.erased_at is not None:
        lines.append(f"Erased {_at(erasure.erased_at, zone)}: {counts_in_words(erasure)}")
    if erasure.done_at is not None:
        lines.append(f"Files written anew {_at(erasure.done_at, zone)}")
    if erasure.closed_at is not None:
        said = "" if erasure.closing_reason is None else f": {erasure.closing_reason}"
        label = erasure.stage.label
        lines.append(f"{label} {_at(erasure.closed_at, zone)} by {erasure.closed_by}{said}")
    return "\n".join(lines)


def _at(at: datetime, zone: str) -> str:
    return f"{written(at, zone, 'minutes')} ({zone})"
