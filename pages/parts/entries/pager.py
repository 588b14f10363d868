"""What stands around the table of entries: the count, the steps, the page size, the download."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol
from urllib.parse import urlencode

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.domain.errors import FilterError
from audit_core.evidence.access_log.record_filter import RecordScope
from audit_core.evidence.download import FileKind, Format
from audit_core.explore.layout import ROW_SIZES
from audit_core.explore.view_params import VIEW_PARAM
from audit_core.identity.sessions import Viewer
from audit_core.query.keyset import Cursor, OutdatedCursorError
from audit_core.query.query import Query
from audit_core.query.time.windows import ALL_TIME, Window, format_instant
from audit_core.state.preferences import keep_preference, read_preference
from audit_core.web.routes.exports import EXPORT_PATH
from pages.parts.entries import over_time
from pages.parts.evidence import download_menu
from pages.parts.filters import filter_bar, zoom
from pages.parts.shell import cached
from pages.parts.shell.app_address import own_address

SIZES = ROW_SIZES
DEFAULT_SIZE = 25
_SIZE = "rows_per_page"
_CHOICE = "rows_choice"


def cursor() -> Cursor | None:
    """The place in the list that the address says; `None` for the newest page, also in the place
    of one that an earlier version wrote: then it says so.

    Raises `FilterError`.
    """
    text = st.query_params.get("at")
    if text is None:
        return None
    try:
        return Cursor.from_param(text)
    except OutdatedCursorError as error:
        del st.query_params["at"]
        st.info(
            f"This is the newest page: {error}, and its place in the list is no longer known.",
            icon=":material/history:",
        )
        return None
    except ValueError as error:
        raise FilterError((f"The parameter at cannot be read: {error}.",)) from error


def rows_per_page(person: Viewer) -> int:
    """The page size: of the address, else as last chosen, else 25. Raises `FilterError`."""
    known = {str(size): size for size in SIZES}
    text = st.query_params.get("rows")
    if text is not None:
        if text not in known:
            sizes = ", ".join(map(str, SIZES))
            raise FilterError((f"The parameter rows is {text!r}, and not one of {sizes}.",))
        return known[text]
    if _SIZE not in st.session_state:
        with cached.installation().state.read() as connection:
            kept = read_preference(connection, account_id=person.account_id, name=_SIZE)
        st.session_state[_SIZE] = known.get(kept or "", DEFAULT_SIZE)
    return int(st.session_state[_SIZE])


def draw_empty(view: filter_bar.View, scope: Scope, head: int) -> None:
    """Nothing matched: say what to loosen, or where the first entries come from."""
    if not head:
        st.info("This organization has no entries yet.", icon=":material/inbox:")
        st.text("An admin can load them in Admin → Sources, from files or over HTTP.")
        return
    narrowed = view.entry_filter.narrowed_by
    st.info("No entries match.", icon=":material/search_off:")
    if narrowed:
        st.text(f"Remove a filter, or look beyond the {_window(view)} (with how many would match):")
    else:
        st.text("Choose a longer time window.")
    with st.container(horizontal=True):
        zoom.draw_back(view.entry_filter)
        began = cached.utc_now()
        for label in narrowed:
            without = Query(view.entry_filter.without(label), scope, view.time_range)
            # All of them together keep people waiting no longer than one count may.
            waited_s = (cached.utc_now() - began).total_seconds()
            found = _found(without, head) if waited_s < over_time.PATIENCE_S else ""
            st.button(
                f"Without {label.lower() if label != 'IP address' else label}{found}",
                icon=":material/filter_alt_off:",
                key=f"without_{label}",
                on_click=_loosen,
                args=(label,),
            )
        if view.entry_filter.window.preset != ALL_TIME:
            _draw_all_time(view, scope, head)


def _draw_all_time(view: filter_bar.View, scope: Scope, head: int) -> None:
    """To the same filter in all time, with how many then match."""
    window = Window(preset=ALL_TIME, zone=view.entry_filter.window.zone)
    asked = replace(view.entry_filter, window=window)
    st.button(
        f"All time{_found(Query(asked, scope, window.time_range(view.as_of)), head)}",
        icon=":material/date_range:",
        key="all_time",
        on_click=lambda: filter_bar.narrow(window=window),
    )


def _found(query: Query, head: int) -> str:
    """How many match, as a button says it; nothing if that takes too long."""
    found = over_time.count(query, head)
    return "" if found is None else f" ({found})"


def _window(view: filter_bar.View) -> str:
    return view.entry_filter.window.describe()


def _loosen(label: str) -> None:
    entry_filter = filter_bar.current().without(label)
    filter_bar.narrow(**{name: getattr(entry_filter, name) for name in filter_bar.NOTHING})


def draw_refresh() -> None:
    """Ask again now."""
    st.button(
        "Refresh",
        icon=":material/refresh:",
        key="refresh",
        on_click=filter_bar.refresh,
        help="Reload (R)",
    )


def draw_download(view: filter_bar.View, scope: Scope) -> None:
    """Everything that matched, as a file from our own route."""

    def address(kind: FileKind) -> str:
        params = {
            **view.entry_filter.to_params(),
            **kind.params(),
            "organization": [scope.organization_id or ""],
            "as_of": [format_instant(view.as_of)],
        }
        if view_id := st.query_params.get(VIEW_PARAM):
            params[VIEW_PARAM] = [view_id]
        return own_address(f"{EXPORT_PATH}?{urlencode(params, doseq=True)}")

    download_menu.draw(
        "explore",
        "All matches, not just this page: oldest first, times in UTC, secrets redacted. "
        "Each download is recorded.",
        address,
        RecordScope.of(scope),
        formats=(Format.CSV, Format.XLSX, Format.JSONL, Format.PARQUET),
        background={
            **view.entry_filter.to_params(),
            **{name: [st.query_params[name]] for name in (VIEW_PARAM,) if name in st.query_params},
        },
    )


class Place(Protocol):
    """Where a page begins."""

    def to_param(self) -> str:
        """The place as one URL parameter."""


class Listed(Protocol):
    """A page of a list that is read by keysets."""

    @property
    def rows(self) -> Sequence[object]:
        """What stands on it."""

    @property
    def elapsed_s(self) -> float:
        """How long it took to read."""

    @property
    def older(self) -> Place | None:
        """Where the next page begins; `None` on the last one."""

    @property
    def newer(self) -> Place | None:
        """Where the page before begins; `None` on the first one."""


def draw_steps(page: Listed, rows: int, person: Viewer) -> None:
    """To newer and older entries, and how many stand on a page."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="right"):
        st.caption(f"{len(page.rows)} on this page · read in {page.elapsed_s * 1000:.0f} ms")
        # The address decides, also after a step back, and not what was chosen last.
        st.session_state[_CHOICE] = rows
        st.selectbox(
            "Rows per page",
            SIZES,
            key=_CHOICE,
            format_func=lambda size: f"{size} rows",
            on_change=_choose_size,
            args=(person.account_id,),
            label_visibility="collapsed",
            width=120,
        )
        st.button(
            "Newest",
            icon=":material/first_page:",
            disabled="at" not in st.query_params,
            on_click=_go,
            args=(None,),
        )
        st.button(
            "Newer",
            icon=":material/chevron_left:",
            help="Previous page (←)",
            key="newer",
            disabled=page.newer is None,
            on_click=_go,
            args=(page.newer,),
        )
        st.button(
            "Older",
            icon=":material/chevron_right:",
            icon_position="right",
            help="Next page (→)",
            key="older",
            disabled=page.older is None,
            on_click=_go,
            args=(page.older,),
        )


def _go(place: Place | None) -> None:
    if place is None:
        st.query_params.pop("at", None)
    else:
        st.query_params["at"] = place.to_param()


def _choose_size(account_id: str) -> None:
    size: int = st.session_state[_CHOICE]
    st.query_params.pop("at", None)
    st.query_params["rows"] = str(size)
    if VIEW_PARAM in st.query_params:
        # It belongs to the open view, and is not what the person wants elsewhere.
        return
    st.session_state[_SIZE] = size
    with cached.installation().state.begin() as connection:
        keep_preference(connection, account_id=account_id, name=_SIZE, value=str(size))
