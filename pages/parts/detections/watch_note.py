"""What does not watch, or did not, above pages about rules and alerts; nothing while all do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import streamlit as st

from audit_core.detect.ruleset.ruleset import read_ruleset
from audit_core.detect.watching.progress import BlindReason, BlindTime
from audit_core.detect.watching.report import WatchReport, watch_report
from audit_core.domain.access import Permission, Scope
from audit_core.identity.sessions import Viewer
from audit_core.query.time.windows import UTC_NAME, written
from pages.parts.shell import cached, refreshed
from pages.parts.shell.error_boundary import plain

SHOWN = 3
"""How many rules, and how many times, are told."""

_WHY = {BlindReason.OFF: "it was switched off"}


def draw(scope: Scope) -> None:
    """The note; it stays true in a tab that is left open."""
    refreshed.draw(_draw, Permission.READ, scope)


def _draw(_: Viewer, scope: Scope) -> None:
    organization_id = scope.organization_id or ""
    installation = cached.installation()
    with installation.state.read() as connection:
        report = watch_report(
            connection,
            organization_id,
            head=installation.log.head(organization_id),
            now=installation.clock(),
        )
        concerned = report.failing or report.blind
        rules = read_ruleset(connection, organization_id).rules if concerned else ()
    titles = {one.rule.id: one.rule.title for one in rules}
    if report.silent_since is not None:
        told = (
            f"No rule has watched since {_at(report.silent_since)}. {_left(report)}Entries that "
            "came since are looked at once a process watches again."
        )
        st.warning(plain(told), icon=":material/visibility_off:")
    elif report.behind_since is not None:
        told = (
            f"The rules have not kept up since {_at(report.behind_since)}. {_left(report)}Alerts "
            "come late."
        )
        st.warning(plain(told), icon=":material/hourglass_bottom:")
    if report.failing:
        st.warning(plain("\n\n".join(_failing(report, titles))), icon=":material/sync_problem:")
    for one in report.blind[:SHOWN]:
        st.caption(plain(_blind(one, titles)))


def _left(report: WatchReport) -> str:
    if not report.behind:
        return ""
    return f"{report.behind:,} {'write is' if report.behind == 1 else 'writes are'} waiting. "


def _failing(report: WatchReport, titles: Mapping[str, str]) -> Iterator[str]:
    for one in report.failing[:SHOWN]:
        since = "" if one.failing_since is None else f" since {_at(one.failing_since)}"
        yield f"{titles.get(one.rule_id, one.rule_id)} has not watched{since}: {one.problem}"
    if len(report.failing) > SHOWN:
        yield f"{len(report.failing) - SHOWN:,} more have not watched either."


def _blind(one: BlindTime, titles: Mapping[str, str]) -> str:
    return (
        f"{titles.get(one.rule_id, one.rule_id)} did not watch from {_at(one.began_at)} to "
        f"{_at(one.ended_at)}: {_WHY[one.reason]}. A backtest looks at that time."
    )


def _at(time: datetime) -> str:
    return f"{written(time, UTC_NAME)} UTC"
