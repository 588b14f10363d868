"""`witness`: cosigns checkpoints of other installations' logs, on a machine of its own."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit_core.cli.parts.terminal import say
from audit_core.domain.errors import SettingsError
from audit_core.domain.terminal_text import printable
from audit_core.integrity.signed_note import is_key_name
from audit_core.integrity.witness.storage import FolderStorage, read_log_keys
from audit_core.integrity.witness.witness import Witness
from audit_core.log.store import utc_now
from audit_core.runtime.encryption import key_for
from audit_core.runtime.signing_key import read_key
from audit_core.web.witness.server import witness_server

KEY_FILE = "witness.key"
PURPOSE = "cosignatures"


def witness(
    keys: Annotated[
        Path,
        typer.Option(help="A file of the logs' keys, one a line, as Evidence → Integrity shows."),
    ],
    folder: Annotated[
        Path, typer.Option(help="Where it keeps its own key and what it has seen of each log.")
    ],
    listen: Annotated[
        str, typer.Option(help="HOST:PORT; a proxy in front of it adds HTTPS.")
    ] = "127.0.0.1:8787",
    name: Annotated[
        str | None, typer.Option(help="Its name in cosignatures; the machine's, else.")
    ] = None,
) -> None:
    """Witness checkpoints of logs: cosign what continues what was seen, and nothing else.

    Run it on another machine than the logs, under another person's care. Name it to each
    installation in SANDTRAIL_ANCHOR_WITNESSES: the address, a space, and the key that it prints.
    """
    host, port = _address(listen)
    known_as = name or socket.gethostname()
    if not is_key_name(known_as):
        raise SettingsError(
            f"The name {printable(known_as)[:64]} cannot stand in a signature.",
            "Give --name without spaces and plus signs, such as witness.example.org.",
        )
    storage = FolderStorage(folder)
    try:
        seed = key_for(PURPOSE, read_key(folder / KEY_FILE))
        running = Witness(
            known_as,
            Ed25519PrivateKey.from_private_bytes(seed),
            read_log_keys(keys),
            storage,
            utc_now,
        )
        say(f"Witness at http://{listen}, with the key")
        say(running.key.text)
        witness_server(running, host, port).run()
    finally:
        storage.close()


def _address(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65_535:
        raise SettingsError(
            f"{printable(listen)[:64]} is not where a server can listen.",
            "Write HOST:PORT, such as 127.0.0.1:8787.",
        )
    return host.strip("[]"), int(port)
