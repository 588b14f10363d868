"""The query box: a text of the query language, with its errors marked, examples and values."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from audit_core.access import Scope
from audit_core.query.completion import examples
from audit_core.query.filters import EntryFilter
from audit_core.query.language import MAX_CHARACTERS, parse
from audit_core.query.problems import QueryError, mark
from audit_core.query.secrecy import require_visible
from audit_core.query.vocabulary import FIELD_WORDS
from pages.parts.visible import visible

KEY = "filter_query"
_DRAFT = "query_draft"
"""What was written and could not be understood."""

MOST_PROBLEMS = 3
"""How many problems of one text are shown at once."""

Apply = Callable[[str], None]


def draw(wanted: EntryFilter, scope: Scope, apply: Apply) -> None:
    """The box and its help; call it in a horizontal container.

    `apply` takes a text that can be understood into the filter; it is called before the next run.
    """
    draft: str | None = st.session_state.get(_DRAFT)
    st.session_state[KEY] = wanted.query if draft is None else draft
    st.text_input(
        "Query",
        key=KEY,
        type="search",
        placeholder='actor:jane@acme.com action:start -outcome:success "no space left"',
        max_chars=MAX_CHARACTERS,
        on_change=_take,
        args=(scope, apply),
        width="stretch",
    )


def draw_help(apply: Apply) -> None:
    """Examples that work when they are clicked on, and what can be asked for."""
    popover = st.popover(
        "Help",
        icon=":material/help:",
        key="query_help",
        on_change="rerun",
    )
    if not popover.open:
        return
    with popover:
        st.markdown("**Examples** :gray[:small[A click takes one into the query.]]")
        for number, example in enumerate(examples()):
            st.button(
                f"`{example.text}`",
                key=f"query_example_{number}",
                type="tertiary",
                help=example.meaning,
                on_click=apply,
                args=(example.text,),
            )
        st.markdown("**Fields**")
        st.dataframe(
            {
                "field": [word.written for word in FIELD_WORDS],
                "meaning": [word.help for word in FIELD_WORDS],
            },
            hide_index=True,
            height=220,
            column_config={
                "field": st.column_config.TextColumn("Field", width=100),
                "meaning": st.column_config.TextColumn("Meaning", width=420),
            },
            alt="The fields that a query may name, with their meaning",
        )
        st.caption(
            "A space means AND. Combine with OR, NOT and parentheses; * and ? stand for other "
            "text; quotation marks keep words together. Words without a field are looked for "
            "in message, user, target, action and user agent, whatever their case."
        )


def draw_problem(scope: Scope) -> None:
    """What is wrong with the text in the box, if anything is; the filter is as it was."""
    draft: str | None = st.session_state.get(_DRAFT)
    if draft is not None and (error := problem_of(draft, scope)):
        st.warning("The query was not applied.", icon=":material/warning:")
        draw_places(draft, error)


def draw_places(text: str, error: QueryError) -> None:
    """Each place in the text with what is wrong there and what would be right."""
    for place in error.places[:MOST_PROBLEMS]:
        st.code(mark(text, place), language=None)
        st.text(visible(f"{place.message} {place.hint}"))
    more = len(error.places) + error.left_out - MOST_PROBLEMS
    if more > 0:
        st.caption(f"And {more} more problems.")


def problem_of(text: str, scope: Scope) -> QueryError | None:
    """Why the text cannot be asked within the scope; `None` if it can."""
    try:
        require_visible(parse(text), text, scope)
    except QueryError as error:
        return error
    return None


def forget_draft() -> None:
    """Show the query of the filter again."""
    st.session_state.pop(_DRAFT, None)


def _take(scope: Scope, apply: Apply) -> None:
    text = st.session_state[KEY].strip()
    if problem_of(text, scope):
        st.session_state[_DRAFT] = text
    else:
        apply(text)
