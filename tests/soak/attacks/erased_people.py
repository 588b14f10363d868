"""People are erased one after the other, by a process that is killed again and again; then every
byte is searched for what they were called."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest

from audit_core.domain.access import Scope
from audit_core.domain.entries import AuditEntry
from audit_core.domain.erasure import Subject
from audit_core.evidence.pack.making.from_log import make_pack
from audit_core.evidence.pack.verifier import verify
from audit_core.installation.opened import Installation, open_installation
from audit_core.log.store import utc_now
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from audit_core.runtime.settings import Settings
from tests.soak.attack import Held, Scale
from tests.support.byte_search import holding, write_uncompressed
from tests.support.new_state import new_state
from tests.support.strategies import NOW, entry

ORGANIZATION = "org-alpha"
PEOPLE = {Scale.SMALL: 6, Scale.FULL: 1000}
STAYING = {Scale.SMALL: 2, Scale.FULL: 50}
KILLS = {Scale.SMALL: 1, Scale.FULL: 12}
ENTRIES = 10
"""Of each person."""
EVERYTHING = Query(
    EntryFilter(), Scope(organization_id=ORGANIZATION), TimeRange(since=None, until=None)
)


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """Nothing of the erased is left in a byte, all that was proven before still is, and the others
    are as they were."""
    people, staying = PEOPLE[scale], STAYING[scale]
    new_state(folder / "state.sqlite").close()
    with pytest.MonkeyPatch.context() as patch:
        write_uncompressed(patch)
        with closing(_opened(folder)) as opened:
            for start in range(0, people + staying, 200):
                numbers = range(start, min(start + 200, people + staying))
                opened.log.append([item for number in numbers for item in _entries(number)])
            old = opened.trees.sealed_now(ORGANIZATION)
            packs = [_pack(opened) for _ in range(3)]
            size, root = old.size(), old.checkpoint.root
            key = opened.trees.sealing.signer.key
        erased = [text for number in range(people) for text in _names(number)]
        others = [text for number in range(people, people + staying) for text in _names(number)]
        before = holding(folder, [*erased, *others])
        assert all("log.duckdb" in before[text] for text in (*erased, *others))

        began = time.monotonic()
        kills = _erase_and_kill(folder, people, KILLS[scale])
        took = time.monotonic() - began
        with closing(_opened(folder)) as opened:
            assert not opened.log.erasing.pending()
            result = opened.trees.verify(
                ORGANIZATION, earliest=None, progress=lambda checked, to_check: None
            )
            assert result.findings == (), result.findings
            assert opened.trees.sealed_now(ORGANIZATION).root(size) == root
            packs.append(_pack(opened))
        for pack in packs:
            assert not verify(BytesIO(pack), key=key).fails
    found = holding(folder, [*erased, *others])
    assert not found.keys() & set(erased), found
    assert found.keys() == set(others)
    yield Held(
        "no byte of the erased is left in log, write-ahead log and state, and all proofs hold",
        f"{people:,} people with {people * ENTRIES:,} entries erased in {took:.0f} s, {kills} "
        f"kills, {len(packs)} packs verified, {result.kept['erased']:,} leaves closed",
    )


def _names(number: int) -> tuple[str, str]:
    return f"user-{number:05}-xq7zk", f"Person.{number:05}-xq7zk@example.org"


def _entries(number: int) -> Iterator[AuditEntry]:
    actor_id, address = _names(number)
    # Every other person is named by the one before.
    _, named = _names(number + 1 if number % 2 == 0 else number)
    for at in range(ENTRIES):
        yield entry(
            f"{number}-{at}",
            actor_id=actor_id,
            actor_email=address,
            created_at=NOW - timedelta(days=3 * at, minutes=number),
            status_code=None if at == 4 else 200,
            metadata=f'{{"invited": "{named}"}}' if at % 2 else None,
            error_message=f"{address} may not" if at == 2 else None,
            target_id=actor_id if at == 3 else None,
            user_agent=f"agent of {address}",
        )


def _pack(opened: Installation) -> bytes:
    made = make_pack(opened.log, opened.trees, EVERYTHING, clock=utc_now, made_by=None)
    return b"".join(made)


def _erase_and_kill(folder: Path, people: int, kills: int) -> int:
    """How many times it was killed."""
    chance = random.Random(5)  # noqa: S311 - a fixed sequence
    killed = 0
    while True:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.attacks.erased_people", str(folder), str(people)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        if killed < kills:
            for _ in range(chance.randrange(1, max(2, people // (kills + 1)))):
                process.stdout.readline()
            time.sleep(chance.uniform(0.0, 0.2))
            process.send_signal(signal.SIGKILL)
            killed += 1
        process.stdout.read()
        process.stdout.close()
        if process.wait() == 0:
            return killed


def _opened(folder: Path) -> Installation:
    settings = Settings(
        log_url=f"duckdb:///{folder / 'log.duckdb'}",
        state_url=f"sqlite:///{folder / 'state.sqlite'}",
        key_file=folder / "key",
        free_space_floor_mb=0,
    )
    return open_installation(settings, utc_now)


def _erase_all(folder: Path, people: int) -> None:
    """Goes on where it was killed: in the file beside stands who is erased and closed."""
    done = folder / "done"
    with pytest.MonkeyPatch.context() as patch:
        write_uncompressed(patch)
        with closing(_opened(folder)) as opened:
            first = int(done.read_text()) if done.exists() else 0
            for number in range(first, people):
                _erase(opened, number)
                done.write_text(str(number + 1))
                sys.stdout.write("done\n")
                sys.stdout.flush()
            while not opened.state.write_anew():
                time.sleep(0.1)
        # Opened once more, its file is written anew.
        _opened(folder).close()


def _erase(opened: Installation, number: int) -> None:
    """As it was asked for: a person that is half erased is not to be found by the address."""
    actor_id, address = _names(number)
    subject = Subject(
        organization_id=ORGANIZATION,
        actor_ids=frozenset({actor_id}),
        addresses=frozenset({address.lower()}),
    )
    opened.log.erasing.erase(subject, pseudonym=f"erased:{number:016x}")
    opened.log.erasing.destroy_keys(subject)


if __name__ == "__main__":
    _erase_all(Path(sys.argv[1]), int(sys.argv[2]))
