"""The reviews of an organization, and the beginning of one."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from audit_core.domain.access import Scope
from audit_core.evidence.access_review.quarters import Quarter, quarters
from audit_core.evidence.access_review.usage import read_usage
from audit_core.query.time.windows import written
from audit_core.workspace.access_reviews.review import Review
from audit_core.workspace.access_reviews.store import list_reviews, start_review
from pages.parts.admin.acting import administrator
from pages.parts.shell import cached, error_boundary
from pages.parts.tables import selection, table_size
from pages.parts.tables.safe_text import visible

PARAM = "review"
"""The parameter of the address that says which review is open."""
OFFERED = 6
"""How many quarters can be reviewed, with the present one."""

_KEY = "access_reviews"
_COLUMNS = {
    "period": st.column_config.TextColumn("Quarter", width=100),
    "state": st.column_config.TextColumn("State", width=220),
    "started": st.column_config.TextColumn("Begun (UTC)", width=150),
    "by": st.column_config.TextColumn("By", width=220),
    "signed": st.column_config.TextColumn("Signed off (UTC)", width=150),
    "signed_by": st.column_config.TextColumn("By", width=220),
    "sha256": st.column_config.TextColumn("SHA-256", width=480),
}


def draw(scope: Scope) -> None:
    """The form that begins a review, and all reviews, newest first."""
    st.caption(
        "Who had access in a quarter, and what was used of it: frozen when the review begins. Each "
        "line is attested or revoked, then the review is signed off and never changes again."
    )
    with cached.installation().state.read() as connection:
        reviews = list_reviews(connection, scope.organization_id or "")
    if all(review.signed for review in reviews):
        _draw_start(scope)
    if not reviews:
        st.info("There are no reviews yet.", icon=":material/rule:")
        return
    review = selection.draw_kept(
        frame(reviews),
        _KEY,
        reviews,
        identify=lambda one: one.id,
        column_config=_COLUMNS,
        row_height=table_size.ROW,
        height=table_size.height(len(reviews), most=20),
        alt="The access reviews of this organization, newest first; select a cell to open one.",
    )
    st.caption("Click a line to open it.")
    if review is not None:
        selection.forget(_KEY)
        st.query_params[PARAM] = review.id
        st.rerun()


def _draw_start(scope: Scope) -> None:
    zone = cached.organization_zone(scope)
    offered = {one.label: one for one in quarters(cached.utc_now(), zone, OFFERED)}
    past = next((label for label, one in offered.items() if one.over), None)
    with st.form("start_review", border=True):
        label = st.selectbox(
            "Quarter",
            list(offered),
            index=list(offered).index(past) if past else 0,
            format_func=lambda one: one if offered[one].over else f"{one}, not over",
            width=200,
            help=f"On the clocks of {error_boundary.plain(zone)}. What was used is counted in it; "
            "who has access is as of now.",
        )
        started = st.form_submit_button(
            "Begin review", icon=":material/play_arrow:", type="primary"
        )
    if started:
        _start(scope, offered[label], zone)


def _start(scope: Scope, quarter: Quarter, zone: str) -> None:
    with error_boundary.attempt() as attempt:
        # Whoever may not begin one does not have the log read.
        administrator(scope)
        installation = cached.installation()
        with st.spinner("Reading what was used…"):
            usage = read_usage(cached.reader(), installation.state, scope, quarter.time_range)
        by = administrator(scope)
        with installation.state.begin() as connection:
            review_id = start_review(
                connection,
                by,
                organization_id=scope.organization_id or "",
                period=quarter.label,
                since=quarter.since,
                until=quarter.until,
                zone=zone,
                usage=usage,
            )
    if attempt.succeeded:
        st.query_params[PARAM] = review_id
        st.rerun()


def state_of(review: Review) -> str:
    """How far a review is."""
    if review.signed:
        return "Signed off"
    if not review.open_items:
        return "Ready to be signed off"
    return f"{review.items - review.open_items:,} of {review.items:,} decided"


def frame(reviews: Sequence[Review]) -> pd.DataFrame:
    """One line for each review, in their order."""
    return pd.DataFrame(
        [
            {
                "period": review.period,
                "state": state_of(review),
                "started": written(review.started_at, "UTC", "minutes"),
                "by": visible(review.started_by),
                "signed": ""
                if review.signed_at is None
                else written(review.signed_at, "UTC", "minutes"),
                "signed_by": visible(review.signed_by or ""),
                "sha256": review.sha256 or "",
            }
            for review in reviews
        ],
        columns=list(_COLUMNS),
    )
