"""What sessions cost that watch Explore, one and many of them, with and without Real-time.

The clients speak the app's own protocol over websockets, in this process: a browser for each
would need more of the processor than the server does.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle
from statistics import median, quantiles
from typing import Any

import httpx
import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from websockets.asyncio.client import ClientConnection, connect

from audit_core.identity.accounts import find_account
from audit_core.identity.sessions import issue_code, redeem_code
from audit_core.state.database import open_state
from audit_core.web.security.identity import SESSION_COOKIE
from benchmarks.interactions import served
from benchmarks.prepared import EMAIL, Prepared

MANY = 20
SETTLED_S, WATCHED_S = 8.0, 20.0
ROUNDS = 4
WINDOWS = ("90d", "30d", "all", "1d", "7d")
TIMEOUT_S = 120.0
BROWSER_WATCH = "sandtrail.browser_watch"


@dataclass(frozen=True, kw_only=True)
class Load:
    """Some sessions at once."""

    sessions: int
    real_time: bool
    processor_ms_per_s: float
    """Of the server's process while nothing arrives and nobody does anything."""
    median_ms: float
    """From asking for another window to the end of the run, all sessions asking at once."""
    p95_ms: float
    server_mb: float


@dataclass(slots=True)
class Session:
    """One client that is looking at Explore."""

    socket: ClientConnection
    query: str = "window=7d"
    page_hash: str = ""
    toggle: str = ""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    asked: dict[str, Any] | None = None
    """What the page has the browser ask, and how often; `None` without Real-time."""
    real_time: bool = False

    async def ask(self, **also: Any) -> None:
        """Have the page, or a fragment of it, run."""
        state = ClientState(
            query_string=self.query,
            page_script_hash=self.page_hash,
            **also,
        )
        if self.toggle:
            switched = WidgetState(id=self.toggle, bool_value=self.real_time)
            state.widget_states.CopyFrom(WidgetStates(widgets=[switched]))
        await self.socket.send(BackMsg(rerun_script=state).SerializeToString())

    async def run(self, **also: Any) -> float:
        """The same, until the run is over; in milliseconds."""
        self.ended.clear()
        began = time.perf_counter()
        await self.ask(**also)
        await asyncio.wait_for(self.ended.wait(), TIMEOUT_S)
        return (time.perf_counter() - began) * 1000

    async def listen(self) -> None:
        """Take what the server says, and do what a browser would."""
        async for data in self.socket:
            message = ForwardMsg.FromString(data if isinstance(data, bytes) else data.encode())
            kind = message.WhichOneof("type")
            if kind == "navigation":
                pages = {page.url_pathname: page for page in message.navigation.app_pages}
                self.page_hash = pages["explore"].page_script_hash
            elif kind == "script_finished":
                self.ended.set()
            elif kind == "delta":
                self._take(message.delta.new_element)

    def _take(self, element: Element) -> None:
        if element.checkbox.label == "Real-time":
            self.toggle = element.checkbox.id
        if element.bidi_component.component_name == BROWSER_WATCH:
            self.asked = json.loads(element.bidi_component.json)["asked"]

    async def look_out(self, http: httpx.AsyncClient) -> None:
        """Ask whether the log has moved, as often as the page says."""
        while self.asked is not None:
            await asyncio.sleep(self.asked["every_s"])
            answer = await http.get(self.asked["path"])
            if answer.raise_for_status().json()["head"] != self.asked["head"]:
                raise SystemExit("The log moves while it is measured.")


def measure(prepared: Prepared) -> list[Load]:
    """One and many sessions, without and with Real-time."""
    secret = signed_in(prepared)
    loads = []
    for real_time in (False, True):
        for count in (1, MANY):
            with _watched(prepared) as (address, server):
                loads.append(asyncio.run(_load(address, secret, server, count, real_time)))
    return loads


@contextmanager
def _watched(prepared: Prepared) -> Iterator[tuple[str, psutil.Process]]:
    with served(prepared) as (address, pid):
        yield address, psutil.Process(pid)


async def _load(
    address: str, secret: str, server: psutil.Process, count: int, real_time: bool
) -> Load:
    sessions = [await opened(address, secret) for _ in range(count)]
    listening = [asyncio.create_task(session.listen()) for session in sessions]
    for session in sessions:
        await session.run()
        await session.run()
        session.real_time = real_time
        await session.run()
    if any((session.asked is not None) != real_time for session in sessions):
        raise SystemExit("The page does not say what it has the browser ask.")
    http = httpx.AsyncClient(base_url=address, headers={"Cookie": f"{SESSION_COOKIE}={secret}"})
    looking = [asyncio.create_task(session.look_out(http)) for session in sessions]
    await asyncio.sleep(SETTLED_S)
    began, before = time.monotonic(), processor_s(server)
    await asyncio.sleep(WATCHED_S)
    spent_ms = (processor_s(server) - before) * 1000 / (time.monotonic() - began)
    times: list[float] = []
    for _, window in zip(range(ROUNDS), cycle(WINDOWS), strict=False):
        for session in sessions:
            session.query = f"window={window}"
        times += await asyncio.gather(*(session.run() for session in sessions))
    for task in looking:
        if task.done():
            task.result()
    for task in (*listening, *looking):
        task.cancel()
    await http.aclose()
    for session in sessions:
        await session.socket.close()
    return Load(
        sessions=count,
        real_time=real_time,
        processor_ms_per_s=spent_ms,
        median_ms=median(times),
        p95_ms=quantiles(times, n=20)[-1],
        server_mb=server.memory_info().rss / 2**20,
    )


async def opened(address: str, secret: str) -> Session:
    """A new client of somebody who is signed in, whose page has not run yet."""
    socket = await connect(
        f"{address.replace('http', 'ws', 1)}/_stcore/stream",
        subprotocols=["streamlit"],  # type: ignore[list-item]
        origin=address,  # type: ignore[arg-type]
        additional_headers={"Cookie": f"{SESSION_COOKIE}={secret}"},
        max_size=None,
    )
    return Session(socket=socket)


def signed_in(prepared: Prepared) -> str:
    """The secret of a new session of the benchmark's admin."""
    now = datetime.now(UTC)
    state = open_state(prepared.environment["SANDTRAIL_STATE_URL"])
    with state.begin() as connection:
        account = find_account(connection, EMAIL)
        if account is None:
            raise SystemExit(f"There is no account {EMAIL}.")
        code = issue_code(connection, account_id=account.id, now=now)
        secret = redeem_code(
            connection,
            code=code,
            now=now,
            lifetime=timedelta(days=1),
            address=None,
            user_agent=None,
        )
    state.close()
    return secret or ""


def processor_s(server: psutil.Process) -> float:
    """Processor time of a process so far, in seconds."""
    times = server.cpu_times()
    return float(times.user + times.system)
