import gc
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from audit_core.log.store import AuditLog, open_log
from tests.contract.engines import Engines, started
from tests.support import laws
from tests.support.strategies import NOW

TESTS = Path(__file__).parent
DEAREST = ("browser", "contract", "soak", "cli", "log", "pages", "web")
"""The folders that run first, in turn: browser tests take longest and fail soonest, and where
several processes share the tests, what is left at the end should be short."""

# How long an example takes says what else the machine does: no law fails by it.
settings.register_profile(
    "sandtrail",
    deadline=None,
    max_examples=laws.examples(laws.UNNAMED),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("sandtrail")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is in `DEAREST` first."""
    places = {name: place for place, name in enumerate(DEAREST)}
    items.sort(key=lambda item: places.get(item.path.relative_to(TESTS).parts[0], len(places)))


def pytest_collection_finish() -> None:
    """What was imported and collected stays until the end: collections of garbage leave it out.
    Of a page there is a full one after each run."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Where the tests run in several processes, some stay together."""
    return Together(config, log)


class Together(LoadScopeScheduling):
    """A file stays in one process, since its tests share what is dear to make; all browser tests
    do, which share one app and one Chromium; each attack stands for itself."""

    def _split_scope(self, nodeid: str) -> str:
        """The tests of one scope run in one process, in order."""
        if nodeid.startswith("tests/soak/"):
            return nodeid
        if nodeid.startswith("tests/browser/"):
            return "tests/browser/"
        return nodeid.split("::")[0]


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """The engines' servers, started when first asked for."""
    with started() as engines:
        yield engines


@pytest.fixture(autouse=True)
def _logs_dropped(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test makes of ClickHouse's logs goes with it; what a module shares stays."""
    if "engines" not in request.fixturenames:
        yield
        return
    with request.getfixturevalue("engines").dropped():
        yield


@pytest.fixture
def clock() -> Callable[[], datetime]:
    """A clock that stands still."""
    return lambda: NOW


@pytest.fixture
def log(tmp_path: Path, clock: Callable[[], datetime]) -> Iterator[AuditLog]:
    """An empty log in a file of its own."""
    log = open_log(f"duckdb:///{tmp_path / 'log.duckdb'}", clock=clock)
    yield log
    log.close()
