"""The query box: a text of the query language, with suggestions, its errors marked, and help."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from audit_core.query.language.diagnostics import QueryError, mark
from audit_core.query.language.fields import Example, FieldWord
from pages.parts.tables import selection
from pages.parts.tables.safe_text import visible

MAX_PROBLEMS = 3
"""How many problems of one text are shown at once."""

WIDTHS_PX = (240, 340)
"""Of the two columns of a table of the help."""


@dataclass(frozen=True, slots=True)
class QueryBox:
    """The box of one filter bar."""

    bar: str
    """Begins the keys of its widgets."""
    placeholder: str
    examples: Sequence[Example]
    words: Sequence[FieldWord]
    """The fields that a query may name."""
    problem_of: Callable[[str], QueryError | None]
    """Why a text cannot be asked; `None` if it can."""
    apply: Callable[[str], None]
    """Takes a text that can be asked into the filter; called before the next run."""

    @property
    def key(self) -> str:
        """Of the text input."""
        return f"{self.bar}_query"

    def draw(self, query: str) -> None:
        """The box; call it in a horizontal container. `query` is that of the filter."""
        draft: str | None = st.session_state.get(_draft(self.bar))
        shown = query if draft is None else draft
        # Set only where it differs: it would wipe out what a person is typing while the page runs.
        if st.session_state.get(self.key, "") != shown:
            st.session_state[self.key] = shown
        st.text_input(
            "Query",
            key=self.key,
            type="search",
            placeholder=self.placeholder,
            on_change=self._take,
            autocomplete="off",
            width="stretch",
        )

    def draw_help(
        self, above: Callable[[], None] | None = None, below: Callable[[], None] | None = None
    ) -> None:
        """Examples that work when they are clicked on, and all fields, between what is drawn by
        the two callables."""
        popover = st.popover(
            "Help", icon=":material/help:", key=f"{self.bar}_help", on_change="rerun"
        )
        if not popover.open:
            return
        with popover, st.container(width=620):
            if above is not None:
                above()
            st.markdown("**Examples** :gray[:small[Click one to use it.]]")
            shown = {
                "Query": [example.text for example in self.examples],
                "Finds": [example.meaning for example in self.examples],
            }
            selection.draw(
                shown,
                f"{self.bar}_examples",
                self.examples,
                identify=lambda example: example.text,
                take=lambda example: self.apply(example.text),
                alt="Example queries and what they find; select one to use it",
                **_look(shown),
            )
            st.markdown("**Fields**")
            draw_table(
                {
                    "Field": [word.written for word in self.words],
                    "Matches": [word.help for word in self.words],
                },
                alt="The fields that a query can use, and what they match",
            )
            if below is not None:
                below()

    def draw_problem(self) -> None:
        """What is wrong with the text in the box, if anything is; the filter is as it was."""
        draft: str | None = st.session_state.get(_draft(self.bar))
        if draft is not None and (error := self.problem_of(draft)):
            st.warning("Query not applied", icon=":material/warning:")
            draw_problems(draft, error)

    def _take(self) -> None:
        text = st.session_state[self.key].strip()
        if self.problem_of(text):
            st.session_state[_draft(self.bar)] = text
        else:
            self.apply(text)


def draw_table(columns: Mapping[str, Sequence[str]], *, alt: str) -> None:
    """A table of two columns within the help."""
    st.dataframe(columns, hide_index=True, alt=alt, **_look(columns))


def _look(columns: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    return {
        "row_height": 30,
        "height": 220,
        "column_config": {
            name: st.column_config.TextColumn(name, width=width)
            for name, width in zip(columns, WIDTHS_PX, strict=True)
        },
    }


def draw_problems(text: str, error: QueryError) -> None:
    """Each place in the text with what is wrong there and what would be right."""
    for problem in error.query_problems[:MAX_PROBLEMS]:
        st.code(mark(text, problem), language=None)
        st.text(visible(f"{problem.message} {problem.hint}"))
    more = len(error.query_problems) + error.left_out - MAX_PROBLEMS
    if more > 0:
        st.caption(f"And {more} more problems.")


def forget_draft(bar: str) -> None:
    """Show the query of the filter again."""
    st.session_state.pop(_draft(bar), None)


def _draft(bar: str) -> str:
    """Where what was written and could not be understood is kept."""
    return f"{bar}_query_draft"
