"""In the simulator's log the rules find what was planted, and little else."""

from contextlib import closing

import pytest

from audit_core.detect.rules.catalog import FOLDER, rule_files
from audit_core.detect.rules.examples import examples_path, read_examples
from audit_core.detect.rules.reading import read_rule_file
from audit_core.log.store import open_log
from audit_core.simulator import DEMO_ORGANIZATIONS
from tests.support.simulated_alarms import (
    FOUND_BY,
    UNTIL,
    alarms_of,
    found_rows,
    is_alarm,
    place_of,
    planted,
    simulated,
    touches,
)

ENTRIES = 100_000
SEED = 7
MAX_PER_100_000 = 1
RULES = {path.stem: read_rule_file(path) for path in rule_files(FOLDER)}
PLANTED_DAYS = 40
"""How long before the end the first example is planted: examples last up to twenty days."""


@pytest.fixture(scope="module")
def held(tmp_path_factory):
    url = f"duckdb:///{tmp_path_factory.mktemp('simulated') / 'log.duckdb'}"
    with closing(open_log(url, clock=lambda: UNTIL)) as log:
        yield simulated(log, entries=ENTRIES, seed=SEED)


def test_incidents_are_found_by_their_rules_and_little_else_is(held):
    alarms = {name: alarms_of(held, rule) for name, rule in RULES.items()}
    assert held.incidents.keys() == FOUND_BY.keys()
    for incident, names in FOUND_BY.items():
        assert {name for name in names if not alarms[name].incidents.get(incident)} == set()
    others = {name: one.others for name, one in alarms.items() if is_alarm(RULES[name])}
    assert sum(others.values()) * 100_000 <= MAX_PER_100_000 * held.entries, others
    assert_planted_examples_are_found(held)


def assert_planted_examples_are_found(held):
    """Among all that else happens, each rule finds what its first example shows. After the rest:
    what is planted is an alarm of other rules, too."""
    organization_id = DEMO_ORGANIZATIONS[0][0]
    stories = {}
    for path in rule_files(FOLDER):
        file = examples_path(path)
        example = next(one for one in read_examples(file.read_text(), file.name) if one.finds)
        stories[path.stem] = planted(example, organization_id, path.stem, PLANTED_DAYS)
    held.log.append([entry for entries in stories.values() for entry in entries])
    missed = [
        name
        for name, entries in stories.items()
        if not any(
            touches(row, organization_id, [place_of(entry) for entry in entries])
            for row in found_rows(held.log, RULES[name], organization_id)
        )
    ]
    assert missed == []
