"""Which rules an organization has where nobody settled anything."""

from audit_core.detect.rules.catalog import shipped_rules
from audit_core.detect.ruleset.ruleset import (
    parsed_rule,
    read_ruleset,
    ruleset_version,
)
from audit_core.domain.alerts.level import Level
from tests.support.watching import rules_in_force


def test_shipped_rules_are_on_but_for_the_informational_ones(state, ada):
    with state.read() as connection:
        on = rules_in_force(connection, "org-a")
        every = read_ruleset(connection, "org-a")
        assert ruleset_version(connection, "org-a") == 0
    assert set(on) == {one for one in shipped_rules() if one.level is not Level.INFORMATIONAL}
    assert {one.rule for one in every.rules} == set(shipped_rules())
    assert every.unreadable == every.mutes == ()


def test_a_text_is_parsed_once():
    text = shipped_rules()[0].text
    assert parsed_rule(text) is parsed_rule(text)
