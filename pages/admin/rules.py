"""Rules: what somebody is told of, what each would have raised, and what is muted."""

import streamlit as st

from audit_core.detect.ruleset.ruleset import read_ruleset
from audit_core.domain.access import Allowed, Permission, decide
from pages.parts.detections import (
    mute_list,
    rule_editor,
    rule_list,
    rule_page,
    rule_place,
    rule_words,
    watch_note,
)
from pages.parts.shell import cached, viewer

person, scope = viewer.require(Permission.READ)
manages = isinstance(decide(person.membership, Permission.MANAGE), Allowed)
organization_id = scope.organization_id or ""
with cached.installation().state.read() as connection:
    own = read_ruleset(connection, organization_id)

shown, edited = rule_place.shown(), rule_place.edited()
if edited:
    rule_editor.draw(edited, own, scope)
elif shown:
    rule_page.draw(shown, own, scope, manages=manages)
else:
    st.title("Rules", anchor=False)
    st.caption(
        "Each rule looks at every entry as it arrives, and raises an alert where it finds "
        "something."
    )
    watch_note.draw(scope)
    rule_list.draw(own, rule_words.figures_by_rule(organization_id), manages=manages)
    mute_list.draw(own, scope, manages=manages)
