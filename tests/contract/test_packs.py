"""A pack of the log holds on every engine, with what is unfinished and what is searched as text."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from zipfile import ZipFile

from audit_core.domain.access import Scope
from audit_core.evidence.pack.making.from_log import make_pack
from audit_core.evidence.pack.verdicts import Part, State
from audit_core.evidence.pack.verifier import verify
from audit_core.integrity.actor_keys import ActorKeys
from audit_core.integrity.leaf_keeper import LeafKeeper
from audit_core.integrity.tree import Trees
from audit_core.log.store import open_log
from audit_core.query.entry_filter import EntryFilter
from audit_core.query.query import Query
from audit_core.query.time.windows import TimeRange
from tests.evidence.nasty_entries import NOON, made
from tests.support.new_state import new_state

KEY = b"k" * 32
OURS = "org-alpha"


def test_a_pack_of_the_log_holds(new_url, tmp_path) -> None:
    state = new_state(tmp_path / "state.sqlite")
    keys = ActorKeys(state, KEY)
    at = [NOON]
    url = new_url()
    log = open_log(url, clock=lambda: at[0], keeper=LeafKeeper(state, keys))
    trees = Trees(log=log, state=state, keys=keys, installation_key=KEY, clock=lambda: at[0])
    flying = [made(number, status_code=None) for number in range(6)]
    others = [made(900, organization_id="another")]
    log.append([*flying, *others, *(made(number, error_message="Boom") for number in range(6, 12))])
    at[0] += timedelta(hours=1)
    later = [made(number, created_at=at[0] - timedelta(minutes=1)) for number in range(20, 30)]
    log.append([*later, *(replace(item, status_code=200) for item in flying[:3])])
    whole = EntryFilter()
    ended = TimeRange(since=None, until=None)
    begun = TimeRange(since=NOON + timedelta(minutes=30), until=None)
    for entry_filter, time_range, number, state_of_filter in (
        (whole, ended, 22, State.HOLDS),
        (whole, begun, 10, State.HOLDS),
        (EntryFilter(query="status:none"), ended, 3, State.HOLDS),
        (EntryFilter(text="boom"), ended, 6, State.PARTLY),
    ):
        query = Query(entry_filter, Scope(organization_id=OURS), time_range)
        pack = b"".join(
            make_pack(log, trees, query, clock=lambda: at[0], made_by=None, log_url=url)
        )
        report = verify(io.BytesIO(pack), key=trees.sealing.signer.key)
        assert not report.fails, report.as_json()
        assert report[Part.FILTER].state is state_of_filter
        assert int(report.subject["counts"]["entry"]) == number
        assert (int(report.subject["run"]["start"]) > 0) == (time_range is begun)
        # What is said as SQL gives the same entries, where whoever looks runs it.
        if entry_filter is not whole or time_range is begun:
            with ZipFile(io.BytesIO(pack)) as archive:
                readme = archive.read("README.txt").decode()
            sql = readme[readme.index("    SELECT") :]
            with log._reading(query.scope) as connection:
                assert len(connection.exec_driver_sql(sql).fetchall()) == number
    log.close()
    state.close()
