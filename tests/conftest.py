from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from audit_core.log.store import AuditLog, open_log
from tests.contract.engines import Engines, started
from tests.strategies import NOW

TESTS = Path(__file__).parent
BROWSER, SOAK = TESTS / "browser", TESTS / "soak"


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist, which reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests first, since they fail soonest.

    Where the tests run in several processes, a file stays in one, since its tests share what is
    dear to make; all browser tests do, which share one app; an attack stands for itself.
    """
    items.sort(key=lambda item: not item.path.is_relative_to(BROWSER))
    for item in items:
        if not item.path.is_relative_to(SOAK):
            shared = BROWSER if item.path.is_relative_to(BROWSER) else item.path
            item.add_marker(pytest.mark.xdist_group(shared.relative_to(TESTS).as_posix()))


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """The engines' servers, started when first asked for."""
    with started() as engines:
        yield engines


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
