"""The choice of values for the fields of a filter that list some."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from audit_core.query.value_filter import NONE, ValueField, ValueFilter
from pages.parts.tables.safe_text import visible


@dataclass(frozen=True, slots=True)
class ValuePicker:
    """The popover of one filter bar."""

    bar: str
    """Begins the keys of its widgets."""
    options: Callable[[ValueField], list[str]]
    """What is offered for a field that has no fixed choices; others can be typed."""
    apply: Callable[..., None]
    """Takes changed attributes into the filter; called before the next run."""
    refuse: Callable[[str], None]
    """Takes the reason why what was typed is no value, as a sentence."""
    helps: Mapping[str, str] = field(default_factory=dict)
    """More about fields, by the name of the attribute."""

    def draw(self, present: ValueFilter) -> None:
        """The popover, with what the filter lists at present."""
        # Always the same words: with others it is another popover, and closes after each choice.
        popover = st.popover(
            "Filters", icon=":material/filter_list:", key=f"{self.bar}_popover", on_change="rerun"
        )
        if not popover.open:
            return
        with popover:
            halves = st.columns(2)
            for index, item in enumerate(present.value_fields):
                with halves[index % 2]:
                    self._draw_field(item, [str(value) for value in getattr(present, item.name)])

    def _draw_field(self, item: ValueField, chosen: list[str]) -> None:
        st.session_state[self._key(item)] = chosen
        offered = [*item.choices] or self.options(item)
        st.multiselect(
            item.label,
            list(dict.fromkeys([*chosen, *offered])),
            key=self._key(item),
            format_func=lambda text: _shown(item, text),
            accept_new_options=not item.choices,
            placeholder="Any",
            help=self.helps.get(item.name),
            on_change=self._choose,
            args=(item,),
        )

    def _key(self, item: ValueField) -> str:
        return f"{self.bar}_{item.name}"

    def _choose(self, item: ValueField) -> None:
        try:
            chosen: tuple[Any, ...] = tuple(map(item.read, st.session_state[self._key(item)]))
        except ValueError as error:
            self.refuse(f"{item.label}: {error}.")
            return
        self.apply(**{item.name: chosen})


def _shown(item: ValueField, text: str) -> str:
    if item.choices:
        label = item.show(item.read(text))
        return label[:1].upper() + label[1:]
    return "(none)" if text == NONE else visible(text)
