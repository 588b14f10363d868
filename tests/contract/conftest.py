"""Every test here runs on every engine of the log."""

from collections.abc import Callable, Iterator

import pytest

from audit_core.log.engines.duckdb import rollups
from audit_core.log.store import AuditLog, Limits, open_log
from tests.contract.engines import ENGINES, Engines
from tests.support.strategies import NOW

OpenLog = Callable[..., AuditLog]


@pytest.fixture(scope="module", autouse=True)
def counts_of_few() -> Iterator[None]:
    """Where counts are kept, some of the few entries here are counted, and some not yet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rollups, "BATCH", 150)
        yield


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def new_url(engines: Engines, engine: str) -> Callable[[], str]:
    """Gives the URL of a log that does not exist yet."""
    return lambda: engines.new_url(engine)


@pytest.fixture(scope="module")
def open_logs() -> Iterator[list[AuditLog]]:
    """The logs that `new_log` has opened and that are still open."""
    logs: list[AuditLog] = []
    yield logs
    for log in logs:
        log.close()


@pytest.fixture(autouse=True)
def _logs_closed(open_logs: list[AuditLog]) -> Iterator[None]:
    """Those of a test are closed behind it, before they are dropped; what a module shares stays."""
    before = len(open_logs)
    yield
    for log in open_logs[before:]:
        log.close()
    del open_logs[before:]


@pytest.fixture(scope="module")
def new_log(new_url: Callable[[], str], open_logs: list[AuditLog]) -> OpenLog:
    """Opens empty logs, each in a database of its own; closes them at the end."""

    def open_new(limits: Limits | None = None) -> AuditLog:
        log = open_log(new_url(), clock=lambda: NOW, limits=limits)
        open_logs.append(log)
        return log

    return open_new


@pytest.fixture
def log(new_log: OpenLog) -> Iterator[AuditLog]:
    """An empty log."""
    log = new_log()
    yield log
    log.close()
