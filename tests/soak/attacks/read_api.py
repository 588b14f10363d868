"""Clients read the log page by page over HTTP while it is written to, and strangers try to."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx

from audit_core.domain.entries import AuditEntry
from audit_core.web.routes.reading import caller
from tests.clients.official import (
    AsyncPythonClient,
    Client,
    PythonClient,
    TypeScriptClient,
    has_typescript,
)
from tests.evidence.nasty_entries import NOON, made
from tests.soak.attack import Held, Scale
from tests.support.seeded import ALPHA, BETA, Seeded, open_seeded
from tests.web.conftest import app_of
from tests.web.served import served, wait_for

ENTRIES = {Scale.SMALL: 2_500, Scale.FULL: 25_000}
STRANGERS = {Scale.SMALL: 8, Scale.FULL: 1_000}
LEAVERS = {Scale.SMALL: 5, Scale.FULL: 60}
READ = "read:audit_logs"


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """One product on a real port; a writer never pauses."""
    seeded = open_seeded(folder)
    # Every client here comes from one clock that stands still.
    caller.MAX_REQUESTS, before = 10**9, caller.MAX_REQUESTS
    seeded.installation.log.append([entry(number) for number in range(ENTRIES[scale])])
    stopped = threading.Event()
    writer = threading.Thread(target=_write, args=(seeded, stopped, ENTRIES[scale]))
    try:
        with served(app_of(seeded.installation)) as port:
            writer.start()
            yield _paging(seeded, f"http://127.0.0.1:{port}/api", scale)
            yield _strangers(seeded, f"http://127.0.0.1:{port}", scale)
            yield _leaving(seeded, port, scale)
    finally:
        stopped.set()
        if writer.ident is not None:
            writer.join()
        caller.MAX_REQUESTS = before
        seeded.installation.close()


def entry(number: int, organization_id: str = ALPHA) -> AuditEntry:
    """Five of each time, some of them in flight."""
    return made(
        number,
        organization_id=organization_id,
        status_code=None if number % 11 == 0 else 200,
        created_at=NOON + timedelta(milliseconds=number // 5),
    )


def _write(seeded: Seeded, stopped: threading.Event, first: int) -> None:
    """New entries, others of the past that arrive late, some that finish, and of another
    organization."""
    log, chance = seeded.installation.log, random.Random(14)  # noqa: S311
    number = 10 * first
    while not stopped.wait(0.05):
        number += 20
        finished = chance.randrange(first // 11) * 11
        log.append(
            [
                *(entry(number + one) for one in range(10)),
                made(number + 10, id=f"late-{number}", created_at=NOON),
                made(finished, created_at=NOON + timedelta(milliseconds=finished // 5)),
                *(entry(number + one, BETA) for one in range(11, 20)),
            ]
        )


def _paging(seeded: Seeded, host: str, scale: Scale) -> Held:
    token = seeded.token(ALPHA, READ)
    before = {f"entry-{number:06}" for number in range(ENTRIES[scale])}
    kinds: list[type[Client]] = [PythonClient, AsyncPythonClient]
    if has_typescript():
        kinds.append(TypeScriptClient)
    figures = []
    for kind in kinds:
        name, began = kind.__name__, time.monotonic()
        found = kind(host=host, token=token).walk(ALPHA, limit=200)
        assert len(found) == len(set(found)), f"{name} was given an entry twice"
        assert before <= set(found), f"{name} was not given {len(before - set(found))} entries"
        figures.append(f"{name} {len(found):,} in {time.monotonic() - began:.1f} s")
    return Held(
        "an official client that follows nextToken is given each entry once while others are added",
        ", ".join(figures),
    )


def _strangers(seeded: Seeded, address: str, scale: Scale) -> Held:
    chance = random.Random(15)  # noqa: S311
    path = f"{address}/api/audit/organizations/{ALPHA}"
    with httpx.Client(trust_env=False) as client:
        headers = {"authorization": f"Bearer {seeded.token(ALPHA, READ)}"}
        own = client.get(path, headers=headers, params={"limit": 2}).json()["nextToken"]
        beta = {"authorization": f"Bearer {seeded.token(BETA, READ)}"}
        for _ in range(STRANGERS[scale]):
            place = chance.randrange(len(own))
            broken = own[:place] + chance.choice("abcXYZ019_-=") + own[place + 1 :]
            refused = [
                client.get(path, headers=beta, params={"nextToken": own}),
                client.get(f"{path}x", headers=headers, params={"nextToken": own}),
                client.get(f"{address}/api/admin/audit", headers=headers),
                client.get(path, headers=headers, params={"page": chance.randrange(101, 10**9)}),
                client.get(path, headers=headers, params={"limit": chance.randrange(201, 10**9)}),
                client.get(path, headers=headers, params={"action": _hostile(chance)}),
            ]
            if broken != own:
                refused.append(client.get(path, headers=headers, params={"nextToken": broken}))
            for answer in refused:
                assert answer.status_code in (400, 403), (answer.request.url, answer.text[:200])
                assert "entry-" not in answer.text
    return Held(
        "no other organization's token, changed nextToken, deep page or hostile JSON gets an entry",
        f"{STRANGERS[scale] * 7:,} requests",
    )


def _hostile(chance: random.Random) -> str:
    return chance.choice(
        (
            "[" * 10_000,
            '{"eq":' * 2_000,
            '{"eq":"' + "a" * 40_000 + '"}',
            '{"eq":{"eq":"a"}}',
            '{"eq":"a","eq":"b"}',
            '{"in":[' + "0," * 5_000 + "0]}",
            '{"__proto__":{"eq":"a"}}',
            '{"eq":NaN}',
            '{"eq":"\\ud800"}',
            "{'eq':'a'}",
        )
    )


def _leaving(seeded: Seeded, port: int, scale: Scale) -> Held:
    """Who asks and goes away, or does not read the answer, leaves nothing running."""
    token, log = seeded.token(ALPHA, READ), seeded.installation.log
    connections = []
    for _ in range(LEAVERS[scale]):
        connection = socket.create_connection(("127.0.0.1", port), timeout=20)
        connection.sendall(
            f"GET /api/audit/organizations/{ALPHA}?limit=200&targetId[not]=none HTTP/1.1\r\n"
            f"Host: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        )
        connections.append(connection)
        if len(connections) % 2:
            connection.close()
    other = {"authorization": f"Bearer {seeded.token(ALPHA, READ)}"}
    answer = httpx.get(
        f"http://127.0.0.1:{port}/api/audit/organizations/{ALPHA}",
        headers=other,
        trust_env=False,
        timeout=60,
    )
    assert answer.status_code == 200
    wait_for(lambda: log.running_reads == 0, seconds=60)
    for connection in connections:
        connection.close()
    return Held(
        "callers who leave, or do not read, keep no read running and nobody else waiting",
        f"{LEAVERS[scale]} of them",
    )
