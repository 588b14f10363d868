"""The app is killed in the middle of downloads: whoever receives one always notices."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from audit_core.web.limits.concurrent_downloads import PER_ORGANIZATION
from tests.serving.installation import EXPORT, PreparedInstallation, install
from tests.serving.proxies import PROXIES, Proxy, installed, nginx, without
from tests.soak.attack import Held, Scale
from tests.support.app_process import running_app

ENTRIES = 1_500
KILLS = {Scale.SMALL: 1, Scale.FULL: 6}
FORMATS = ("jsonl", "csv")
RATE = "2M"
"""Bytes a second that a receiver takes, so that the kill finds it in the middle."""
UPGRADE_REQUIRED = "426"
CADDY_BREAKS_OFF = (2, 7, 6)


@dataclass(frozen=True)
class _Way:
    """How a download gets from the app to its receiver."""

    name: str
    url: str
    options: tuple[str, ...] = ()
    passes: bool = True
    """Whether anything may arrive at all: over HTTP/1.0 nothing may."""


@dataclass
class _Receiver:
    """curl, which takes a file slowly."""

    way: _Way
    file: Path
    process: subprocess.Popen[str]

    def status(self) -> tuple[int, str]:
        """The exit status and the status of HTTP."""
        output, _ = self.process.communicate(timeout=30)
        return self.process.returncode, output.strip()


def run(folder: Path, scale: Scale) -> Iterator[Held]:
    """Each kill finds a receiver at the end of every way."""
    installation = install(folder, entries=ENTRIES)
    broken = refused = 0
    ways: set[str] = set()
    whole = ""
    for number, format in zip(range(KILLS[scale]), itertools.cycle(FORMATS), strict=False):
        with ExitStack() as stack:
            app = stack.enter_context(
                running_app(installation.environment, folder / f"app-{number}.log")
            )
            all_ways = _ways(stack, folder, app.port, app.url)
            whole = whole or _whole(all_ways, installation, folder)
            receivers = [
                _receive(way, installation.cookies[place], format, folder / f"{number}-{place}")
                for place, way in enumerate(all_ways)
            ]
            _wait_until_midway(receivers)
            app.process.kill()
            for receiver in receivers:
                ways.add(receiver.way.name)
                _assert_noticed(receiver, installation)
                refused += not receiver.way.passes
                broken += receiver.way.passes
    yield Held(
        "a download that is cut off by a kill never looks whole to its receiver",
        f"{KILLS[scale]} kills, {broken} downloads broken off, {refused} refused over HTTP/1.0; "
        f"by {', '.join(sorted(ways))}",
    )
    yield Held("without a kill the whole file arrives, with nothing but entries in it", whole)


def _whole(ways: list[_Way], installation: PreparedInstallation, folder: Path) -> str:
    """Every way that lets a download through gives the same, whole file; the figures."""
    sizes: set[int] = set()
    passing = [way for way in ways if way.passes]
    for place, way in enumerate(passing):
        cookie = installation.cookies[place]
        receiver = _receive(way, cookie, "jsonl", folder / f"whole-{place}", rate="500M")
        assert receiver.status() == (0, "200"), way.name
        lines = receiver.file.read_bytes().splitlines()
        assert {json.loads(line)["id"] for line in lines} == installation.ids
        sizes.add(receiver.file.stat().st_size)
    (size,) = sizes
    return f"{len(installation.ids):,} entries, {size // 1_000_000} MB, {len(passing)} ways"


def _ways(stack: ExitStack, folder: Path, port: int, url: str) -> list[_Way]:
    ways = [
        _Way("HTTP/1.1", url),
        _Way("HTTP/1.1 compressed", url, ("--compressed",)),
        _Way("HTTP/1.0", url, ("--http1.0",), passes=False),
    ]
    for name in filter(_breaks_off, filter(installed, PROXIES)):
        proxy: Proxy = stack.enter_context(PROXIES[name](folder, [port]))
        trust = ("--cacert", str(proxy.certificate))
        ways += [
            _Way(name, proxy.url, (*trust, "--http1.1")),
            _Way(f"{name} HTTP/1.0", proxy.url, (*trust, "--http1.0", "--no-alpn"), passes=False),
        ]
    if installed("nginx"):
        # As nginx is, unless it is told otherwise.
        old = stack.enter_context(nginx(folder, [port], change=without("proxy_http_version")))
        options = ("--cacert", str(old.certificate))
        ways.append(_Way("nginx speaking HTTP/1.0", old.url, options, passes=False))
    if sum(way.passes for way in ways) > PER_ORGANIZATION:
        ways.pop(1)
    return ways


def _breaks_off(proxy: str) -> bool:
    """Whether a proxy passes on that an answer broke off: Caddy before `CADDY_BREAKS_OFF` ends it
    as if it were whole, which no setting changes (docs/operations.md says so)."""
    if proxy != "caddy":
        return True
    said = subprocess.run(["caddy", "version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", said)
    return found is not None and tuple(map(int, found.groups())) >= CADDY_BREAKS_OFF


def _receive(way: _Way, cookie: str, format: str, file: Path, rate: str = RATE) -> _Receiver:
    path = EXPORT.replace("jsonl", format)
    process = subprocess.Popen(
        [
            *("curl", "--silent", "--output", str(file), "--limit-rate", rate),
            *("--write-out", "%{http_code}", "--header", f"Cookie: {cookie}"),
            *(*way.options, f"{way.url}{path}"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    return _Receiver(way, file, process)


def _wait_until_midway(receivers: list[_Receiver]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if all(_under_way(item) for item in receivers if item.way.passes):
            return
        time.sleep(0.05)
    raise AssertionError("the downloads did not get under way")


def _under_way(receiver: _Receiver) -> bool:
    assert receiver.process.poll() is None, f"{receiver.way.name} ended before the kill"
    return receiver.file.exists() and receiver.file.stat().st_size > 100_000


def _assert_noticed(receiver: _Receiver, installation: PreparedInstallation) -> None:
    name = receiver.way.name
    exit_status, http_status = receiver.status()
    content = receiver.file.read_bytes() if receiver.file.exists() else b""
    if receiver.way.passes:
        assert (exit_status != 0, http_status) == (True, "200"), f"{name}: exit {exit_status}"
        assert content
    else:
        assert http_status == UPGRADE_REQUIRED, f"{name}: {http_status}"
        assert not any(entry_id.encode() in content for entry_id in installation.ids)
