"""One review: its lines, what is decided about them, and the end of it."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.evidence.download import FileKind
from audit_core.query.time.windows import written
from audit_core.web.routes.evidence.access_review import ACCESS_REVIEW_PATH
from audit_core.workspace.access_reviews.decisions import decide_items
from audit_core.workspace.access_reviews.review import (
    LONGEST_NOTE,
    Decision,
    Review,
    ReviewItem,
    SubjectKind,
    digest_of,
)
from audit_core.workspace.access_reviews.store import (
    discard_review,
    find_review,
    list_items,
    sign_off,
)
from pages.parts.admin.acting import act
from pages.parts.evidence import download_menu
from pages.parts.evidence.access_review import review_lines
from pages.parts.evidence.access_review.review_list import PARAM, state_of
from pages.parts.shell import cached
from pages.parts.shell.app_address import own_address
from pages.parts.tables.safe_text import visible

_NOTE, _KINDS, _OPEN_ONLY = "review_note", "review_kinds", "review_open_only"


def draw(review_id: str, scope: Scope) -> None:
    """The review of the scope's organization with this id, or a sentence where there is none."""
    st.button("All reviews", icon=":material/arrow_back:", type="tertiary", on_click=_leave)
    with cached.installation().state.read() as connection:
        review = find_review(connection, scope.organization_id or "", review_id)
        items = () if review is None else list_items(connection, review)
    if review is None:
        st.info("There is no such review in this organization.", icon=":material/search_off:")
        return
    _draw_head(review, items)
    shown = _draw_choices(items)
    chosen = review_lines.draw(shown, editable=not review.signed)
    if not review.signed:
        _draw_deciding(review, chosen, scope)
    with st.container(horizontal=True, vertical_alignment="center", key="review_end"):
        if not review.signed:
            _draw_end(review, scope)
        _draw_download(review, scope)


def _leave() -> None:
    st.query_params.pop(PARAM, None)


def _draw_head(review: Review, items: Sequence[ReviewItem]) -> None:
    st.header(f"{review.period}: {state_of(review).lower()}", anchor=False)
    since, until = (written(end, review.zone, "minutes") for end in (review.since, review.until))
    st.caption(
        f"Used: {since} until before {until} ({review.zone}), up to number {review.head:,} of the "
        f"log. Access: as of {written(review.started_at, 'UTC', 'minutes')} UTC."
    )
    st.text(visible(f"Begun by {review.started_by}."))
    if review.keys_left_out:
        st.warning(
            f"{review.keys_left_out:,} API keys of the platform with fewer entries have no line.",
            icon=":material/warning:",
        )
    if not review.signed:
        decided = review.items - review.open_items
        st.progress(decided / max(1, review.items))
        return
    st.text(
        visible(
            f"Signed off by {review.signed_by}, "
            f"{written(review.signed_at or review.started_at, 'UTC', 'minutes')} UTC."
        )
    )
    st.code(review.sha256, language=None, wrap_lines=True)
    if digest_of(review, items) == review.sha256:
        st.caption("The lines below are those that were signed off: their SHA-256 is this one.")
    else:
        st.error(
            "Compare it with the access record, and with a file that was downloaded then.",
            title="This review is not what was signed off: its SHA-256 is another one.",
            icon=":material/gpp_bad:",
        )


def _draw_choices(items: Sequence[ReviewItem]) -> list[ReviewItem]:
    with st.container(horizontal=True, vertical_alignment="bottom", key="review_choices"):
        kinds = st.pills(
            "Kind",
            [kind for kind in SubjectKind if any(item.line.kind is kind for item in items)],
            selection_mode="multi",
            format_func=lambda kind: kind.label,
            key=_KINDS,
            width="content",
        )
        open_only = st.toggle("Open only", key=_OPEN_ONLY)
    return [
        item
        for item in items
        if (not kinds or item.line.kind in kinds) and (not open_only or item.decision is None)
    ]


def _draw_deciding(review: Review, chosen: Sequence[ReviewItem], scope: Scope) -> None:
    if not chosen:
        st.caption("Select lines to attest or to revoke them.")
        return
    number = f"{len(chosen):,} {'line' if len(chosen) == 1 else 'lines'}"
    note = st.text_input(
        "Note",
        key=_NOTE,
        max_chars=LONGEST_NOTE,
        placeholder="Why; needed to revoke",
    )

    def decide(decision: Decision) -> None:
        act(
            scope,
            lambda connection, by: decide_items(
                connection,
                by,
                organization_id=review.organization_id,
                review_id=review.id,
                shown=chosen,
                decision=decision,
                note=note,
            ),
        )

    of_platform = [item.line.kind is SubjectKind.KEY for item in chosen]
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(f"Attest {number}", icon=":material/check:", type="primary"):
            decide(Decision.ATTESTED)
        if not any(of_platform):
            with st.popover(f"Revoke {number}", icon=":material/block:"):
                st.write(
                    "Members are removed, permissions and invitations withdrawn, API tokens "
                    "revoked: now, and all of them or none."
                )
                if st.button("Revoke now", type="primary", icon=":material/block:"):
                    decide(Decision.REVOKED)
        if all(of_platform) and st.button(
            Decision.REPORTED.label, icon=":material/report:", help="Sandtrail cannot revoke it."
        ):
            decide(Decision.REPORTED)


def _draw_end(review: Review, scope: Scope) -> None:
    with st.popover("Sign off", icon=":material/verified:"):
        st.write("Nothing of this review can be changed after that.")
        if st.button("Sign off now", type="primary", icon=":material/verified:"):
            act(
                scope,
                lambda connection, by: sign_off(
                    connection,
                    by,
                    organization_id=review.organization_id,
                    review_id=review.id,
                ),
            )
    with st.popover("Discard", icon=":material/delete:"):
        st.write("What was revoked stays revoked, and all of it stays in the access record.")
        if st.button("Discard this review", type="primary", icon=":material/delete:"):
            act(
                scope,
                lambda connection, by: discard_review(
                    connection,
                    by,
                    organization_id=review.organization_id,
                    review_id=review.id,
                ),
            )


def _draw_download(review: Review, scope: Scope) -> None:
    def address(kind: FileKind) -> str:
        params = {
            PARAM: [review.id],
            **kind.params(),
            "organization": [scope.organization_id or ""],
        }
        return own_address(f"{ACCESS_REVIEW_PATH}?{urlencode(params, doseq=True)}")

    params = {PARAM: review.id, "organization": scope.organization_id or "", "printable": "1"}
    st.link_button(
        "Print",
        own_address(f"{ACCESS_REVIEW_PATH}?{urlencode(params)}"),
        icon=":material/print:",
        help="An HTML file of all lines, good on paper, with a fingerprint. It is recorded.",
    )
    download_menu.draw(
        "access_review",
        "All lines of this review. JSON lines are what is signed off, to the byte. The download is "
        "recorded.",
        address,
    )
