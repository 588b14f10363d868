from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from audit_core.log.store import AuditLog, open_log
from tests.contract.engines import Engines, started
from tests.strategies import NOW


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
