"""Whether the rules watch, as the operator should know it: for `doctor`, and for probes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from audit_core.detect.watching.progress import read_progress, watched_organizations
from audit_core.detect.watching.report import WatchFigures, watch_figures
from audit_core.domain.errors import AuditError
from audit_core.installation import readiness
from audit_core.installation.doctor import Finding, Health
from audit_core.installation.opened import Installation

PART = "rules"


def examine_watching(installation: Installation) -> Iterator[Finding]:
    """That no process watches, and one finding for each rule that fails or does not keep up, with
    its organization."""
    try:
        figures = figures_of(installation)
        with installation.state.read() as connection:
            found = [
                (organization_id, one)
                for organization_id in sorted(watched_organizations(connection))
                for one in read_progress(connection, organization_id).values()
                if one.problem is not None or one.behind_since is not None
            ]
    except AuditError as error:
        yield Finding(part=PART, health=Health.FAILED, message=error.message, hint=error.hint)
        return
    if figures.begun and figures.is_silent:
        yield Finding(
            part=PART,
            health=Health.WARNING,
            message=_silent(figures),
            hint="Start the app, or sandtrail watch on PostgreSQL and ClickHouse. What came since "
            "is looked at then.",
        )
    for organization_id, one in found:
        if one.problem is not None:
            yield Finding(
                part=PART,
                health=Health.FAILED,
                message=f"{organization_id}: the rule {one.rule_id} has not looked since "
                f"{one.failing_since:%Y-%m-%d %H:%M:%S} UTC: {one.problem}",
                hint="It is tried again by itself. If the rule is your own, ask for less in it.",
            )
        else:
            yield Finding(
                part=PART,
                health=Health.WARNING,
                message=f"{organization_id}: the rule {one.rule_id} has not kept up since "
                f"{one.behind_since:%Y-%m-%d %H:%M:%S} UTC.",
                hint="It catches up by itself once fewer entries come in.",
            )
    if not found and not figures.is_silent:
        yield Finding(part=PART, health=Health.OK, message="All that are on watch.")
    if not figures.begun:
        yield Finding(part=PART, health=Health.OK, message=f"{_silent(figures)} The app begins.")


def watching_warnings(installation: Installation) -> tuple[readiness.Finding, ...]:
    """That no process watches, how many rules fail, and how many do not keep up: what anybody may
    know. Raises `StoreUnavailableError`."""
    figures = figures_of(installation)
    reasons = [_silent(figures)] if figures.is_silent else []
    for number, one, several in (
        (figures.failing, "rule fails", "rules fail"),
        (figures.behind, "rule does not keep up", "rules do not keep up"),
    ):
        if number:
            reasons.append(f"{number:,} {one if number == 1 else several}.")
    if figures.behind and figures.behind_entries:
        reasons.append(f"{figures.behind_entries:,} writes are not looked at by every rule.")
    hint = "Which, and what to do: sandtrail doctor."
    return tuple(readiness.Finding(part=PART, reason=f"{reason} {hint}") for reason in reasons)


def figures_of(installation: Installation) -> WatchFigures:
    """How the watching goes in all. Raises `StoreUnavailableError`."""
    heads = installation.log.known_heads()
    with installation.state.read() as connection:
        return watch_figures(connection, heads, now=installation.clock())


def _silent(figures: WatchFigures) -> str:
    if not figures.begun:
        return "No process has ever let rules watch."
    minutes = figures.silent // timedelta(minutes=1)
    return f"No process has let rules watch for {minutes:,} minutes."
