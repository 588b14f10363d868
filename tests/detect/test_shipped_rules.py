"""The rules that come with the product."""

import subprocess
import sys

import pytest

from audit_core.detect.rules.attack import name_of
from audit_core.detect.rules.catalog import FOLDER, rule_files, shipped_rules
from audit_core.detect.rules.examples import examples_path, read_examples
from audit_core.detect.rules.reading import read_rule_file
from audit_core.detect.rules.rule import Single
from audit_core.detect.trying import try_examples

FILES = rule_files(FOLDER)


def test_there_are_enough_and_each_is_itself():
    rules = shipped_rules()
    assert len(rules) >= 25
    assert sum(not isinstance(rule.correlation, Single) for rule in rules) >= 8
    assert len({rule.id for rule in rules}) == len(rules) == len({rule.title for rule in rules})


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_rule_tells_a_person_what_they_need(path):
    rule = read_rule_file(path)
    assert rule.why.endswith(".")
    assert rule.what_to_do.endswith((".", "made."))
    assert rule.false_positives
    assert [one for one in rule.techniques if name_of(one) is None] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_its_examples_come_true(path):
    file = examples_path(path)
    examples = read_examples(file.read_text(), file.name)
    assert {example.finds for example in examples} == {True, False}
    tried = try_examples(read_rule_file(path), examples)
    assert [one.example.what for one in tried if not one.right] == []


def test_reading_rules_fetches_nothing():
    """pySigma fetches ATT&CK's data from the network where somebody asks it for them."""
    code = (
        "import socket, sys\n"
        "def refused(*_): raise AssertionError('the network')\n"
        "socket.socket.connect = socket.create_connection = refused\n"
        "from audit_core.detect.rules.catalog import shipped_rules\n"
        "assert shipped_rules()\n"
        "assert not [name for name in sys.modules if name.startswith('sigma.data')]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
