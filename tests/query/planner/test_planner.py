"""Why a rollup was used or was not: each reason has a query that it is given for."""

from unittest.mock import patch

import pytest

from audit_core.domain.access import Scope
from audit_core.log.engines.duckdb import rollups
from audit_core.log.store import open_log
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.planner.plan import ENTRIES, Reason
from audit_core.query.planner.planner import Planner
from audit_core.query.query import Query
from audit_core.query.time.windows import Window
from tests.support.strategies import NOW, entry

ALPHA = Scope(organization_id="org-alpha")
GIVEN = {
    Reason.SHORT: {"window": Window(preset="1h"), "targets": ("sb-1",)},
    Reason.TARGETS: {"targets": ("sb-1", "sb-2"), "text": "space"},
    Reason.FINER: {"query": "metadata.body.name:x"},
    Reason.ROLLUP: {"query": "action:start"},
    Reason.FOUND_TARGETS: {"query": "target:sb-1*"},
    Reason.MIXED: {"query": "target:sb-1 OR action:delete"},
}


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    file = tmp_path_factory.mktemp("planned") / "log.duckdb"
    with patch.object(rollups, "BATCH", 3):
        log = open_log(f"duckdb:///{file}", clock=lambda: NOW)
        done = (("sb-1", "start"), ("sb-2", "start"), (None, "delete"), ("sb-3", "delete"))
        log.append(
            [
                entry(f"id-{number}", created_at=NOW, target_id=target, action=action)
                for number, (target, action) in enumerate(done)
            ]
        )
    yield log
    log.close()


@pytest.mark.parametrize("reason", GIVEN, ids=lambda reason: reason.name)
def test_a_plan_says_why(log, reason):
    entry_filter = EntryFilter(**{"window": Window(preset="7d"), **GIVEN[reason]})
    plan = Planner(log).plan(Query(entry_filter, ALPHA, entry_filter.window.time_range(NOW)))
    assert plan.reason is reason
    assert (plan.source is ENTRIES) == (reason is not Reason.ROLLUP)


def test_each_reason_is_given():
    assert {*GIVEN, Reason.NO_ROLLUPS} == set(Reason)
