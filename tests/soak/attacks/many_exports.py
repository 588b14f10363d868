"""One auditor begins many downloads of a large query and leaves: nobody else notices."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import psutil

from audit_core.web.limits.concurrent_downloads import PER_PERSON
from audit_core.web.security.identity import SESSION_COOKIE
from tests.browser.prepared import AUDITOR, BOTH, HOME, Prepared, prepare
from tests.soak.attack import Held, Scale
from tests.soak.attacks.watched_memory import signed_in
from tests.support.app_process import running_app

ENTRY = json.dumps(
    {
        "id": "one",
        "actorId": "u",
        "action": "start",
        "createdAt": "2026-03-01T12:00:00Z",
        "organizationId": HOME,
    }
).encode()
"""What is sent meanwhile; known from the second time on."""

DOWNLOADS = {Scale.SMALL: 12, Scale.FULL: 45}
ATTACKED_S = {Scale.SMALL: 2.0, Scale.FULL: 30.0}
WORDS = 80
ANSWERED_WITHIN_S = 15.0
"""A guard only: on an idle machine it is a few milliseconds."""
IDLE_WITHIN_S = 20.0
IDLE = 0.25
"""Of one processor."""


@dataclass
class _Attack:
    """Clients that ask for downloads, over and over, until they leave all at once."""

    address: str
    cookie: str
    statuses: Counter[int] = field(default_factory=Counter)
    sentences: set[str] = field(default_factory=set)
    left: threading.Event = field(default_factory=threading.Event)

    def download(self) -> None:
        """Read one slowly; if it is refused, ask again."""
        query = " OR ".join(f"*{number:x}x*" for number in range(WORDS))
        target = "/api/v1/export?" + urlencode({"window": "all", "query": query, "format": "csv"})
        while not self.left.is_set():
            connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=60)
            try:
                connection.request("GET", target, headers={"Cookie": self.cookie})
                answer = connection.getresponse()
                self.statuses[answer.status] += 1
                if answer.status == 200:
                    while not self.left.wait(0.2) and answer.read(200):
                        pass
                else:
                    assert answer.headers["retry-after"]
                    self.sentences.add(json.loads(answer.read())["error"])
                    self.left.wait(0.3)
            except (OSError, http.client.HTTPException):
                self.statuses[0] += 1
            finally:
                connection.close()


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """The others are of another organization; everybody has one session."""
    prepared = prepare(folder)
    auditor, other = (f"{SESSION_COOKIE}={signed_in(prepared, email)}" for email in (AUDITOR, BOTH))
    with running_app(prepared.environment, folder / "app.log") as app:
        server = psutil.Process(app.process.pid)
        attack = _Attack(app.url, auditor)
        threads = [
            threading.Thread(target=attack.download, daemon=True) for _ in range(DOWNLOADS[scale])
        ]
        for thread in threads:
            thread.start()
        slowest, asked = _others(prepared, app.url, other, ATTACKED_S[scale])
        attack.left.set()
        for thread in threads:
            thread.join(70)
            assert not thread.is_alive()
        idle_after_s = _idle_after(server)
        began = time.monotonic()
        server.terminate()
        server.wait(12)
        stopped_s = time.monotonic() - began
    assert attack.statuses[200], attack.statuses
    assert attack.statuses[429], attack.statuses
    assert attack.sentences == {
        f"You have {PER_PERSON} downloads under way; at most {PER_PERSON} run at once."
    }
    yield Held(
        "downloads of one auditor hold up neither heads nor health nor appends of others",
        f"{DOWNLOADS[scale]} clients, answers by status {dict(attack.statuses)}; "
        f"{asked} requests of others, the slowest {slowest:.2f} s",
    )
    yield Held(
        "the processor is idle soon after they have left, and the app stops when it is told to",
        f"idle after {idle_after_s:.1f} s, stopped in {stopped_s:.1f} s",
    )


def _others(prepared: Prepared, address: str, cookie: str, for_s: float) -> tuple[float, int]:
    """The slowest answer to what others ask meanwhile, in seconds, and how many there were."""
    slowest, asked = 0.0, 0
    until = time.monotonic() + for_s
    asking = (
        ("GET", "/api/v1/head", None, {"Cookie": cookie}),
        ("GET", "/api/health", None, {}),
        ("GET", "/api/v1/suggestions?before=action:", None, {"Cookie": cookie}),
        ("POST", "/api/v1/entries", ENTRY, {"Authorization": f"Bearer {prepared.token}"}),
    )
    while time.monotonic() < until:
        for method, target, body, headers in asking:
            connection = http.client.HTTPConnection(
                urlsplit(address).netloc, timeout=ANSWERED_WITHIN_S
            )
            began = time.monotonic()
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            assert answer.status == 200, (target, answer.status, answer.read())
            answer.read()
            connection.close()
            slowest, asked = max(slowest, time.monotonic() - began), asked + 1
        time.sleep(0.1)
    return slowest, asked


def _idle_after(server: psutil.Process) -> float:
    """How many seconds until the server spends next to nothing."""
    began = time.monotonic()
    while server.cpu_percent(1.0) > IDLE * 100:
        assert time.monotonic() - began < IDLE_WITHIN_S, "the server is still busy"
    return time.monotonic() - began
