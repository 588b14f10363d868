"""`python -m audit_core witness` in a process of its own, which a test may kill."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import httpx

from audit_core.integrity.anchors.witness_client import WitnessAnchor, witness_anchor
from audit_core.integrity.signed_note import VerifierKey
from audit_core.runtime.outgoing.policy import OutgoingPolicy
from tests.support.app_process import ROOT, free_port

LOOPBACK = OutgoingPolicy(networks=(ip_network("127.0.0.1/32"),))
START_WITHIN_S = 30.0


@dataclass(frozen=True)
class WitnessProcess:
    """A witness, where it answers, and its key as it printed it."""

    process: subprocess.Popen[str]
    url: str
    key: str

    def anchor(self) -> WitnessAnchor:
        """A client of it."""
        return witness_anchor(f"{self.url} {self.key}", timedelta(minutes=5), LOOPBACK)


@contextmanager
def running_witness(
    folder: Path, keys: Sequence[VerifierKey], *, name: str = "witness.example"
) -> Iterator[WitnessProcess]:
    """The witness while it runs; it is ended afterwards, unless a test has done so."""
    folder.mkdir(exist_ok=True)
    (folder / "logs.txt").write_text("".join(f"{key.text}\n" for key in keys))
    port = free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "audit_core", "witness", "--listen", f"127.0.0.1:{port}"),
            *("--keys", str(folder / "logs.txt"), "--folder", str(folder / "seen")),
            *("--name", name),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        key = process.stdout.readline().strip()
        url = f"http://127.0.0.1:{port}"
        _wait_until_up(process, url)
        yield WitnessProcess(process, url, key)
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _wait_until_up(process: subprocess.Popen[str], url: str) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    with httpx.Client(timeout=5) as client:
        while time.monotonic() < deadline and process.poll() is None:
            try:
                client.get(f"{url}/checkpoint")
                return
            except httpx.TransportError:
                time.sleep(0.05)
    raise RuntimeError(f"The witness did not come up (exit {process.poll()}).")
