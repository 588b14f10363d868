"""The tree of an organization: its size, how new it is, what the last verification found, and
verifying it now."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from functools import partial

import pandas as pd
import streamlit as st
from sqlalchemy import Connection

from audit_core.domain.access import Allowed, Permission, Scope, decide
from audit_core.identity.administration import Administrator
from audit_core.identity.sessions import Viewer
from audit_core.integrity.verification.acknowledging import acknowledge_findings
from audit_core.integrity.verification.findings import FindingKind, Result, Verified
from audit_core.integrity.verification.requests import (
    cancel_verification,
    request_verification,
)
from audit_core.integrity.verification.standing import Standing, standing_of
from audit_core.query.time.windows import UTC_NAME, ago, format_instant, written
from pages.parts.admin import acknowledgement
from pages.parts.admin.acting import act
from pages.parts.shell import cached, refreshed
from pages.parts.shell.error_boundary import plain
from pages.parts.tables import table_size
from pages.parts.tables.safe_text import visible

SHOWN = 10
"""How many findings are said in words; of more there is a table."""

_LOOK = "1s"
"""How often a verification that is under way is looked at."""

LABELS = {
    FindingKind.ALTERED: "Altered",
    FindingKind.MISSING: "Missing",
    FindingKind.EXTRA: "Not sealed",
    FindingKind.CHECKPOINT: "Checkpoint",
}
KEPT = {
    "superseded": "an earlier version of an entry that was finished since",
    "erased": "an entry from which personal data was erased",
    "pruned": "too old to be kept",
    "gone": "too old to be kept, with all writes next to it",
    "absent": "a number that no entry had when the log was first sealed",
}


def draw(scope: Scope) -> None:
    """All of it; each part stays true in a tab that is left open."""
    refreshed.draw(_draw_sealed, Permission.READ, scope)
    st.header("Full verification", anchor=False)
    st.caption(
        "Makes every leaf again from the entries and holds it against what was sealed. Done by "
        "itself every night."
    )
    runs = _standing(scope).status.is_open
    refreshed.draw(
        _draw_running if runs else _draw_start,
        Permission.READ,
        scope,
        every=_LOOK if runs else refreshed.EVERY,
    )
    refreshed.draw(_draw_checkpoint, Permission.READ, scope)


def _draw_sealed(person: Viewer, scope: Scope) -> None:
    standing = _standing(scope)
    if standing.status.problem is not None:
        problem = plain(standing.status.problem)
        st.error(problem, title="Nothing is sealed any more", icon=":material/gpp_bad:")
    _draw_figures(standing, cached.installation().clock())


def _standing(scope: Scope) -> Standing:
    installation = cached.installation()
    organization_id = scope.organization_id or ""
    written = installation.log.head(organization_id)
    return standing_of(installation.trees, installation.state, organization_id, written)


def _draw_figures(standing: Standing, now: datetime) -> None:
    kept, verified = standing.checkpoint, standing.verified
    with st.grid(4, min_column_width=165, key="integrity_figures"):
        st.metric(
            "Sealed writes",
            f"{kept.size if kept else 0:,}",
            help="Entries that arrived, and entries that were finished later: each is a leaf.",
        )
        st.metric(
            "Not sealed yet",
            f"{standing.unsealed:,}",
            help="Sealing follows behind the log: usually by a few seconds.",
        )
        st.metric(
            "Newest checkpoint",
            ago(kept.signed_at, now) if kept else "None",
            help="The newest signed head of the tree. There is one at least every five minutes, "
            "also when nothing is written.",
        )
        st.metric("Last verified", ago(verified.at, now) if verified else "Never")


def _draw_start(person: Viewer, scope: Scope) -> None:
    """The button, and what the last one found; the page runs anew once somebody else, or the
    night, has begun one."""
    standing = _standing(scope)
    if standing.status.is_open:
        st.rerun()
    organization_id = scope.organization_id or ""
    manages = isinstance(decide(person.membership, Permission.MANAGE), Allowed)
    if st.button(
        "Verify now",
        icon=":material/verified_user:",
        key="integrity_verify",
        disabled=not manages or standing.checkpoint is None,
        help=None if manages else "Admins of the organization can start it.",
    ):
        act(
            scope,
            lambda connection, by: request_verification(
                connection, organization_id, actor=by.actor, now=by.now, address=by.address
            ),
        )
    _draw_last(standing, person, scope)


def _draw_running(person: Viewer, scope: Scope) -> None:
    """The one that is asked for or under way; the page runs anew once it is over."""
    standing = _standing(scope)
    status = standing.status
    if not status.is_open:
        st.rerun()
    checked, to_check = status.checked or 0, status.to_check or 0
    share = checked / to_check if to_check else 0.0
    said = f"{checked:,} of {to_check:,} writes checked" if to_check else "About to begin"
    st.progress(share, text="Being cancelled" if status.cancelled else said)
    organization_id = scope.organization_id or ""
    manages = isinstance(decide(person.membership, Permission.MANAGE), Allowed)
    if manages and st.button(
        "Cancel verification",
        icon=":material/close:",
        key="integrity_cancel",
        disabled=status.cancelled,
    ):
        act(
            scope,
            lambda connection, by: cancel_verification(
                connection, organization_id, actor=by.actor, now=by.now, address=by.address
            ),
        )
    _draw_last(standing, person, scope)


def _draw_last(standing: Standing, person: Viewer, scope: Scope) -> None:
    verified = standing.verified
    if verified is None:
        return
    _draw_verified(verified, cached.installation().clock())
    if verified.result.alarming:
        acknowledgement.draw(
            "integrity_acknowledge", person, scope, partial(_acknowledge, verified.at, scope)
        )


def _acknowledge(
    verified_at: datetime, scope: Scope, connection: Connection, by: Administrator, reason: str
) -> None:
    acknowledge_findings(
        connection,
        scope.organization_id or "",
        verified_at=verified_at,
        actor=by.actor,
        now=by.now,
        address=by.address,
        reason=reason,
    )


def _draw_verified(verified: Verified, now: datetime) -> None:
    result = verified.result
    count = result.checkpoints
    checkpoints = f"{count:,} {'checkpoint' if count == 1 else 'checkpoints'}"
    said = (
        f"{ago(verified.at, now).capitalize()}, in {result.seconds:,.1f} s: {result.size:,} "
        f"writes against {checkpoints}"
    )
    if result.holds:
        st.success(f"{said}. All of them are as they were sealed.", icon=":material/verified_user:")
    elif result.alarming or result.more:
        st.error(f"{said}. Not all is as it was sealed.", icon=":material/gpp_bad:")
        _draw_findings(result)
    else:
        st.warning(
            f"{said}. Not all is as it was sealed, which is acknowledged.",
            icon=":material/done_all:",
        )
        _draw_findings(result)
    _draw_acknowledged(result)
    lines = [f"{result.kept[name]:,}: {why}" for name, why in KEPT.items() if result.kept.get(name)]
    if lines:
        st.caption(
            "Of some writes only the hash is left, for a reason that is known. " + "; ".join(lines)
        )


def _draw_acknowledged(result: Result) -> None:
    """Who has said of findings that they are known: once for all that were said of together."""
    said = Counter((one.by, one.at, one.reason) for one in result.acknowledged)
    for (by, at, reason), count in said.items():
        findings = "1 finding" if count == 1 else f"{count:,} findings"
        on = written(at, UTC_NAME)
        # As text: the reason is what somebody typed.
        st.text(visible(f"{findings} acknowledged by {by} on {on} UTC: {reason}"))


def _draw_findings(result: Result) -> None:
    lines = [f"- **{LABELS[one.kind]}.** {plain(one.sentence)}" for one in result.findings[:SHOWN]]
    st.markdown("\n".join(lines))
    if len(result.findings) <= SHOWN:
        return
    table = pd.DataFrame(
        {
            "kind": [LABELS[one.kind] for one in result.findings],
            "first": [one.first for one in result.findings],
            "last": [one.last for one in result.findings],
            "said": [one.sentence for one in result.findings],
        }
    )
    column = st.column_config
    st.dataframe(
        table,
        hide_index=True,
        height=table_size.height(len(table)),
        column_config={
            "kind": column.TextColumn("Finding", width=100),
            "first": column.NumberColumn("From write", width=100),
            "last": column.NumberColumn("To write", width=100),
            "said": column.TextColumn("What it means", width="large"),
        },
    )
    if result.more:
        st.caption(f"And {result.more:,} more.")


def _draw_checkpoint(person: Viewer, scope: Scope) -> None:
    st.header("Newest checkpoint", anchor=False)
    kept = _standing(scope).checkpoint
    if kept is None:
        st.caption("Nothing was written yet, so there is nothing to sign.")
        return
    signed_at = format_instant(kept.signed_at.replace(microsecond=0))
    st.caption(
        f"Signed {signed_at}. Whoever keeps it elsewhere can show later that the log was cut, or "
        "put back."
    )
    st.code(kept.note, language=None)
    st.caption("The public key that it is signed with. Hand it to auditors by another way.")
    st.code(cached.installation().trees.sealing.signer.key.text, language=None)
