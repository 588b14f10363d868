"""The app is told to stop while clients hold on to it: within ten seconds, nothing lost."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from websockets.sync.client import connect

from audit_core.evidence.formats.json_lines_writer import json_object
from tests.serving.installation import EXPORT, PreparedInstallation, install, long_entry
from tests.soak.attack import Held, Scale
from tests.support.app_process import AppProcess, running_app

ENTRIES = 1_500
CLIENTS = {Scale.SMALL: 2, Scale.FULL: 10}
"""Of each kind."""
SIGNALS = {
    Scale.SMALL: (signal.SIGTERM,),
    Scale.FULL: (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGTERM),
}
WITHIN_S = 10.0
STALLED_BUFFER = 4096


@dataclass
class _Clients:
    """What clients saw until their connections ended."""

    app: AppProcess
    installation: PreparedInstallation
    acknowledged: set[str] = field(default_factory=set)
    endings: list[str] = field(default_factory=list)
    """Of downloads that were read: `whole` or `broken`."""
    held: list[socket.socket] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)

    def start(self, number: int) -> None:
        for cookie in self.installation.cookies[:number]:
            self._stall(cookie)
            self._drip()
            self.threads.append(threading.Thread(target=self._read, args=(cookie,), daemon=True))
            self.threads[-1].start()
            for act in (self._append, self._listen):
                self.threads.append(threading.Thread(target=act, daemon=True))
                self.threads[-1].start()

    def _connection(self, buffer: int = 0) -> socket.socket:
        connection = socket.socket()
        if buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        connection.connect(("127.0.0.1", self.app.port))
        self.held.append(connection)
        return connection

    def _head(self, method: str, path: str, *more: str) -> bytes:
        lines = (f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.app.port}", *more, "", "")
        return "\r\n".join(lines).encode()

    def _stall(self, cookie: str) -> None:
        """A reader of a download that takes nothing after the head."""
        connection = self._connection(STALLED_BUFFER)
        connection.sendall(self._head("GET", EXPORT, f"Cookie: {cookie}"))
        # 429 for those that are more than may be under way at once.
        assert connection.recv(20).startswith((b"HTTP/1.1 200", b"HTTP/1.1 429"))

    def _drip(self) -> None:
        """A sender whose body never ends."""
        token = f"Authorization: Bearer {self.installation.token}"
        connection = self._connection()
        head = self._head("POST", "/api/v1/entries", token, "Content-Length: 1000000")
        connection.sendall(head + b'{"id":')

    def _read(self, cookie: str) -> None:
        """A slow reader of a download."""
        connection = http.client.HTTPConnection("127.0.0.1", self.app.port)
        try:
            connection.request("GET", EXPORT, headers={"Cookie": cookie})
            answer = connection.getresponse()
            if answer.status != 200:
                return  # More than may be under way at once.
            while answer.read(20_000):
                time.sleep(0.02)
            self.endings.append("whole")
        except (OSError, http.client.HTTPException):
            self.endings.append("broken")
        finally:
            connection.close()

    def _append(self) -> None:
        """A collector that sends one batch after the other."""
        connection = http.client.HTTPConnection("127.0.0.1", self.app.port)
        headers = {"Authorization": f"Bearer {self.installation.token}"}
        try:
            while True:
                ids = [str(uuid4()) for _ in range(5)]
                body = "".join(
                    json.dumps(json_object(long_entry(place)) | {"id": each}) + "\n"
                    for place, each in enumerate(ids)
                )
                connection.request("POST", "/api/v1/entries", body, headers)
                answer = connection.getresponse()
                if answer.status == 200 and json.loads(answer.read())["accepted"] == len(ids):
                    self.acknowledged.update(ids)
        except (OSError, http.client.HTTPException, ValueError):
            return
        finally:
            connection.close()

    def _listen(self) -> None:
        """The page of somebody who has just come."""
        try:
            with connect(
                f"ws://127.0.0.1:{self.app.port}/_stcore/stream",
                origin=f"http://127.0.0.1:{self.app.port}",  # type: ignore[arg-type]
                subprotocols=["streamlit"],  # type: ignore[list-item]
            ) as page:
                for _ in page:
                    pass
        except Exception:
            return  # However it ends, it must not keep the app.


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """Each round is a new app on the same databases."""
    installation = install(folder, entries=ENTRIES)
    acknowledged: set[str] = set()
    endings: list[str] = []
    times: list[float] = []
    for place, asked in enumerate(SIGNALS[scale]):
        with running_app(installation.environment, folder / f"app-{place}.log") as app:
            clients = _Clients(app, installation)
            clients.start(CLIENTS[scale])
            time.sleep(2)
            times.append(_stopped(app, asked))
            for thread in clients.threads:
                thread.join(timeout=10)
                assert not thread.is_alive()
            for connection in clients.held:
                connection.close()
        acknowledged |= clients.acknowledged
        endings += clients.endings
    stored = installation.stored_ids()
    assert acknowledged
    assert acknowledged <= set(stored)
    assert len(stored) == len(set(stored))
    assert set(endings) == {"broken"}, endings
    yield Held(
        "a signal stops the app in time, whoever reads nothing, sends slowly or listens",
        f"{len(times)} stops, {CLIENTS[scale]} clients of each of 5 kinds, "
        f"{max(times):.1f} s at most, exit status 0 each",
    )
    yield Held(
        "no acknowledged entry is lost, and no download that was cut off looks whole",
        f"{len(acknowledged):,} acknowledged entries, {len(endings)} downloads cut off",
    )


def _stopped(app: AppProcess, asked: signal.Signals) -> float:
    """How long the app took; it is asked again meanwhile."""
    started = time.monotonic()
    app.process.send_signal(asked)
    for again in (signal.SIGTERM, signal.SIGINT):
        time.sleep(0.7)
        assert app.process.poll() is None or app.process.returncode == 0
        app.process.send_signal(again)
    status = app.process.wait(timeout=WITHIN_S + 5)
    took = time.monotonic() - started
    assert (status, took < WITHIN_S) == (0, True), f"exit {status} after {took:.1f} s: {app.log()}"
    return took
