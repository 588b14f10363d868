"""Writing a rule: its text with errors marked in place, examples, a backtest, and saving it."""

from __future__ import annotations

import uuid

import streamlit as st
from sqlalchemy import Connection

from audit_core.detect.rules.examples import read_examples
from audit_core.detect.rules.reading import MAX_CHARACTERS, line_of
from audit_core.detect.rules.rule import Rule
from audit_core.detect.rules.words import in_words
from audit_core.detect.ruleset.own_rules import readable_own_rule, save_own_rule
from audit_core.detect.ruleset.ruleset import Ruleset
from audit_core.detect.trying import try_examples
from audit_core.domain.access import Scope
from audit_core.domain.errors import RuleError
from audit_core.identity.administration import Administrator
from pages.parts.admin.acting import act, administrator
from pages.parts.detections import backtest_view, rule_place
from pages.parts.shell import error_boundary
from pages.parts.shell.error_boundary import plain
from pages.parts.tables.safe_text import visible

MAX_EXAMPLES, MAX_EXAMPLE_CHARACTERS, MAX_ENTRIES = 10, 8_000, 2_000
AROUND = 2
"""How many lines before and after a wrong one are shown."""
_HEIGHT = 460
_DRAFT, _START = "rule_draft", "rule_start"

NEW_RULE = """\
title: A name for it
id: {id}
description: Why it matters.
level: medium
tags: [attack.t1078]
falsepositives:
  - What looks the same and is none.
logsource: {{product: daytona, service: audit}}
detection:
  selection:
    action: delete
    statusCode: 200
  condition: selection
sandtrail:
  group-by: [actorId]
  what_to_do: What whoever gets the alert looks at first.
"""
NEW_EXAMPLES = """\
- what: something that it finds
  finds: true
  entries:
    - {action: delete, times: 3, every: 10s}
- what: something that it does not find
  finds: false
  entries:
    - {action: create}
"""


def open_with(text: str) -> None:
    """Begin with this text when the page is drawn next."""
    st.session_state[_DRAFT] = text


def draw(edited: str, own: Ruleset, scope: Scope) -> None:
    """The editor of the rule with this id, or of a new one; for who manages the organization."""
    administrator(scope)
    st.button(
        "All rules", icon=":material/arrow_back:", type="tertiary", on_click=rule_place.list_all
    )
    st.title("Write a rule", anchor=False)
    st.caption(
        "A rule is Sigma in YAML. Nothing is raised by it before it is saved and on. "
        "The language, with all fields and kinds of rules, is described in docs/detections.md."
    )
    left, right = st.columns([3, 2], gap="medium")
    with left:
        text = st.text_area(
            "Rule",
            _start(edited, own),
            height=_HEIGHT,
            max_chars=MAX_CHARACTERS,
            key=f"rule_text_{edited}",
        )
    with right:
        examples = st.text_area(
            "Examples",
            NEW_EXAMPLES,
            height=_HEIGHT,
            max_chars=MAX_EXAMPLE_CHARACTERS,
            key=f"rule_examples_{edited}",
            help=f"Up to {MAX_EXAMPLES} examples: entries in which the rule finds something, and "
            "others in which it must not. They are tried in a log of their own, and not saved.",
        )
    rule = _read(text)
    with st.container(horizontal=True, vertical_alignment="center"):
        # Without a rule too: a click takes what was typed last, and shows what is wrong.
        tried = st.button("Try examples", icon=":material/play_arrow:", key="rule_try")
        saved = st.button("Save rule", icon=":material/save:", type="primary", key="rule_save")
        before = None if rule is None else own.find(rule.id)
        on = st.toggle(
            "On", value=before is None or before.enabled, key=f"rule_on_{edited}", width="content"
        )
    if rule is None:
        return
    if saved:
        act(scope, lambda connection, by: _save(connection, by, text, scope, on=on))
    if tried:
        _try(rule, examples)
    st.header("Backtest", anchor=False)
    backtest_view.draw(own.muted(rule), scope, name="draft")


def _start(edited: str, own: Ruleset) -> str:
    """What the editor begins with; the same in each run, since a new rule has a new id."""
    if (draft := st.session_state.pop(_DRAFT, None)) is not None:
        # The widget keeps what was typed; a draft takes its place.
        st.session_state.pop(f"rule_text_{edited}", None)
        st.session_state[_START] = (edited, draft)
    kept: tuple[str, str] | None = st.session_state.get(_START)
    if kept is None or kept[0] != edited:
        kept = (edited, _text_of(edited, own))
        st.session_state[_START] = kept
    return kept[1]


def _text_of(edited: str, own: Ruleset) -> str:
    new_id = str(uuid.uuid4())
    found = own.find(edited)
    if found is not None:
        text = found.rule.text
        return text if found.own else text.replace(found.rule.id, new_id)
    broken = next((one for one in own.unreadable if one.is_rule and one.id == edited), None)
    return NEW_RULE.format(id=new_id) if broken is None else broken.text


def _read(text: str) -> Rule | None:
    """The rule in the text; or what is wrong, with the line."""
    try:
        rule = readable_own_rule(text)
    except RuleError as error:
        st.error(plain(error.hint), title=plain(error.message), icon=":material/error:")
        if (line := line_of(error)) is not None:
            st.code(visible(marked(text, line)), language=None)
        return None
    st.text(visible(f"{rule.level.label}: {in_words(rule)}."))
    return rule


def marked(text: str, line: int) -> str:
    """A line with those around it, numbered from 1, and a mark before it."""
    lines = text.splitlines()
    first = max(1, line - AROUND)
    shown = enumerate(lines[first - 1 : line + AROUND], start=first)
    return "\n".join(f"{'▶' if number == line else ' '} {number:>4}  {it}" for number, it in shown)


def _try(rule: Rule, text: str) -> None:
    with error_boundary.attempt():
        examples = read_examples(text, "The examples", most=MAX_EXAMPLES, most_entries=MAX_ENTRIES)
        with st.spinner("Trying the examples…"):
            results = try_examples(rule, [one for one in examples if one.entries])
        for one in results:
            found = "finds something" if one.found else "finds nothing"
            verdict = "as it should" if one.right else "and should not"
            icon = ":material/check:" if one.right else ":material/close:"
            with st.container(horizontal=True, vertical_alignment="center"):
                st.badge(
                    "Right" if one.right else "Wrong",
                    icon=icon,
                    color="green" if one.right else "red",
                )
                st.text(visible(f"{one.example.what}: it {found}, {verdict}."))


def _save(connection: Connection, by: Administrator, text: str, scope: Scope, *, on: bool) -> None:
    rule = save_own_rule(
        connection, by, organization_id=scope.organization_id or "", text=text, enabled=on
    )
    st.session_state.pop(_START, None)
    rule_place.show(rule.id)
