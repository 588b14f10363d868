"""The moment of the log that a page shows: it stays until somebody refreshes the page or asks for
something else, so that nothing moves under the hands of who reads it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import streamlit as st

from audit_core.domain.access import Scope
from audit_core.log.numbering import Since
from pages.parts.shell import cached

MAX_ANSWERS = 16
"""How many answers a tab keeps: all of Overview, or pages of entries, the chart, the facets."""

_TAKEN = "snapshot"
_ANSWERS = "snapshot_answers"

_Asked = ParamSpec("_Asked")
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A moment of the log, for one organization."""

    head: int
    """The organization's newest revision then: part of every cache key."""
    since: Since
    """What is numbered above came later."""


def take(question: Hashable, scope: Scope) -> Snapshot:
    """The moment at which this question was asked first in this tab, since `forget`."""
    key = (scope.organization_id, question)
    kept: tuple[object, Snapshot] | None = st.session_state.get(_TAKEN)
    if kept is None or kept[0] != key:
        log = cached.installation().log
        # The numbers first: what comes in between is shown, and counted as new once too often.
        since = log.since(scope.organization_id)
        kept = key, Snapshot(head=log.head(scope.organization_id), since=since)
        st.session_state[_TAKEN] = kept
    return kept[1]


def forget() -> None:
    """Take another one in the next run."""
    for key in (_TAKEN, _ANSWERS):
        st.session_state.pop(key, None)


def answer(
    head: int, read: Callable[_Asked, _Answer], *args: _Asked.args, **kwargs: _Asked.kwargs
) -> _Answer:
    """What `cached.answer` gives, and the same for as long as this tab shows `head`: what all tabs
    share may be dropped at any time, and would be read anew from a log that has moved."""
    kept: tuple[int, OrderedDict[Hashable, Any]] | None = st.session_state.get(_ANSWERS)
    if kept is None or kept[0] != head:
        kept = head, OrderedDict()
        st.session_state[_ANSWERS] = kept
    answers = kept[1]
    question = (read.__qualname__, args, tuple(sorted(kwargs.items())))
    if question not in answers:
        answers[question] = cached.answer(head, read, *args, **kwargs)
        if len(answers) > MAX_ANSWERS:
            answers.popitem(last=False)
    answers.move_to_end(question)
    found: _Answer = answers[question]
    return found
