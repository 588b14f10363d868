"""The witness as a process, asked by our client and by others."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx
import pytest

from audit_core.integrity.anchors.anchor import AnchorContradicts, AnchorUnavailable
from audit_core.integrity.cosignature import cosigned_at, parse_cosigner_key
from audit_core.integrity.signed_note import parse_note
from audit_core.integrity.witness.add_checkpoint import MAX_BODY
from tests.support.growing_log import GrowingLog
from tests.support.witness_process import running_witness


def test_our_client_gets_cosignatures_and_a_log_that_was_put_back_shows(tmp_path: Path) -> None:
    log = GrowingLog()
    log.grow(3)
    with running_witness(tmp_path, [log.key]) as witness:
        anchor = witness.anchor()
        anchor.submit(log.submission())
        log.grow(20)
        # Also without knowing what the witness has.
        anchor.submit(log.submission(known_size=0))
        note = httpx.get(f"{witness.url}/checkpoint", params={"origin": log.origin}).text
        assert note.splitlines()[1] == "23"
        assert cosigned_at(parse_note(note), parse_cosigner_key(witness.key))

        log.leaves = log.leaves[:22]
        with pytest.raises(AnchorContradicts, match="23 writes where this log has 22"):
            anchor.submit(log.submission())
        log.grow(50, "written anew")
        with pytest.raises(AnchorContradicts, match="other writes"):
            anchor.submit(log.submission())
        with pytest.raises(AnchorUnavailable, match="does not know this log"):
            anchor.submit(GrowingLog(seed=2).submission())
        assert_bounded(witness.url)


def assert_bounded(url: str) -> None:
    assert httpx.post(f"{url}/add-checkpoint", content=bytes(MAX_BODY + 1)).status_code == 413
    assert httpx.post(f"{url}/add-checkpoint", content=b"old").status_code == 400
    assert httpx.get(f"{url}/add-checkpoint").status_code == 405
    assert httpx.get(f"{url}/checkpoint", params={"origin": "x"}).status_code == 404
    host, _, port = url.removeprefix("http://").partition(":")
    silent = [socket.create_connection((host, int(port))) for _ in range(40)]
    refused = [one for one in silent[32:] if _is_closed(one)]
    for one in silent:
        one.close()
    assert len(refused) == 8


def _is_closed(connection: socket.socket) -> bool:
    connection.settimeout(10)
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True
