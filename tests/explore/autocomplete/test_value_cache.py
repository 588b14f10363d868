from collections.abc import Iterator
from pathlib import Path

import pytest

from audit_core.domain.access import Scope
from audit_core.domain.erasure import Subject
from audit_core.domain.errors import QueryTimeoutError
from audit_core.explore.autocomplete import value_cache
from audit_core.explore.autocomplete.suggestions import Listed
from audit_core.explore.autocomplete.value_cache import LASTS, KnownValues, values_of_log
from audit_core.explore.reader import Reader
from tests.pages.explore_page import entry
from tests.support.seeded import ALPHA, BETA, Seeded, open_seeded

SCOPE = Scope(organization_id=ALPHA)


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[Seeded]:
    seeded = open_seeded(tmp_path)
    yield seeded
    seeded.installation.close()


@pytest.fixture
def known(seeded: Seeded) -> KnownValues[Scope]:
    return values_of_log(Reader(seeded.installation.log), seeded.clock)


def pairs(listed: Listed) -> list[tuple[str, int]]:
    return [(item.value, item.count) for item in listed.values]


def test_values_are_read_once_a_minute(seeded: Seeded, known: KnownValues[Scope]) -> None:
    seeded.installation.log.append([entry(seeded, 1), entry(seeded, 2)])
    assert pairs(known.of("action", SCOPE)) == [("start", 2)]
    seeded.installation.log.append([entry(seeded, 3, action="stop")])
    assert pairs(known.of("action", SCOPE)) == [("start", 2)]
    seeded.clock.pass_by(seconds=LASTS.total_seconds())
    assert pairs(known.of("action", SCOPE)) == [("start", 2), ("stop", 1)]


def test_nobody_is_offered_who_was_erased(seeded: Seeded, known: KnownValues[Scope]) -> None:
    log = seeded.installation.log
    log.append(
        [
            entry(seeded, 1, actor_id="ann", actor_email="ann@example.org"),
            entry(seeded, 2, actor_id="jo", actor_email="jo@example.org"),
        ]
    )
    assert ("ann@example.org", 1) in pairs(known.of("actor", SCOPE))
    subject = Subject(organization_id=ALPHA, actor_ids=frozenset({"ann"}), addresses=frozenset())
    log.erasing.erase(subject, pseudonym="erased:0123456789abcdef")
    left = pairs(known.of("actor", SCOPE))
    assert ("jo@example.org", 1) in left
    assert ("ann@example.org", 1) not in left


def test_each_scope_has_its_own(seeded: Seeded, known: KnownValues[Scope]) -> None:
    seeded.installation.log.append(
        [entry(seeded, 1), entry(seeded, 2, organization_id=BETA, action="x")]
    )
    assert pairs(known.of("action", SCOPE)) == [("start", 1)]
    assert pairs(known.of("action", Scope(organization_id=BETA))) == [("x", 1)]


class Slow(Reader):
    """Reads as if a log took too long, and counts how often it was tried."""

    tried = 0

    def listed(self, *_: object) -> Listed:
        Slow.tried += 1
        raise QueryTimeoutError("The query took longer than 3 seconds.", "Ask for less.")


def test_what_takes_too_long_is_not_tried_again_for_a_minute(seeded: Seeded) -> None:
    known = values_of_log(Slow(seeded.installation.log), seeded.clock)
    for _ in range(3):
        assert known.of("action", SCOPE) == Listed(complete=False)
    assert Slow.tried == 1
    seeded.clock.pass_by(seconds=LASTS.total_seconds())
    known.of("action", SCOPE)
    assert Slow.tried == 2


def test_only_so_many_lists_are_kept(
    seeded: Seeded, known: KnownValues[Scope], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(value_cache, "MAX_KEPT", 2)
    for number in range(5):
        known.of("action", Scope(organization_id=f"org-{number}"))
    assert len(known._kept) == 2
