"""What a file of entries is called after."""

from __future__ import annotations

from contextlib import suppress

from audit_core.domain.errors import FilterError
from audit_core.explore.view_params import READY_VIEWS, check_view
from audit_core.identity.sessions import Viewer
from audit_core.query.entry_filter import EntryFilter
from audit_core.state.database import State
from audit_core.workspace.saved_views import find_view


def title_of(state: State, viewer: Viewer | None, entry_filter: EntryFilter, view_id: str) -> str:
    """The name of the view that is open if it asks just this, else the filter in words, without its
    window. `view_id` is empty if none is; only a `viewer` has saved views."""
    asked = entry_filter.describe_conditions()
    if view_id in READY_VIEWS:
        ready = READY_VIEWS[view_id]
        return ready.name if ready.entry_filter.describe_conditions() == asked else asked
    if view_id and viewer is not None:
        with state.read() as connection:
            view = find_view(connection, viewer, view_id)
        if view is not None:
            with suppress(FilterError):
                if check_view(view.params).describe_conditions() == asked:
                    return view.name
    return asked
