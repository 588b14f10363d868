"""The app is killed, again and again, while collectors send to it and a source is pulled."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pyarrow.compute as pc
from sqlalchemy import select

from audit_core.domain.access import Scope
from audit_core.evidence.formats.json_lines_writer import json_object
from audit_core.identity.memberships import ensure_organization
from audit_core.log.schema import entries
from audit_core.log.store import utc_now
from audit_core.sources.sealed_key import seal
from audit_core.sources.source import (
    add_source,
    let_go_abandoned,
    sources_with_progress,
)
from audit_core.sources.source_input import FASTEST
from audit_core.sources.worker import SourceWorker
from tests.serving.installation import PreparedInstallation, install, long_entry
from tests.soak.attack import Held, Scale
from tests.support.app_process import AppProcess, free_port, start_app, wait_until_up
from tests.support.daytona_model import DaytonaModel, Faults, Row, row_item
from tests.support.daytona_server import served

SENDERS = 4
BATCH = 20
KILLS = {Scale.SMALL: 1, Scale.FULL: 50}
SEED = 14
PULLED_PER_S = 10
PULLED_FOR_S = {Scale.SMALL: 10, Scale.FULL: 300}
LATE_EVERY, LATE_BY = 7, timedelta(seconds=9)
UNFINISHED_EVERY, UNFINISHED_FOR = 5, timedelta(seconds=5)
PULLS_WITHIN_S, CAUGHT_UP_WITHIN_S = 60.0, 180.0
_STORED = select(entries.c.id, entries.c.organization_id, entries.c.status_code)


class _Sender(threading.Thread):
    """A collector: it sends each batch until it is acknowledged, then the next one."""

    def __init__(self, number: int, port: int, token: str) -> None:
        super().__init__(daemon=True)
        self._number = number
        self._port = port
        self._headers = {"Authorization": f"Bearer {token}"}
        self.ending = threading.Event()
        self.acknowledged: set[str] = set()
        self.repeated = 0
        """How many batches had to be sent more than once."""

    def run(self) -> None:
        entry = json_object(long_entry(1)) | {"errorMessage": "it failed"}
        batch = 0
        while not self.ending.is_set():
            ids = [str(UUID(int=self._number << 64 | batch << 16 | one)) for one in range(BATCH)]
            lines = (json.dumps(entry | {"id": id_}) for id_ in ids)
            body = "\n".join(lines)
            if not self._sent(body):
                self.repeated += 1
                while not self._sent(body):
                    time.sleep(0.2)
            self.acknowledged.update(ids)
            batch += 1

    def _sent(self, body: str) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request("POST", "/api/v1/entries", body, self._headers)
            answer = connection.getresponse()
            found = json.loads(answer.read())
            return answer.status == 200 and found["accepted"] + found["known"] == BATCH
        except (OSError, http.client.HTTPException, ValueError):
            return False  # Killed meanwhile, or not up yet.
        finally:
            connection.close()


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """After the last kill an app takes what collectors still hold, and the source is caught up."""
    installation = install(folder, entries=0)
    model = DaytonaModel(
        rows=_rows(PULLED_FOR_S[scale]),
        seed=SEED,
        faults=Faults(server_error=0.02, wrong_json=0.02, cut=0.02),
    )
    port = free_port()
    senders = [_Sender(number, port, installation.token) for number in range(1, SENDERS + 1)]
    with served(model) as url:
        _add_source(installation, url, model)
        for sender in senders:
            sender.start()
        _kill(installation, folder, port, KILLS[scale], model)
        app = _started(installation, folder / "last.log", port)
        for sender in senders:
            sender.ending.set()
        for sender in senders:
            sender.join(timeout=60)
            assert not sender.is_alive(), app.log()
        app.process.kill()
        app.process.wait()
        stored = _catch_up(installation, len(model.rows))
    acknowledged = set[str]().union(*(sender.acknowledged for sender in senders))
    assert acknowledged
    assert stored == Counter(
        {**dict.fromkeys(acknowledged, 1), **{row.item["id"]: 1 for row in model.rows}}
    )
    repeated = sum(sender.repeated for sender in senders)
    yield Held(
        "no kill of the app loses or doubles an entry that was acknowledged to a collector",
        f"{KILLS[scale]} kills, {len(acknowledged):,} entries of {SENDERS} collectors, "
        f"{repeated} batches sent again",
    )
    yield Held(
        "no kill of the app has it miss or double an entry of a source that it pulls",
        f"{len(model.rows):,} entries, late and unfinished ones among them, "
        f"{model.requests:,} requests",
    )


def _rows(seconds: int) -> list[Row]:
    """What comes while the app is killed: some of it late, some unfinished at first."""
    began = datetime.now(UTC)
    rows = []
    for number in range(seconds * PULLED_PER_S):
        at = began + timedelta(seconds=number / PULLED_PER_S)
        visible = at + (LATE_BY if number % LATE_EVERY == 0 else timedelta(0))
        finished = visible + (UNFINISHED_FOR if number % UNFINISHED_EVERY == 0 else timedelta(0))
        rows.append(
            Row(
                item=row_item(number, 200),
                created_at=at,
                visible_at=visible,
                finished_at=finished,
            )
        )
    return rows


def _add_source(installation: PreparedInstallation, url: str, model: DaytonaModel) -> None:
    opened = installation.opened()
    try:
        with opened.state.begin() as connection:
            ensure_organization(connection, organization_id=model.organization_id, name=None)
            add_source(
                connection,
                organization_id=model.organization_id,
                name="Daytona",
                url=url,
                sealed_key=seal(model.key, opened.key),
                requests_per_minute=FASTEST,
                policy=None,
                actor="somebody",
                now=utc_now(),
            )
    finally:
        opened.close()


def _started(installation: PreparedInstallation, log_file: Path, port: int) -> AppProcess:
    app = start_app(installation.environment, log_file, port=port)
    wait_until_up(app)
    return app


def _kill(
    installation: PreparedInstallation, folder: Path, port: int, kills: int, model: DaytonaModel
) -> None:
    """Each app is killed at whatever it does, a moment after it has begun to pull."""
    chance = random.Random(SEED)  # noqa: S311  # no secret
    for number in range(kills):
        requests = model.requests
        app = _started(installation, folder / f"app-{number}.log", port)
        ends_at = time.monotonic() + PULLS_WITHIN_S
        while model.requests == requests:
            assert time.monotonic() < ends_at, app.log()
            time.sleep(0.02)
        time.sleep(chance.uniform(0.2, 3.0))
        app.process.kill()
        app.process.wait()


def _catch_up(installation: PreparedInstallation, rows: int) -> Counter[str]:
    """Read the source as `source sync --follow` does until every row of it is there and finished;
    the ids of all that is stored, with how often."""
    opened = installation.opened()
    try:
        with opened.state.begin() as connection:
            let_go_abandoned(connection, shared_log=opened.log.shared)
            ((source, _),) = sources_with_progress(connection, None)
        ends_at = time.monotonic() + CAUGHT_UP_WITHIN_S
        stored = opened.log.fetch(_STORED, Scope.everything(), max_rows=10_000_000).table

        def wait(seconds: float) -> bool:
            nonlocal stored
            time.sleep(seconds)
            stored = opened.log.fetch(_STORED, Scope.everything(), max_rows=10_000_000).table
            pulled = stored.filter(pc.equal(stored["organization_id"], source.organization_id))
            assert time.monotonic() < ends_at, f"{pulled.num_rows} of {rows} rows"
            return pulled.num_rows >= rows and pulled["status_code"].null_count == 0

        worker = SourceWorker(installation=opened, source=source, holder="soak", wait=wait)
        assert worker.run()
        return Counter(stored.column("id").to_pylist())
    finally:
        opened.close()
