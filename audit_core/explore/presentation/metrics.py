"""The figures at the top of Overview and of a report, each with its change against the window
before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from audit_core.explore.results import Summary
from audit_core.query.time.presets import PRESETS
from audit_core.query.time.windows import Window

NEW = "new"

MAX_TIMES = 10
"""Growth beyond this factor has no exact figure: too little was before to measure by."""

HELP_ENTRIES = (
    "All entries that match the window and the filters, including those in flight or unanswered."
)
HELP_SUCCESS_RATE = (
    "The share of 2xx among answered entries. Entries in flight and unanswered ones are left out."
)
HELP_FAILED_STARTS = (
    "Create, start and recover on a sandbox that were answered with 4xx or 5xx. "
    "Starts that were answered with 200 and failed later are not included."
)
HELP_USERS = (
    "People with at least one matching entry, identified by e-mail address. Services "
    "and roles such as runner or system are not counted."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One figure."""

    label: str
    value: str | None
    """`None`: there is nothing that it could be computed from."""
    delta: str | int | None
    """The change; 0 for none, `None` if there is no window before."""
    delta_color: Literal["normal", "inverse", "off"]
    delta_arrow: Literal["auto", "off"]
    help: str


def metrics_of(now: Summary, before: Summary | None) -> tuple[Metric, ...]:
    """The four figures. `before` is the window before, `None` if there is none."""
    return (
        _metric(
            "Entries",
            f"{now.entries:,}",
            _relative(now.entries, before.entries) if before else None,
            "off",
            HELP_ENTRIES,
        ),
        _metric(
            "Success rate",
            None if now.success_rate is None else _rate(now.success_rate),
            _points(now.success_rate, before.success_rate) if before else None,
            "normal",
            HELP_SUCCESS_RATE,
        ),
        _metric(
            "Failed starts",
            f"{now.failed_starts:,}",
            _absolute(now.failed_starts, before.failed_starts) if before else None,
            "inverse",
            HELP_FAILED_STARTS,
        ),
        _metric(
            "Active users",
            f"{now.users:,}",
            _absolute(now.users, before.users) if before else None,
            "off",
            HELP_USERS,
        ),
    )


def compared_with(window: Window) -> str:
    """What the changes compare with: `the prior 7 days`. All time is compared with nothing."""
    if window.preset is None:
        return "the prior window"
    return PRESETS[window.preset].compared_with


def _metric(
    label: str,
    value: str | None,
    delta: str | int | None,
    delta_color: Literal["normal", "inverse", "off"],
    help: str,
) -> Metric:
    new = delta == NEW
    return Metric(
        label=label,
        value=value,
        delta=delta,
        delta_color="off" if new else delta_color,
        delta_arrow="off" if new else "auto",
        help=help,
    )


def _rate(rate: float) -> str:
    """Cut, not rounded: 100% says that nothing failed."""
    return f"{int(rate * 1000) / 10:.1f}%" if rate < 1 else "100%"


def _relative(now: int, before: int) -> str | int:
    if not before:
        return NEW if now else 0
    if now > MAX_TIMES * before:
        return f"over {MAX_TIMES} times"
    change = 100 * (now - before) / before
    text = f"{change:+,.1f}%" if abs(change) < 9.95 else f"{change:+,.0f}%"
    return 0 if float(text.rstrip("%").replace(",", "")) == 0 else text


def _absolute(now: int, before: int) -> str | int:
    if not before and now:
        return NEW
    return f"{now - before:+,}" if now != before else 0


def _points(now: float | None, before: float | None) -> str | int | None:
    if now is None:
        return None
    if before is None:
        return NEW
    points = round(100 * (now - before), 1)
    return f"{points:+.1f} pp" if points else 0
