"""The process that carries erasures out is killed, again and again, at any point."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from audit_core.domain.erasure import Subject
from audit_core.evidence.erasures import deeds, store
from audit_core.evidence.erasures.carrying_out import carry_out
from audit_core.evidence.erasures.erasure import TO_ERASE, Stage
from audit_core.evidence.erasures.sweeping import sweep
from audit_core.identity.administration import Administrator
from audit_core.identity.memberships import ensure_organization
from audit_core.installation.opened import Installation, open_installation
from audit_core.log.store import utc_now
from audit_core.runtime.settings import Settings
from audit_core.state.erasures.tables import erasure
from tests.soak.attack import Held, Scale
from tests.support.new_state import new_state
from tests.support.strategies import entry

ORGANIZATION = "org-alpha"
PEOPLE = {Scale.SMALL: 6, Scale.FULL: 400}
KILLS = {Scale.SMALL: 2, Scale.FULL: 40}
ENTRIES_OF_EACH = 5


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """Each start goes on where the last process was killed, until nobody is left."""
    new_state(folder / "state.sqlite").close()
    number, chance = PEOPLE[scale], random.Random(7)  # noqa: S311 - a fixed sequence
    with closing(_opened(folder)) as opened:
        _fill(opened, number)
        root = opened.trees.sealed_now(ORGANIZATION).checkpoint
    for _ in range(KILLS[scale]):
        with subprocess.Popen(
            [sys.executable, "-m", "tests.soak.attacks.killed_erasures", str(folder)],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            time.sleep(chance.uniform(0.0, 0.6))
            process.send_signal(signal.SIGKILL)
    _erase(folder)
    with closing(_opened(folder)) as opened:
        assert sweep(opened.erasures).entries == 0
        rows = str(opened.log.writes.between(ORGANIZATION, after=0, until=10**9).to_pylist())
        assert "person-" not in rows and rows.count("'erased:") == number * ENTRIES_OF_EACH
        with opened.state.read() as connection:
            erasures = store.list_erasures(connection, ORGANIZATION, limit=number + 1)
        assert {one.subject for one in erasures} == {None}
        assert {one.stage for one in erasures} <= {Stage.REWRITING, Stage.DONE}
        newest = opened.trees.sealed_now(ORGANIZATION)
        assert newest.root(root.size) == root.root
        result = opened.trees.verify(
            ORGANIZATION, earliest=None, progress=lambda checked, to_check: None
        )
        assert result.findings == ()
    yield Held(
        "erasures that are killed at any point are carried out in the end, and every proof holds",
        f"{KILLS[scale]} kills, {number} people erased, "
        f"{result.kept.get('erased', 0):,} erased leaves",
    )


def _fill(opened: Installation, number: int) -> None:
    made = utc_now() - timedelta(days=40)
    opened.log.append(
        [
            entry(
                f"{person}-{of}",
                actor_id=f"person-{person}",
                actor_email=f"person-{person}@example.org",
                created_at=made + timedelta(days=7 * of),
            )
            for person in range(number)
            for of in range(ENTRIES_OF_EACH)
        ]
    )
    by = Administrator(actor="a@x.org", account_id=None, address=None, now=utc_now())
    with opened.state.begin() as connection:
        ensure_organization(connection, organization_id=ORGANIZATION)
        for person in range(number):
            deeds.ask(
                connection,
                by,
                opened.erasures.identities,
                subject=Subject(
                    organization_id=ORGANIZATION,
                    actor_ids=frozenset({f"person-{person}"}),
                    addresses=frozenset({f"person-{person}@example.org"}),
                ),
                reason="Case",
            )
        # As another admin does it.
        confirmed = {"stage": Stage.CONFIRMED.value, "confirmed_at": utc_now()}
        connection.execute(erasure.update().values(confirmed))


def _opened(folder: Path) -> Installation:
    settings = Settings(
        log_url=f"duckdb:///{folder / 'log.duckdb'}",
        state_url=f"sqlite:///{folder / 'state.sqlite'}",
        key_file=folder / "key",
        free_space_floor_mb=0,
    )
    return open_installation(settings, utc_now)


def _erase(folder: Path) -> None:
    opened = _opened(folder)
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    with opened.state.read() as connection:
        found = store.in_stages(connection, TO_ERASE, limit=None)
    for one in found:
        carry_out(opened.erasures, one)
    opened.close()


if __name__ == "__main__":
    _erase(Path(sys.argv[1]))
