"""Exports in the background while the app is killed, their disk fills up, and readers are slow."""

from __future__ import annotations

import hashlib
import json
import random
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil

from audit_core.identity.api_tokens import add_token
from audit_core.identity.token_verbs import EXPORT
from audit_core.log.store import utc_now
from tests.evidence.nasty_entries import made
from tests.serving.installation import ORGANIZATION, PreparedInstallation, install
from tests.soak.attack import Held, Scale
from tests.support.app_process import AppProcess, running_app, start_app, wait_until_up
from tests.support.small_disk import SmallDisk, small_disk

LONG = {Scale.SMALL: 200, Scale.FULL: 3_000}
"""How many entries of 10 kB."""
SHORT = {Scale.SMALL: 0, Scale.FULL: 500_000}
"""How many entries of usual length besides, for what memory they take."""
ROUNDS = {Scale.SMALL: 1, Scale.FULL: 6}
KILLS_A_ROUND = {Scale.SMALL: 1, Scale.FULL: 2}
"""Fewer than an export may be begun."""
EXPORTS_A_ROUND = 2
DISK_MB = {Scale.SMALL: 16, Scale.FULL: 3_000}
SEED = 15
MEMORY_MB = 300
WITHIN_S = 240.0
_OPEN = ("waiting", "running", "interrupted")


class _Client:
    """A program that has exports made."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"authorization": f"Bearer {token}"}

    def _asked(self, method: str, path: str, **params: str) -> httpx.Response:
        return httpx.request(
            method,
            f"{self._url}/api/v1/exports{path}",
            params=params,
            headers=self._headers,
            timeout=60,
        )

    def ask(self, **params: str) -> str:
        answer = self._asked("POST", "", window="all", **params)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def state(self, export_id: str) -> dict[str, Any]:
        answer = self._asked("GET", f"/{export_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def ended(self, export_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + WITHIN_S
        while (found := self.state(export_id))["state"] in _OPEN:
            assert time.monotonic() < deadline, found
            time.sleep(0.1)
        return found

    def delete(self, export_id: str) -> None:
        assert self._asked("DELETE", f"/{export_id}").status_code == 204

    def file(self, export_id: str) -> bytes:
        answer = self._asked("GET", f"/{export_id}/file")
        assert answer.status_code == 200, answer.text
        return answer.content


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """On a disk of their own for the files, so that it can be filled."""
    installation = install(folder, entries=LONG[scale])
    token = _prepared(installation, scale)
    with small_disk(folder / "disk", DISK_MB[scale]) as disk:
        exports = disk.folder / "exports"
        installation.environment["SANDTRAIL_EXPORTS_DIR"] = str(exports)
        chance, kills = random.Random(SEED), KILLS_A_ROUND[scale]  # noqa: S311  # no secret
        expected = LONG[scale] + SHORT[scale]
        for round_ in range(ROUNDS[scale]):
            asked = _killed(installation, token, folder, kills, chance)
            with running_app(installation.environment, folder / f"app-{round_}.log") as app:
                client = _Client(app.url, token)
                for export_id in asked:
                    _require_whole(client, export_id, expected, app)
                assert {path.name for path in exports.iterdir()} == set(asked)
                for export_id in asked:
                    client.delete(export_id)
                assert not list(exports.iterdir())
                if round_ + 1 < ROUNDS[scale]:
                    continue
                yield Held(
                    "no kill of the app damages, loses or doubles an export, or leaves half a file",
                    f"{kills * ROUNDS[scale]} kills, {EXPORTS_A_ROUND * ROUNDS[scale]} files of "
                    f"{expected:,} entries, each as its checksum says",
                )
                yield _full(installation, client, app, disk, exports)
                yield _slow(client, app, token)
                if SHORT[scale]:
                    yield _memory(client, app)


def _prepared(installation: PreparedInstallation, scale: Scale) -> str:
    """A token that has exports made; the short entries are stored as well."""
    opened, now = installation.opened(), utc_now()
    try:
        for start in range(0, SHORT[scale], 20_000):
            opened.log.append(
                [
                    made(
                        start + number + 10_000_000,
                        metadata='{"body":{"name":"box","cpu":2}}',
                        created_at=now.replace(microsecond=0),
                    )
                    for number in range(20_000)
                ]
            )
        with opened.state.begin() as connection:
            _, token = add_token(
                connection,
                organization_id=ORGANIZATION,
                name="nightly",
                verbs=frozenset({EXPORT.name}),
                now=now,
                expires_at=None,
            )
    finally:
        opened.close()
    return token


def _killed(
    installation: PreparedInstallation,
    token: str,
    folder: Path,
    kills: int,
    chance: random.Random,
) -> list[str]:
    """What was asked for by the time of the last kill."""
    asked: list[str] = []
    for _ in range(kills):
        app = start_app(installation.environment, folder / "killed.log")
        wait_until_up(app)
        client = _Client(app.url, token)
        asked += [client.ask(format="jsonl") for _ in range(EXPORTS_A_ROUND - len(asked))]
        time.sleep(chance.uniform(0.0, 1.5))
        app.process.kill()
        app.process.wait()
    return asked


def _require_whole(client: _Client, export_id: str, expected: int, app: AppProcess) -> None:
    done = client.ended(export_id)
    assert done["state"] == "done", (done, app.log())
    content = client.file(export_id)
    assert hashlib.sha256(content).hexdigest() == done["sha256"]
    assert len(content) == done["size"]
    assert content.count(b"\n") == done["entries"] == done["expected"] == expected


def _full(
    installation: PreparedInstallation,
    client: _Client,
    app: AppProcess,
    disk: SmallDisk,
    exports: Path,
) -> Held:
    disk.fill(leave=500_000)
    failed = client.ended(client.ask(format="jsonl"))
    assert failed["state"] == "failed", failed
    assert failed["problem"].startswith("The disk of the exports is full."), failed
    assert not list(exports.iterdir())
    entry = json.dumps(
        {
            "id": "meanwhile",
            "actorId": "u",
            "action": "start",
            "createdAt": utc_now().isoformat(),
            "organizationId": ORGANIZATION,
        }
    )
    sent = httpx.post(
        f"{app.url}/api/v1/entries",
        content=entry,
        headers={"authorization": f"Bearer {installation.token}"},
        timeout=60,
    )
    assert sent.status_code == 200, sent.text
    disk.make_room()
    done = client.ended(client.ask(format="jsonl"))
    assert done["state"] == "done", done
    assert client.file(done["id"]).count(b"\n") == done["entries"]
    client.delete(done["id"])
    return Held(
        "a full disk ends an export with the reason, and keeps neither it nor entries from coming",
        f"{failed['problem']} Then {done['entries']:,} entries.",
    )


def _slow(client: _Client, app: AppProcess, token: str) -> Held:
    """One who reads a few bytes at a time, whose export is deleted meanwhile."""
    done = client.ended(client.ask(format="jsonl"))
    with socket.create_connection(("127.0.0.1", app.port)) as connection:
        # Not SO_RCVBUF: a window that is once so small has the rest come for minutes.
        connection.sendall(
            f"GET /api/v1/exports/{done['id']}/file HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {token}\r\n\r\n".encode()
        )
        began, slowest = time.monotonic(), 0.0
        first = connection.recv(512)
        for _ in range(20):
            first += connection.recv(64)
            asked = time.monotonic()
            assert httpx.get(f"{app.url}/api/health", timeout=30).status_code == 200
            slowest = max(slowest, time.monotonic() - asked)
        other = client.ended(client.ask(format="csv"))
        assert other["state"] == "done", other
        client.delete(other["id"])
        client.delete(done["id"])
        head, _, body = first.partition(b"\r\n\r\n")
        digest, length = hashlib.sha256(body), len(body)
        while length < done["size"]:
            piece = connection.recv(65_536)
            assert piece, f"cut after {length:,} of {done['size']:,} bytes"
            digest.update(piece)
            length += len(piece)
    assert b" 200 " in head.split(b"\r\n")[0]
    assert digest.hexdigest() == done["sha256"]
    return Held(
        "a slow reader keeps nobody waiting, and has its file to the end though it was deleted",
        f"{done['size']:,} bytes in {time.monotonic() - began:.1f} s, health within "
        f"{slowest * 1000:.0f} ms, another export meanwhile",
    )


def _memory(client: _Client, app: AppProcess) -> Held:
    process = psutil.Process(app.process.pid)
    time.sleep(5)
    idle = process.memory_info().rss
    highest, told = idle, []
    for format in ("csv", "jsonl", "parquet"):
        export_id, began, before = client.ask(format=format), time.monotonic(), highest
        while (found := client.state(export_id))["state"] in _OPEN:
            highest = max(highest, process.memory_info().rss)
            assert time.monotonic() - began < WITHIN_S, found
            time.sleep(0.05)
        assert found["state"] == "done", found
        pace = found["entries"] / (time.monotonic() - began)
        told.append(f"{format} {pace:,.0f} a second, {(highest - before) / 2**20:+.0f} MB")
        client.delete(export_id)
    above = (highest - idle) / 2**20
    assert above < MEMORY_MB, f"{above:.0f} MB above idle"
    return Held(
        f"exports take less than {MEMORY_MB} MB above what the app has when idle",
        f"{above:.0f} MB for {found['entries']:,} entries; {', '.join(told)}",
    )
