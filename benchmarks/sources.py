"""How entries come in while people look on: by HTTP from collectors, and pulled from a source."""

from __future__ import annotations

import asyncio
import http.client
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlsplit

import httpx
import psutil
from playwright.sync_api import Page, sync_playwright

from audit_core.domain.access import Permission
from audit_core.identity.api_tokens import add_token
from audit_core.identity.memberships import ensure_organization
from audit_core.runtime.signing_key import read_key
from audit_core.simulator import DEMO_ORGANIZATIONS
from audit_core.sources.sealed_key import seal
from audit_core.sources.source import add_source, progress_of
from audit_core.sources.source_input import FASTEST
from audit_core.state.database import open_state
from audit_core.web.security.identity import SESSION_COOKIE
from benchmarks.interactions import FLAGS, served, sign_in
from benchmarks.prepared import Prepared
from benchmarks.sessions import Session, opened, processor_s, signed_in
from tests.support.daytona_model import DaytonaModel, Row, row_item
from tests.support.daytona_server import served as served_daytona

SENDERS, BATCH, PER_S = 4, 1_000, 20_000
ORGANIZATION = DEMO_ORGANIZATIONS[0][0]
SESSIONS = 4
"""Live ones that speak the protocol, beside one in a real browser."""
LASTS_S = 30.0
MARK_EVERY_S = 2.0
MARK = "seen-in-the-browser"
"""The action of the entries that the browser looks for: they are all that its page shows."""
SEEN_WITHIN_S = 30.0
MAX_P99_MS, MAX_SEEN_S, MAX_BEHIND_S = 500, 3.0, 5.0
PULLED_PER_S, PULLED_FOR_S = 200, 60.0
SETTLED_S = 10.0
"""For how long a source is pulled before it is looked how far behind it is."""


@dataclass(frozen=True, kw_only=True)
class Received:
    """What came by HTTP while people looked on."""

    per_s: float
    """Entries a second that were acknowledged."""
    median_ms: float
    p99_ms: float
    """Of one POST of `BATCH` entries, from its first byte to the answer."""
    seen_median_s: float
    seen_p95_s: float
    """From an answered POST until a live browser shows its entry."""
    processor_share: float
    """Processor time of the app by elapsed time: 2.0 is two whole cores."""

    @property
    def met(self) -> bool:
        """Whether it is as fast as was asked for."""
        kept_up = self.per_s >= 0.98 * PER_S
        return kept_up and self.p99_ms < MAX_P99_MS and self.seen_p95_s < MAX_SEEN_S


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """What was pulled from a Daytona that has so many new entries a second."""

    behind_median_s: float
    behind_p95_s: float
    """How old the newest entry is that is in the log."""
    processor_share: float

    @property
    def met(self) -> bool:
        """Whether it keeps up as was asked for."""
        return self.behind_p95_s <= MAX_BEHIND_S


@dataclass(slots=True)
class _Sent:
    """What the collectors measured."""

    times_ms: list[float] = field(default_factory=list)
    entries: int = 0
    ending: threading.Event = field(default_factory=threading.Event)


def received(prepared: Prepared) -> Received:
    """Collectors send into a copy of the log, while sessions and a browser look on."""
    with _copy(prepared) as own, served(own) as (address, pid):
        token = _token(own)
        secret = signed_in(own)
        server = psutil.Process(pid)
        looking = _Looking(address, secret)
        looking.start()
        looking.ready.wait()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=FLAGS
            )
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            sign_in(page, address)
            page.get_by_role("heading", name="Explore").wait_for()
            page.goto(f"{address}/explore?window=1d&action={MARK}")
            page.get_by_text("Real-time", exact=True).click()
            page.get_by_text("new since you").wait_for()
            sent = _Sent()
            senders = [
                threading.Thread(target=_send, args=(number, address, token, sent), daemon=True)
                for number in range(SENDERS)
            ]
            began, before = time.monotonic(), processor_s(server)
            for sender in senders:
                sender.start()
            seen = _seen(page, address, token, began + LASTS_S)
            sent.ending.set()
            for sender in senders:
                sender.join()
            elapsed = time.monotonic() - began
            spent = processor_s(server) - before
            browser.close()
        looking.stop()
    return Received(
        per_s=sent.entries / elapsed,
        median_ms=median(sent.times_ms),
        p99_ms=quantiles(sent.times_ms, n=100)[-1],
        seen_median_s=median(seen),
        seen_p95_s=quantiles(seen, n=20)[-1],
        processor_share=spent / elapsed,
    )


def pulled(prepared: Prepared) -> Pulled:
    """A source is pulled into a copy of the log while new entries appear in it."""
    began = datetime.now(UTC)
    rows = []
    for number in range(int(PULLED_FOR_S * PULLED_PER_S)):
        at = began + timedelta(seconds=number / PULLED_PER_S)
        item = row_item(number, 200)
        rows.append(Row(item=item, created_at=at, visible_at=at, finished_at=at))
    model = DaytonaModel(rows=rows, seed=1)
    with _copy(prepared) as own, served_daytona(model) as url:
        source_id = _add_source(own, model, url)
        with served(own) as (_, pid):
            server = psutil.Process(pid)
            time.sleep(SETTLED_S)
            started, before = time.monotonic(), processor_s(server)
            behind = _behind(own, source_id, began + timedelta(seconds=PULLED_FOR_S))
            share = (processor_s(server) - before) / (time.monotonic() - started)
    return Pulled(
        behind_median_s=median(behind),
        behind_p95_s=quantiles(behind, n=20)[-1],
        processor_share=share,
    )


class _Looking(threading.Thread):
    """Live sessions that run their page whenever the log has moved, as a browser has it run."""

    def __init__(self, address: str, secret: str) -> None:
        super().__init__(daemon=True)
        self._address = address
        self._secret = secret
        self._ending = threading.Event()
        self.ready = threading.Event()

    def run(self) -> None:
        asyncio.run(self._look())

    def stop(self) -> None:
        self._ending.set()
        self.join()

    async def _look(self) -> None:
        sessions = [await opened(self._address, self._secret) for _ in range(SESSIONS)]
        listening = [asyncio.create_task(session.listen()) for session in sessions]
        for session in sessions:
            await session.run()
            await session.run()
            session.real_time = True
            await session.run()
        self.ready.set()
        headers = {"Cookie": f"{SESSION_COOKIE}={self._secret}"}
        async with httpx.AsyncClient(base_url=self._address, headers=headers, timeout=30) as client:
            await asyncio.gather(*(self._follow(session, client) for session in sessions))
        for task in listening:
            task.cancel()
        for session in sessions:
            await session.socket.close()

    async def _follow(self, session: Session, client: httpx.AsyncClient) -> None:
        while not self._ending.is_set():
            if session.asked is None:
                raise SystemExit("The page does not say what it has the browser ask.")
            await asyncio.sleep(session.asked["every_s"])
            answer = await client.get(session.asked["path"])
            if answer.raise_for_status().json()["head"] != session.asked["head"]:
                await session.run()


@contextmanager
def _copy(prepared: Prepared) -> Iterator[Prepared]:
    """The same databases once more, to be written to."""
    with tempfile.TemporaryDirectory(prefix="sandtrail-bench-sources-") as name:
        folder = Path(name)
        shutil.copytree(prepared.folder, folder, dirs_exist_ok=True)
        yield replace(prepared, folder=folder, log_url=f"duckdb:///{folder / 'log.duckdb'}")


def _token(prepared: Prepared) -> str:
    state = open_state(prepared.environment["SANDTRAIL_STATE_URL"])
    with state.begin() as connection:
        _, token = add_token(
            connection,
            organization_id=prepared.organization_id,
            name="collector",
            verbs=frozenset({Permission.INGEST.value}),
            now=datetime.now(UTC),
            expires_at=None,
        )
    state.close()
    return token


def _add_source(prepared: Prepared, model: DaytonaModel, url: str) -> str:
    environment = prepared.environment
    key = read_key(Path(environment["SANDTRAIL_KEY_FILE"]))
    state = open_state(environment["SANDTRAIL_STATE_URL"])
    with state.begin() as connection:
        ensure_organization(connection, organization_id=model.organization_id, name=None)
        added = add_source(
            connection,
            organization_id=model.organization_id,
            name="Daytona",
            url=url,
            sealed_key=seal(model.key, key),
            requests_per_minute=FASTEST,
            policy=None,
            actor="benchmark",
            now=datetime.now(UTC),
        )
    state.close()
    return added.id


def _lines(number: int, batch: int, count: int, action: str) -> str:
    """So many new entries, as collectors send them."""
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    rest = json.dumps(
        {
            "organizationId": ORGANIZATION,
            "actorId": f"user-{number}",
            "actorEmail": f"user-{number}@example.org",
            "action": action,
            "targetType": "sandbox",
            "statusCode": 200,
            "ipAddress": "192.0.2.1",
            "userAgent": "sdk-python/0.100",
            "createdAt": moment,
        }
    )[1:]
    return "\n".join(
        f'{{"id":"{number}-{batch}-{one}","targetId":"sandbox-{one % 97}",{rest}'
        for one in range(count)
    )


def _post(connection: http.client.HTTPConnection, token: str, body: str) -> None:
    connection.request(
        "POST", "/api/v1/entries", body.encode(), {"Authorization": f"Bearer {token}"}
    )
    answer = connection.getresponse()
    told = answer.read()
    if answer.status != 200:
        raise SystemExit(f"POST /api/v1/entries: {answer.status} {told[:200]!r}")


def _send(number: int, address: str, token: str, sent: _Sent) -> None:
    """Send at an even pace; a collector that is late sends at once until it has caught up."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc)
    began = time.monotonic()
    batch = 0
    while not sent.ending.is_set():
        due = began + (batch + number / SENDERS) * BATCH * SENDERS / PER_S
        time.sleep(max(0.0, due - time.monotonic()))
        body = _lines(number, batch, BATCH, "create")
        started = time.perf_counter()
        _post(connection, token, body)
        sent.times_ms.append((time.perf_counter() - started) * 1000)
        sent.entries += BATCH
        batch += 1
    connection.close()


def _seen(page: Page, address: str, token: str, ends_at: float) -> list[float]:
    """How long each marked entry takes from its answer to the screen, in seconds."""
    seen = []
    number = 0
    while time.monotonic() < ends_at:
        body = _lines(10_000 + number, 0, 1, MARK)
        # A new one each time: the server closes those that are idle for some seconds.
        with closing(http.client.HTTPConnection(urlsplit(address).netloc)) as connection:
            _post(connection, token, body)
        answered = time.monotonic()
        row = page.locator(".entry-list").get_by_text(f"user-{10_000 + number}@example.org").first
        row.wait_for(timeout=SEEN_WITHIN_S * 1000)
        seen.append(time.monotonic() - answered)
        number += 1
        time.sleep(max(0.0, MARK_EVERY_S - seen[-1]))
    return seen


def _behind(prepared: Prepared, source_id: str, until: datetime) -> list[float]:
    """How far behind the source is, ten times a second, while it has new entries."""
    state = open_state(prepared.environment["SANDTRAIL_STATE_URL"])
    behind = []
    while (now := datetime.now(UTC)) < until:
        with state.read() as connection:
            progress = progress_of(connection, source_id)
        if progress is None or progress.newest is None:
            raise SystemExit("The source was not read.")
        behind.append((now - progress.newest).total_seconds())
        time.sleep(0.1)
    state.close()
    return behind
