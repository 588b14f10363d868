"""The rule for silent failures against the simulator, where the truth is known."""

import pytest

from audit_core.log.store import open_log
from audit_core.starts.attempts_sql import SilentRule
from benchmarks.silent_failures import judge, simulated
from tests.support import laws

ENTRIES = 60_000


@pytest.mark.law
@pytest.mark.parametrize("seed", [7, 19] if laws.FULL else [7])
def test_nearly_all_silent_failures_are_suspected_and_hardly_anything_else(tmp_path, seed):
    log = open_log(f"duckdb:///{tmp_path / 'log.duckdb'}")
    silent = simulated(log, entries=ENTRIES, seed=seed)
    found = judge(log, SilentRule(), silent)
    log.close()
    assert found.silent > 50
    assert found.precision >= 0.95
    assert found.recall >= 0.9
