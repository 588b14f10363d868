"""Four pages watch a log that grows by ten entries a second: the app's memory stays flat."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import mean
from uuid import uuid4

import httpx
import psutil

from audit_core.evidence.formats.json_lines_writer import json_object
from audit_core.identity.accounts import find_account
from audit_core.identity.sessions import issue_code, redeem_code
from audit_core.log.store import utc_now
from audit_core.state.database import open_state
from audit_core.web.security.identity import SESSION_COOKIE
from benchmarks.sessions import Session, opened
from tests.browser.prepared import ADMIN, Prepared, entry, prepare
from tests.soak.attack import Held, Scale
from tests.support.app_process import running_app
from tests.support.event_loop import run_apart

PAGES = 4
PER_SECOND = 10
WATCHED_S = {Scale.SMALL: 6.0, Scale.FULL: 3600.0}
WARM_S = 120.0
"""Until then imports, pools and caches fill."""
LOOK_S = 2.0
GROWTH = 1.05
"""How much more the last third of the time may hold than the second."""
ROOM_MB = 15.0


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """The clients speak the app's own protocol, as browsers with Real-time switched on do."""
    prepared = prepare(folder)
    secret = signed_in(prepared, ADMIN)
    with running_app(prepared.environment, folder / "app.log") as app:
        watching = _watched(prepared, app.url, app.process.pid, secret, WATCHED_S[scale])
        watched = run_apart(watching)
    held = [megabytes for at, megabytes in watched if at >= min(WARM_S, WATCHED_S[scale] / 3)]
    middle, last = held[: len(held) // 2], held[len(held) // 2 :]
    assert mean(last) <= mean(middle) * GROWTH + ROOM_MB, watched
    yield Held(
        "the memory of a watched app stays flat",
        f"{PAGES} pages, {PER_SECOND} entries a second for {WATCHED_S[scale]:.0f} s: "
        f"{held[0]:.0f} MB at first, {mean(middle):.0f} MB then, {mean(last):.0f} MB at last",
    )


async def _watched(
    prepared: Prepared, address: str, pid: int, secret: str, for_s: float
) -> list[tuple[float, float]]:
    """(seconds, megabytes) from when the pages are open on."""
    sessions = [await opened(address, secret) for _ in range(PAGES)]
    tasks = [asyncio.create_task(session.listen()) for session in sessions]
    for session in sessions:
        await session.run()
        await session.run()
        session.real_time = True
        await session.run()
        assert session.asked is not None
    cookie = {"Cookie": f"{SESSION_COOKIE}={secret}"}
    # Without kept connections: the server may close one at the moment that it is used again.
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as http:
        tasks.append(asyncio.create_task(_append(http, prepared.token)))
        tasks += [asyncio.create_task(_look_out(http, cookie, item)) for item in sessions]
        began, server = time.monotonic(), psutil.Process(pid)
        found = []
        while (at := time.monotonic() - began) < for_s:
            for task in tasks:
                if task.done():
                    task.result()
            found.append((at, server.memory_info().rss / 2**20))
            await asyncio.sleep(min(10.0, for_s / 12))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for session in sessions:
        await session.socket.close()
    return found


async def _append(http: httpx.AsyncClient, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    while True:
        body = "".join(
            json.dumps(json_object(entry(str(uuid4()), utc_now()))) + "\n"
            for _ in range(PER_SECOND)
        )
        answer = await http.post("/api/v1/entries", content=body, headers=headers)
        assert answer.raise_for_status().json()["accepted"] == PER_SECOND
        await asyncio.sleep(1)


async def _look_out(http: httpx.AsyncClient, cookie: dict[str, str], session: Session) -> None:
    """What `browser_watch.js` does."""
    while session.asked is not None:
        await asyncio.sleep(LOOK_S)
        answer = await http.get(session.asked["path"], headers=cookie)
        if answer.raise_for_status().json()["head"] != session.asked["head"]:
            await session.run()


def signed_in(prepared: Prepared, email: str) -> str:
    """The secret of a new session."""
    now = utc_now()
    state = open_state(prepared.environment["SANDTRAIL_STATE_URL"])
    try:
        with state.begin() as connection:
            account = find_account(connection, email)
            assert account is not None
            code = issue_code(connection, account_id=account.id, now=now)
            secret = redeem_code(
                connection,
                code=code,
                now=now,
                lifetime=timedelta(days=1),
                address=None,
                user_agent=None,
            )
    finally:
        state.close()
    assert secret
    return secret
