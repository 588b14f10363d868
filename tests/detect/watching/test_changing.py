"""A rule that is changed: what it found stands, and no write is looked at by neither version."""

import random
from contextlib import closing
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from audit_core.detect.watching import looking
from audit_core.detect.watching.ledger import read_findings
from audit_core.detect.watching.looking import digest_of, look
from audit_core.log.store import open_log
from tests.support import plain_detection
from tests.support.arrival_orders import arrivals_of
from tests.support.detections import ORGANIZATION, SINCE, entries_of, rules
from tests.support.laws import law
from tests.support.new_state import new_state
from tests.support.strategies import NOW
from tests.support.watching import start_watching


@law(200, share=20)
@given(old=rules(), new=rules(), seed=st.integers(0, 2**32))
def test_a_change_drops_nothing_and_leaves_no_write_out(tmp_path_factory, old, new, seed):
    chance = random.Random(seed)  # noqa: S311
    folder = tmp_path_factory.mktemp("changing")
    old, new = replace(old, text="old"), replace(new, text="new")
    mine = [one for one in entries_of(seed, 120) if one.organization_id == ORGANIZATION]
    arrivals = list(arrivals_of(chance, mine))
    looked, changed = sorted(chance.choices(range(len(arrivals) + 1), k=2))
    with (
        closing(open_log(f"duckdb:///{folder / 'log.duckdb'}", clock=lambda: NOW)) as log,
        closing(new_state(folder / "state.sqlite")) as state,
    ):
        start_watching(state, old, ORGANIZATION, now=SINCE, revision=0)
        log.append(arrivals[:looked])
        look(log, state, old, ORGANIZATION, now=NOW)
        with state.read() as connection:
            stood = read_findings(connection, ORGANIZATION, old.id)
        log.append(arrivals[looked:changed])
        look(log, state, new, ORGANIZATION, now=NOW)
        with state.read() as connection:
            digest = digest_of(new)
            found_anew = read_findings(connection, ORGANIZATION, new.id, rule=digest)
        log.append(arrivals[changed:])
        look(log, state, new, ORGANIZATION, now=NOW)
        look(log, state, new, ORGANIZATION, now=NOW + looking.MISSED_AFTER)
        with state.read() as connection:
            kept = read_findings(connection, ORGANIZATION, new.id)
    # What comes once more is no write.
    late = {one.id for one in mine if one not in arrivals[:looked]}
    later = NOW + looking.MISSED_AFTER
    every = keys(plain_detection.findings(new, mine, later))
    early = keys(plain_detection.findings(new, [one for one in mine if one.id not in late], later))
    assert every - early <= kept.keys()
    # What the new version found as well is its own from then on: entries may make that untrue.
    assert stood.keys() <= kept.keys() | found_anew.keys()


def keys(found):
    return {(group, hour) for group, hour, *_ in found}
