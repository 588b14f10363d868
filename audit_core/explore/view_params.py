"""A view of the log: filter, layout and page size together, as the parameters of an address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from audit_core.domain.entries import ACCESS_TARGETS
from audit_core.domain.errors import FilterError
from audit_core.explore.facets import FACETS
from audit_core.explore.layout import LAYOUT_PARAMS, ROW_SIZES, Layout
from audit_core.query.entry_filter import PARAMS, EntryFilter
from audit_core.query.language.diagnostics import QueryError

Params = Mapping[str, Sequence[str]]
"""The parameters of an address: values by name."""

ROWS_PARAM = "rows"

VIEW_PARAM = "view"
"""Names the open view itself, in an address."""

STACK_PARAM = "stack"
"""What the chart over time is stacked by: a field that has a facet."""

STACKS: tuple[str, ...] = tuple(param for param, *_ in FACETS)

LOOK_PARAMS: tuple[str, ...] = (*LAYOUT_PARAMS, ROWS_PARAM, STACK_PARAM)
"""Every parameter that says how the matches are shown; a view may leave them to each person."""

VIEW_PARAMS: tuple[str, ...] = (*PARAMS, *LOOK_PARAMS)
"""Every parameter that a view may hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyView:
    """A view that everybody has."""

    key: str
    """Names it in addresses; never looks like the random id of a saved view."""
    name: str
    entry_filter: EntryFilter

    def params_in(self, zone: str) -> dict[str, list[str]]:
        """The filter alone, written in a zone: how it is shown stays the person's own."""
        return replace(
            self.entry_filter, window=replace(self.entry_filter.window, zone=zone)
        ).to_params()


def _ready(key: str, name: str, window: str, query: str) -> ReadyView:
    entry_filter = EntryFilter.from_params({"window": [window], "query": [query]})
    return ReadyView(key=key, name=name, entry_filter=entry_filter)


_ACCESS_CHANGES = (
    f"(category:(access OR members) OR type:({' OR '.join(ACCESS_TARGETS)})) "
    "-action:(login OR read)"
)

READY_VIEWS: dict[str, ReadyView] = {
    view.key: view
    for view in (
        _ready(
            "failed_starts",
            "Failed starts, last day",
            "1d",
            "type:sandbox action:(start OR create OR recover) outcome:failed",
        ),
        _ready("access_changes", "Access changes, last 30 days", "30d", _ACCESS_CHANGES),
        _ready(
            "access_changes_last_month",
            "Access changes, last month",
            "last_month",
            _ACCESS_CHANGES,
        ),
        _ready("denied", "Denied (401, 403)", "7d", "status:(401 OR 403)"),
        _ready("api_keys", "What API keys did", "1d", "key:*"),
        _ready("deletions", "Deletions", "7d", "action:*delete* -action:set_auto_delete_interval"),
    )
}
"""The ready-made views by key, in the order in which they are offered."""


def check_view(params: Params) -> EntryFilter:
    """The filter of a view's parameters, once all of them could be read.

    Raises `FilterError` with a sentence for every parameter that is wrong or unknown.
    """
    problems: list[str] = []
    entry_filter = EntryFilter()
    of_filter = {name: values for name, values in params.items() if name not in LOOK_PARAMS}
    try:
        entry_filter = EntryFilter.from_params(of_filter)
    except QueryError as error:
        problems += (f"The query cannot be read: {problem}" for problem in error.problems)
    except FilterError as error:
        problems += error.problems
    try:
        Layout.from_params(params, Layout())
    except FilterError as error:
        problems += error.problems
    for name, known in ((ROWS_PARAM, tuple(map(str, ROW_SIZES))), (STACK_PARAM, STACKS)):
        text = ",".join(params.get(name, ()))
        if name in params and text not in known:
            problems.append(f"The parameter {name} is {text!r}, and not one of {', '.join(known)}.")
    if problems:
        raise FilterError(tuple(problems))
    return entry_filter


def view_of(
    entry_filter: EntryFilter, layout: Layout, rows: int, stack: str
) -> dict[str, list[str]]:
    """The parameters of all that is shown: the same screen for everybody who opens them."""
    look = {**layout.to_params(), ROWS_PARAM: [str(rows)], STACK_PARAM: [stack]}
    return {**entry_filter.to_params(), **look}


def differs(shown: Params, view: Params) -> bool:
    """Whether what is shown, as `view_of` writes it, is not what a view says.

    What the view leaves open is left to each person. A view that cannot be read differs from
    everything.
    """
    try:
        entry_filter = check_view(view)
    except FilterError:
        return True
    layout = Layout.from_params(shown, Layout())
    return (
        entry_filter != check_view(shown)
        or Layout.from_params(view, layout) != layout
        or any(
            list(view.get(name, shown[name])) != list(shown[name])
            for name in (ROWS_PARAM, STACK_PARAM)
        )
    )
