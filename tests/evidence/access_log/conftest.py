"""A state of each engine, with events to look for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from audit_core.evidence.access_log.reader import RecordReader
from audit_core.state.database import State, open_state
from tests.contract.engines import Engines
from tests.evidence.access_log.events import fill


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def state(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, engines: Engines
) -> Iterator[State]:
    folder: Path = tmp_path_factory.mktemp("state")
    url = (
        engines.new_url("postgresql")
        if request.param == "postgresql"
        else f"sqlite:///{folder / 'state.sqlite'}"
    )
    opened = open_state(url)
    fill(opened)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def reader(state: State) -> RecordReader:
    return RecordReader(state)
