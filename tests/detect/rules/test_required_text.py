"""Nothing that a rule is after is left out for the texts that JSON must hold."""

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from audit_core.detect.rules import condition
from audit_core.detect.rules.catalog import shipped_rules
from audit_core.detect.rules.condition import Fits, Searched
from audit_core.detect.rules.fields import RuleField
from audit_core.detect.rules.regular_expression import portable
from audit_core.detect.rules.required_text import ESCAPES, required_key, required_texts
from audit_core.query.language.ast import Wildcard
from tests.support.laws import law
from tests.support.plain_detection import fits

COMMAND = RuleField("metadata.body.command")
SHIPPED = [
    test
    for rule in shipped_rules()
    for selection in rule.selections
    for test in condition.tests_of(selection.condition)
    if isinstance(test, Fits | Searched) and test.field == COMMAND
]
PIECES = (
    *("curl", "wget", " ", "\t", "\n", "|", "sh", "sudo", "/dev/tcp/", "nc", "-e", "netcat", '"'),
    *(".ssh/id_", "rsa", ".aws/credentials", ".netrc", "/etc/shadow", "169.254.169.254", "\\"),
    *("XMRIG", "xmrig", "stratum+tcp://", "é", "K", "a", "b", "ab", "5", "1e2", ".PUB", "\x7f"),
)  # fmt: skip
WRITTEN = (
    *("ab|cd", "(a|b)c", "a+b", "x?curl", r"\.ssh/id_[a-z]+", "[ab]c", "a{2}b", "(nc|ncat)\\s+-e"),
    *("é|a", '"a"', r"a\\b", "^curl$", "(curl|wget)[^|]*[|]", "[^a]b", "5|6", "", "a?", "(a|)b"),
)  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
tests = st.one_of(
    st.sampled_from(SHIPPED),
    st.builds(
        lambda one, no_case: Searched(COMMAND, portable(one, ignore_case=no_case, dot_all=False)),
        st.sampled_from([one for one in WRITTEN if "é" not in one]),
        st.booleans(),
    ),
    st.builds(
        Fits,
        st.just(COMMAND),
        st.lists(
            st.one_of(st.sampled_from(PIECES), st.sampled_from(list(Wildcard))), max_size=3
        ).map(tuple),
        st.booleans(),
    ),
)


def is_true(test, text):
    if isinstance(test, Fits):
        return fits(text, test.pattern, cased=test.cased)
    return re.search(test.expression.replace("$", r"\Z"), text) is not None


@st.composite
def spelled(draw, text):
    """The text as JSON writes it, some characters by an escape."""
    written = json.dumps(text, ensure_ascii=draw(st.booleans()))
    if draw(st.booleans()):
        written = written.replace("/", "\\/")
    if draw(st.integers(0, 3)) == 0:
        written = written.replace("c", "\\u0063")
    return written


@law(2000)
@given(chosen=st.lists(tests, min_size=1, max_size=2), data=st.data())
def test_json_of_which_a_test_is_true_holds_what_is_looked_for(chosen, data):
    # Mostly a text that fits, so that the law has something to say.
    text = data.draw(texts)
    written = data.draw(spelled(text))
    if not any(is_true(test, text) for test in chosen):
        return
    assert json.loads(written) == text
    required = required_texts(chosen)
    assert (
        not required
        or any(escape in written for escape in ESCAPES)
        or any(one.text in (written if one.cased else written.lower()) for one in required)
    )


def test_the_rules_that_ship_look_for_something():
    assert all(required_texts([test]) for test in SHIPPED)


def test_a_key_is_looked_for_as_it_is_written():
    assert required_key(("body", "command")) == '"command"'
    assert required_key(("body", "é")) is None
    assert required_key(("body", 'a"b')) is None
