"""The places outside that keep an organization's checkpoints: what each has, and what is wrong."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
import streamlit as st

from audit_core.domain.access import Permission, Scope
from audit_core.identity.sessions import Viewer
from audit_core.installation.anchors import Outside, outside_of
from audit_core.integrity.anchors.standing import AnchorStanding, OutsideFinding, newest_outside
from audit_core.query.time.windows import ago
from pages.parts.shell import cached, error_boundary, refreshed
from pages.parts.shell.error_boundary import plain
from pages.parts.tables import table_size
from pages.parts.tables.safe_text import visible

PAGE = "evidence/integrity.py"
SERIOUS = "A place outside contradicts this log"
LATE = "Checkpoints outside are too old"


def draw(scope: Scope) -> None:
    """All that are set, with what somebody should know above them."""
    refreshed.draw(_draw_outside, Permission.READ, scope)


def _draw_outside(person: Viewer, scope: Scope) -> None:
    with error_boundary.attempt():
        outside = outside_of(cached.installation(), scope.organization_id or "")
        if not outside.configured:
            st.caption(
                "None is set: whoever has the server's machine could put an older log back unseen. "
                "Whoever runs the server can name places outside, such as a mounted bucket or a "
                "witness."
            )
            return
        st.caption(
            "Copies of the signed head, kept where this server cannot change them: they show a log "
            "that was cut or put back."
        )
        for finding in outside.findings:
            _draw_finding(finding)
        if outside.anchors:
            _draw_anchors(outside)
        else:
            st.caption("Nothing was sealed yet, so there is nothing to keep.")


def draw_note(scope: Scope) -> None:
    """For other pages: what a place outside contradicts; nothing if all is well, or only late."""
    with error_boundary.attempt():
        outside = outside_of(cached.installation(), scope.organization_id or "")
        serious = [finding for finding in outside.findings if finding.serious]
        for finding in serious:
            _draw_finding(finding)
        if serious:
            st.page_link(PAGE, label="See Integrity", icon=":material/arrow_forward:")


def _draw_finding(finding: OutsideFinding) -> None:
    text = plain(f"{finding.reason} {finding.hint}")
    if finding.serious:
        st.error(text, title=SERIOUS, icon=":material/gpp_bad:")
    else:
        st.warning(text, title=LATE, icon=":material/history_toggle_off:")


def _draw_anchors(outside: Outside) -> None:
    now = cached.installation().clock()
    newest = newest_outside(outside.anchors)
    signed_at = None if newest is None else newest.signed_at
    st.metric(
        "Newest checkpoint outside",
        "None yet" if signed_at is None else ago(signed_at, now),
        help="When the newest checkpoint was signed that any place outside has.",
        width=230,
    )
    table = pd.DataFrame([_row(one, now) for one in outside.anchors])
    st.dataframe(
        table,
        hide_index=True,
        height=table_size.height(len(table)),
        column_config={
            "place": st.column_config.TextColumn("Place", width=190),
            "state": st.column_config.TextColumn("State", width=110),
            "size": st.column_config.TextColumn("Writes", alignment="right", width=90),
            "taken": st.column_config.TextColumn("Last taken", width=110),
            "next": st.column_config.TextColumn("Next try", width=90),
            "problem": st.column_config.TextColumn("Last problem", width="large"),
        },
    )


def _row(one: AnchorStanding, now: datetime) -> dict[str, object]:
    row = one.progress
    taken = None if row is None else row.received_at
    return {
        "place": visible(f"{one.name.kind.label} {one.name.label}"),
        "state": one.standing.label,
        "size": "" if row is None or row.size is None else f"{row.size:,}",
        "taken": "Never" if taken is None else ago(taken, now),
        "next": "" if row is None else ago(max(row.next_try_at, now), now),
        "problem": "" if row is None else visible(row.problem or ""),
    }
