"""What a new export is to hold, how many entries that is, and the button that has it made."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import streamlit as st

from audit_core.domain.access import Allowed, Permission, Scope, decide
from audit_core.domain.errors import FilterError
from audit_core.evidence.download import FileKind, Format
from audit_core.evidence.formats.compression import Compression
from audit_core.evidence.formats.csv_text import Audience
from audit_core.evidence.formats.options import DELIMITERS, NAMES
from audit_core.evidence.jobs import deeds
from audit_core.evidence.jobs.export_cap import read_cap
from audit_core.evidence.jobs.job import ExportRequest
from audit_core.evidence.pack.making.left_out import left_out, left_out_warning
from audit_core.evidence.titles import title_of
from audit_core.explore.presentation import text
from audit_core.explore.view_params import READY_VIEWS, VIEW_PARAM, ReadyView, check_view
from audit_core.identity.sessions import Viewer
from audit_core.query.query import Query
from audit_core.query.time.windows import UTC_NAME, zone_names
from audit_core.web.routes.evidence.verifier import VERIFIER_PATH
from audit_core.workspace.saved_views import SavedView, list_views
from pages.parts.entries import over_time
from pages.parts.evidence import exporting, schedule_list
from pages.parts.filters import filter_bar
from pages.parts.shell import cached, error_boundary, viewer
from pages.parts.shell.app_address import own_address
from pages.parts.tables.safe_text import visible

KEPT = {
    "24 hours": timedelta(hours=24),
    "3 days": timedelta(days=3),
    "7 days": timedelta(days=7),
    "30 days": timedelta(days=30),
}
KINDS = {
    kind.describe(): kind
    for kind in (
        FileKind(format=Format.CSV, audience=Audience.SPREADSHEETS),
        *(FileKind(format=format) for format in Format),
    )
}
"""The files by what people call them."""
_VIEW = "export_view"
_STARTED = "export_started"


def draw_views(person: Viewer, scope: Scope) -> None:
    """The choice of a view to begin with; its filter then stands in the bar."""
    views: dict[str, SavedView | ReadyView] = dict(READY_VIEWS)
    if isinstance(decide(person.membership, Permission.READ), Allowed):
        with cached.installation().state.read() as connection:
            saved = list_views(connection, person)
        views |= {view.id: view for view in (*saved.own, *saved.others)}
    if st.session_state.get(_VIEW) not in views:
        st.session_state.pop(_VIEW, None)
    st.selectbox(
        "View",
        list(views),
        index=None,
        format_func=lambda key: visible(views[key].name),
        placeholder="Begin with a saved view, or say below what it is to hold",
        key=_VIEW,
        on_change=_begin_with,
        args=(views, scope),
        width=420,
    )


def _begin_with(views: dict[str, SavedView | ReadyView], scope: Scope) -> None:
    view = views.get(st.session_state.get(_VIEW) or "")
    if view is None:
        return
    params = view.params_in(filter_bar.zone(scope)) if isinstance(view, ReadyView) else view.params
    try:
        filter_bar.replace_by(check_view(params))
    except FilterError:
        # What cannot be read any more is said where views are kept.
        st.session_state.pop(_VIEW, None)
        return
    st.query_params[VIEW_PARAM] = st.session_state[_VIEW]


def draw(view: filter_bar.View, person: Viewer, scope: Scope) -> None:
    """The file's kind, what it will hold in words, and the button."""
    with st.container(border=True, key="export_form"):
        sentence = st.container()
        with st.container(horizontal=True, vertical_alignment="bottom"):
            chosen = st.selectbox("File", list(KINDS), key="export_kind", width=230)
            kept = st.selectbox("Keep for", list(KEPT), key="export_kept", width=130)
            with st.popover("Options", icon=":material/tune:"), st.container(width=380):
                kind = _draw_options(KINDS[chosen], view.entry_filter.window.zone)
            secrets = exporting.may_reveal(person) and st.toggle(
                "Secrets unredacted",
                key="export_secrets",
                help="Only those who may see secrets can download it then.",
            )
        asked = ExportRequest(
            entry_filter=view.entry_filter,
            as_of=view.as_of,
            kind=kind,
            secrets=secrets,
            kept_for=KEPT[kept],
        )
        with sentence:
            _draw_sentence(asked, scope)
        with st.container(horizontal=True):
            made = st.button(
                "Make export", type="primary", icon=":material/file_export:", key="export_make"
            )
            schedule_list.draw_button(None if secrets else asked, scope)
        if made:
            _make(asked, scope)
        if st.session_state.pop(_STARTED, False):
            st.toast("The export is in line.", icon=":material/hourglass_top:")


def _draw_options(kind: FileKind, zone: str) -> FileKind:
    """What else may be chosen of a file: its columns and their order, the zone of times, and what
    goes with its format."""
    if kind.format is Format.PACK:
        st.caption(
            "All columns, times in UTC, as JSON lines, with what proves that they are unchanged "
            "and that nothing is missing. Whoever gets it verifies it with this page, opened from "
            "disk."
        )
        st.link_button(
            "Verifier for auditors", own_address(VERIFIER_PATH), icon=":material/verified:"
        )
        return kind
    columns = st.multiselect(
        "Columns, in their order",
        NAMES,
        placeholder="All 16, in the usual order",
        key="export_columns",
    )
    zones = zone_names(zone)
    times = st.selectbox(
        "Times in", zones, index=zones.index(UTC_NAME), key="export_times", width="stretch"
    )
    options = replace(kind.options, columns=tuple(columns) or NAMES, zone=times)
    compression = kind.compression
    if kind.format is Format.CSV:
        delimiter = st.segmented_control(
            "Delimiter",
            list(DELIMITERS),
            default="comma",
            format_func=str.capitalize,
            required=True,
            key="export_delimiter",
        )
        options = replace(options, delimiter=DELIMITERS[delimiter])
    if kind.format.is_text:
        packed = st.segmented_control(
            "Compression",
            list(Compression),
            default=Compression.NONE,
            format_func=lambda one: one.value if one is not Compression.NONE else "None",
            required=True,
            key="export_compression",
        )
        compression = Compression(packed)
    return replace(kind, options=options, compression=compression)


def _draw_sentence(asked: ExportRequest, scope: Scope) -> None:
    """How many entries the file would hold now, exactly, and what it would not hold."""
    log = cached.installation().log
    query, head = asked.query(scope.organization_id or ""), log.head(scope.organization_id)
    matching = over_time.exact_count(query, head)
    counted = "Not counted" if matching is None else text.entries(matching)
    # As text: what was asked for is in it.
    st.text(visible(f"{counted}: {asked.entry_filter.describe()}"))
    st.caption("Oldest first, of the log as it is when the export begins.")
    if matching is None:
        over_time.draw_uncounted(asked.entry_filter)
        return
    if asked.kind.format is Format.PACK:
        _draw_left_out(query, matching, head)
    elif (beyond := _beyond_limit(matching, scope)) is not None:
        st.warning(beyond, icon=":material/content_cut:")


def _draw_left_out(query: Query, matching: int, head: int) -> None:
    """What a pack would hold beside its entries, if that is much."""
    with error_boundary.attempt():
        leaves = cached.answer(head, _leaves_left_out, query, matching)
        if said := left_out_warning(leaves):
            st.warning(said, icon=":material/weight:")


def _leaves_left_out(query: Query, matching: int) -> int:
    return left_out(cached.installation().log, query, matching)


def _beyond_limit(matching: int, scope: Scope) -> str | None:
    installation = cached.installation()
    with installation.state.read() as connection:
        cap = read_cap(connection, scope.organization_id or "")
    limit = installation.exports.limit.narrowed(cap).entries
    if limit is None or matching <= limit:
        return None
    return (
        f"One export holds at most {limit:,} entries here: the oldest. {matching - limit:,} would "
        "be left out. Choose shorter windows, one after the other, to have all."
    )


def _make(asked: ExportRequest, scope: Scope) -> None:
    view_id = st.query_params.get(VIEW_PARAM, "")
    state = cached.installation().state
    person = viewer.find()
    title = title_of(state, person, asked.entry_filter, view_id)
    if exporting.act(
        scope,
        lambda connection, by, now: deeds.request_export(
            connection,
            organization_id=scope.organization_id or "",
            person=by.account_id,
            requested_by=by.email,
            title=title,
            request=asked,
            now=now,
            address=viewer.address(),
            may_reveal=exporting.may_reveal(by),
        ),
    ):
        st.session_state[_STARTED] = True
        st.rerun()
