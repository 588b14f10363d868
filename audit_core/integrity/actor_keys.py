"""The keys of actors: what makes their commitments impossible to guess, and is destroyed to close
them for good."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable

from cryptography.fernet import InvalidToken

from audit_core.domain.errors import StoreUnavailableError
from audit_core.integrity.leaf import KEY_BYTES
from audit_core.runtime.encryption import cipher_for
from audit_core.state.database import State
from audit_core.state.tree.actor_keys import add_keys, sealed_keys

PURPOSE = "actor keys"

REMEMBERED = 20_000
"""How many keys are kept in memory."""


class ActorKeys:
    """Gives keys, and makes those that are missing. Safe to use from many threads."""

    def __init__(self, state: State, installation_key: bytes) -> None:
        self._state = state
        self._cipher = cipher_for(PURPOSE, installation_key)
        self._remembered: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, organization_id: str, actors: Iterable[str]) -> dict[str, bytes]:
        """The key of each of these actors of an organization ('' for none), 32 bytes.

        Raises `StoreUnavailableError`: the state does not answer, or was written with another
        installation's key.
        """
        found: dict[str, bytes] = {}
        missing: list[str] = []
        with self._lock:
            for actor in set(actors):
                key = self._remembered.get((organization_id, actor))
                if key is None:
                    missing.append(actor)
                else:
                    self._remembered.move_to_end((organization_id, actor))
                    found[actor] = key
        if missing:
            read = self._read(organization_id, missing)
            found |= read
            with self._lock:
                for actor, key in read.items():
                    self._remembered[organization_id, actor] = key
                while len(self._remembered) > REMEMBERED:
                    self._remembered.popitem(last=False)
        return found

    def forget(self, organization_id: str, actor: str) -> None:
        """Let go of a key in memory: it was destroyed."""
        with self._lock:
            self._remembered.pop((organization_id, actor), None)

    def _read(self, organization_id: str, actors: list[str]) -> dict[str, bytes]:
        digests = {actor: digest(actor) for actor in actors}
        asked = list(digests.values())
        with self._state.read() as connection:
            sealed = sealed_keys(connection, organization_id, asked)
        new = {
            one: self._cipher.encrypt(secrets.token_bytes(KEY_BYTES)).decode()
            for one in asked
            if one not in sealed
        }
        if new:
            with self._state.begin() as connection:
                add_keys(connection, organization_id, new)
                # Another process may have been first.
                sealed |= sealed_keys(connection, organization_id, list(new))
        return {actor: self._opened(sealed[one]) for actor, one in digests.items()}

    def _opened(self, sealed: str) -> bytes:
        try:
            return self._cipher.decrypt(sealed.encode())
        except InvalidToken as error:
            raise StoreUnavailableError(
                "The state holds keys of actors that this installation's key does not open.",
                "Operator: start with the key file that this state was written with.",
            ) from error


def digest(actor: str) -> str:
    """What an actor's key is found by."""
    return hashlib.sha256(actor.encode()).hexdigest()
