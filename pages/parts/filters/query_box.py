"""The query box: a text of the query language, with suggestions, its errors marked, and help."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.explore.autocomplete.completion import examples
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.language.diagnostics import QueryError, mark
from audit_core.query.language.fields import FIELD_WORDS
from audit_core.query.language.parser import parse
from audit_core.query.visibility import require_visible
from pages.parts.filters import condition_builder, suggestion_list
from pages.parts.filters.condition_builder import Ask
from pages.parts.tables import selection
from pages.parts.tables.safe_text import visible

KEY = "filter_query"
_EXAMPLES = "query_examples"
_DRAFT = "query_draft"
"""What was written and could not be understood."""

MAX_PROBLEMS = 3
"""How many problems of one text are shown at once."""

Apply = Callable[[str], None]


def draw(entry_filter: EntryFilter, scope: Scope, apply: Apply) -> None:
    """The box and its help; call it in a horizontal container.

    `apply` takes a text that can be understood into the filter; it is called before the next run.
    """
    draft: str | None = st.session_state.get(_DRAFT)
    shown = entry_filter.query if draft is None else draft
    # Set only where it differs: it would wipe out what a person is typing while the page runs.
    if st.session_state.get(KEY, "") != shown:
        st.session_state[KEY] = shown
    st.text_input(
        "Query",
        key=KEY,
        type="search",
        placeholder='actor:jane@acme.com action:start -outcome:success "no space left"',
        on_change=_take,
        args=(scope, entry_filter.window.zone, apply),
        autocomplete="off",
        width="stretch",
    )
    suggestion_list.draw(KEY, scope)


def draw_help(scope: Scope, apply: Apply, ask: Ask) -> None:
    """A condition to choose, examples that work when they are clicked on, and all fields."""
    popover = st.popover(
        "Help",
        icon=":material/help:",
        key="query_help",
        on_change="rerun",
    )
    if not popover.open:
        return
    with popover:
        condition_builder.draw(scope, ask)
        st.markdown("**Examples** :gray[:small[Click one to use it.]]")
        st.dataframe(
            {
                "example": [example.text for example in examples()],
                "meaning": [example.meaning for example in examples()],
            },
            key=_EXAMPLES,
            hide_index=True,
            row_height=30,
            height=220,
            on_select=lambda: _use_example(apply),
            selection_mode="single-cell",
            column_config={
                "example": st.column_config.TextColumn("Query", width=250),
                "meaning": st.column_config.TextColumn("Finds", width=330),
            },
            alt="Example queries and what they find; select one to use it",
        )
        st.markdown("**Fields**")
        st.dataframe(
            {
                "field": [word.written for word in FIELD_WORDS],
                "meaning": [word.help for word in FIELD_WORDS],
            },
            hide_index=True,
            row_height=30,
            height=220,
            column_config={
                "field": st.column_config.TextColumn("Field", width=100),
                "meaning": st.column_config.TextColumn("Matches", width=480),
            },
            alt="The fields that a query can use, and what they match",
        )
        st.caption(
            "A space means AND. Combine with OR, NOT and parentheses; * and ? are wildcards; "
            "quotation marks keep words together. Words without a field are searched for in "
            "message, user, target, action and user agent, ignoring case."
        )


def draw_problem(scope: Scope, zone: str) -> None:
    """What is wrong with the text in the box, if anything is; the filter, whose days are those of
    `zone`, is as it was."""
    draft: str | None = st.session_state.get(_DRAFT)
    if draft is not None and (error := problem_of(draft, scope, zone)):
        st.warning("Query not applied", icon=":material/warning:")
        draw_problems(draft, error)


def draw_problems(text: str, error: QueryError) -> None:
    """Each place in the text with what is wrong there and what would be right."""
    for problem in error.query_problems[:MAX_PROBLEMS]:
        st.code(mark(text, problem), language=None)
        st.text(visible(f"{problem.message} {problem.hint}"))
    more = len(error.query_problems) + error.left_out - MAX_PROBLEMS
    if more > 0:
        st.caption(f"And {more} more problems.")


def problem_of(text: str, scope: Scope, zone: str) -> QueryError | None:
    """Why the text cannot be asked within the scope, with days of `zone`; `None` if it can."""
    try:
        require_visible(parse(text, zone=zone), text, scope)
    except QueryError as error:
        return error
    return None


def forget_draft() -> None:
    """Show the query of the filter again."""
    st.session_state.pop(_DRAFT, None)


def _use_example(apply: Apply) -> None:
    row = selection.take_row(_EXAMPLES)
    if row is not None:
        apply(examples()[row].text)


def _take(scope: Scope, zone: str, apply: Apply) -> None:
    text = st.session_state[KEY].strip()
    if problem_of(text, scope, zone):
        st.session_state[_DRAFT] = text
    else:
        apply(text)
