"""An organization whose alerts are told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.channels import Notifications, notifications


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Notifications]:
    with notifications(tmp_path) as made:
        yield made
