"""What sessions cost that watch Explore, one and many of them, with and without Real-time.

The clients speak the app's own protocol over websockets, in this process: a browser for each
would need more of the processor than the server does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle
from statistics import median, quantiles
from typing import Any

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from websockets.asyncio.client import ClientConnection, connect

from audit_core.api.identity import SESSION_COOKIE
from audit_core.state.accounts import find_account
from audit_core.state.database import open_state
from audit_core.state.sessions import issue_code, redeem_code
from benchmarks.interactions import served
from benchmarks.prepared import EMAIL, Prepared

MANY = 20
SETTLED_S, WATCHED_S = 8.0, 20.0
ROUNDS = 4
WINDOWS = ("90d", "30d", "all", "1d", "7d")
TIMEOUT_S = 120.0


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
    ticking: dict[str, asyncio.Task[None]] = field(default_factory=dict)
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
            elif kind == "auto_rerun":
                self._tick(message.auto_rerun.fragment_id, message.auto_rerun.interval)
            elif kind == "stop_auto_rerun":
                for fragment_id in message.stop_auto_rerun.fragment_ids:
                    if fragment_id in self.ticking:
                        self.ticking.pop(fragment_id).cancel()
            elif kind == "script_finished":
                self.ended.set()
            elif kind == "delta":
                box = message.delta.new_element.checkbox
                self.toggle = box.id if box.label == "Real-time" else self.toggle

    def _tick(self, fragment_id: str, interval_s: float) -> None:
        async def again() -> None:
            while True:
                await asyncio.sleep(interval_s)
                await self.ask(fragment_id=fragment_id, is_auto_rerun=True)

        if fragment_id not in self.ticking:
            self.ticking[fragment_id] = asyncio.create_task(again())


def measure(prepared: Prepared) -> list[Load]:
    """One and many sessions, without and with Real-time."""
    secret = _signed_in(prepared)
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
    sessions = [await _opened(address, secret) for _ in range(count)]
    listening = [asyncio.create_task(session.listen()) for session in sessions]
    for session in sessions:
        await session.run()
        await session.run()
        session.real_time = real_time
        await session.run()
    await asyncio.sleep(SETTLED_S)
    if real_time and not all(session.ticking for session in sessions):
        raise SystemExit("Real-time was not switched on.")
    began, before = time.monotonic(), _processor_s(server)
    await asyncio.sleep(WATCHED_S)
    spent_ms = (_processor_s(server) - before) * 1000 / (time.monotonic() - began)
    times: list[float] = []
    for _, window in zip(range(ROUNDS), cycle(WINDOWS), strict=False):
        for session in sessions:
            session.query = f"window={window}"
        times += await asyncio.gather(*(session.run() for session in sessions))
    for task in (*listening, *(task for each in sessions for task in each.ticking.values())):
        task.cancel()
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


async def _opened(address: str, secret: str) -> Session:
    socket = await connect(
        f"{address.replace('http', 'ws', 1)}/_stcore/stream",
        subprotocols=["streamlit"],  # type: ignore[list-item]
        origin=address,  # type: ignore[arg-type]
        additional_headers={"Cookie": f"{SESSION_COOKIE}={secret}"},
        max_size=None,
    )
    return Session(socket=socket)


def _signed_in(prepared: Prepared) -> str:
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


def _processor_s(server: psutil.Process) -> float:
    times = server.cpu_times()
    return float(times.user + times.system)
