"""The keys of actors: what makes their commitments impossible to guess, and is destroyed to close
them for good."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable

from cryptography.fernet import InvalidToken
from sqlalchemy import Connection

from audit_core.domain.errors import StoreUnavailableError
from audit_core.integrity.leaf import KEY_BYTES
from audit_core.runtime.encryption import cipher_for
from audit_core.state.database import State
from audit_core.state.tree.actor_keys import add_keys, drop_keys, sealed_keys

PURPOSE = "actor keys"

REMEMBERED = 20_000
"""How many keys are kept in memory."""


class ActorKeys:
    """Gives keys, and makes those that are missing. Safe to use from many threads.

    What is remembered is used only while the state has it: another process may destroy a key.
    """

    def __init__(self, state: State, installation_key: bytes) -> None:
        self._state = state
        self._cipher = cipher_for(PURPOSE, installation_key)
        self._remembered: OrderedDict[str, bytes] = OrderedDict()
        """Opened keys, by how they stand in the state."""
        self._lock = threading.Lock()

    def of(self, organization_id: str, actors: Iterable[str]) -> dict[str, bytes]:
        """The key of each of these actors of an organization ('' for none), 32 bytes.

        Raises `StoreUnavailableError`: the state does not answer, or was written with another
        installation's key.
        """
        digests = {actor: digest(actor) for actor in set(actors)}
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
        return {actor: self._key(sealed[one]) for actor, one in digests.items()}

    def existing(
        self, connection: Connection, organization_id: str, actors: Iterable[str]
    ) -> dict[str, bytes]:
        """As `of`, as the state is in a transaction, and of those only that have a key."""
        digests = {actor: digest(actor) for actor in set(actors)}
        sealed = sealed_keys(connection, organization_id, list(digests.values()))
        return {actor: self._key(sealed[one]) for actor, one in digests.items() if one in sealed}

    def destroy(self, connection: Connection, organization_id: str, actors: Iterable[str]) -> None:
        """Destroy the keys of actors: what was committed with them stays closed for good. First
        keep what can be made with them only."""
        drop_keys(connection, organization_id, [digest(actor) for actor in set(actors)])
        with self._lock:
            self._remembered.clear()

    def _key(self, sealed: str) -> bytes:
        with self._lock:
            key = self._remembered.get(sealed)
            if key is not None:
                self._remembered.move_to_end(sealed)
                return key
        key = self._opened(sealed)
        with self._lock:
            self._remembered[sealed] = key
            while len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        return key

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
