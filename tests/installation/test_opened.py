from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from audit_core.domain.errors import LogLockedError, StoreUnavailableError
from audit_core.installation.opened import Installation, SharedInstallation
from tests.support.seeded import open_seeded


def test_all_threads_share_one_product_that_is_opened_once(tmp_path: Path) -> None:
    opened: list[Installation] = []

    def open_one() -> Installation:
        opened.append(open_seeded(tmp_path).installation)
        return opened[-1]

    shared, together = SharedInstallation(open_one), Barrier(8)

    def ask(_: int) -> Installation:
        together.wait()
        return shared()

    with ThreadPoolExecutor(8) as pool:
        found = set(map(id, pool.map(ask, range(8))))
    assert found == {id(opened[0])}
    assert len(opened) == 1
    shared.close()
    shared.close()
    with pytest.raises(StoreUnavailableError, match="stopping"):
        shared()
    assert len(opened) == 1


def test_what_cannot_be_opened_is_told_and_tried_again(tmp_path: Path) -> None:
    failures = [LogLockedError("The log is in use.", "Stop the other process.")]

    def open_one() -> Installation:
        if failures:
            raise failures.pop()
        return open_seeded(tmp_path).installation

    shared = SharedInstallation(open_one)
    with pytest.raises(LogLockedError):
        shared()
    assert shared() is shared()
    shared.close()


def test_what_was_never_opened_is_closed_without_opening_it() -> None:
    shared = SharedInstallation(lambda: pytest.fail("opened"))
    shared.close()
