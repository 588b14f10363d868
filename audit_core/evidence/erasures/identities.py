"""Who is erased, as it may stand in the state: encrypted while it is needed, then as digests."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from cryptography.fernet import InvalidToken

from audit_core.domain.addresses import address_key
from audit_core.domain.erasure import Subject
from audit_core.domain.errors import StoreUnavailableError
from audit_core.runtime.encryption import cipher_for, key_for

CIPHER_PURPOSE = "erasures"
DIGEST_PURPOSE = "identities of erasures"


@dataclass(frozen=True, slots=True)
class Identities:
    """Encrypts and digests with keys of the installation."""

    installation_key: bytes

    def sealed(self, subject: Subject) -> str:
        """The person as it is kept until the entries are erased."""
        plain = {
            "organization": subject.organization_id,
            "ids": sorted(subject.actor_ids),
            "addresses": sorted(subject.addresses),
        }
        cipher = cipher_for(CIPHER_PURPOSE, self.installation_key)
        return cipher.encrypt(json.dumps(plain).encode()).decode()

    def opened(self, sealed: str) -> Subject:
        """What `sealed` was given. Raises `StoreUnavailableError` for what was written with another
        installation's key."""
        try:
            text = cipher_for(CIPHER_PURPOSE, self.installation_key).decrypt(sealed.encode())
        except InvalidToken as error:
            raise StoreUnavailableError(
                "The state holds an erasure that this installation's key does not open.",
                "Operator: start with the key file that this state was written with.",
            ) from error
        plain = json.loads(text)
        return Subject(
            organization_id=plain["organization"],
            actor_ids=frozenset(plain["ids"]),
            addresses=frozenset(plain["addresses"]),
        )

    def digests(self, subject: Subject) -> frozenset[str]:
        """Those of each id and address, by which the person is known again."""
        organization_id = subject.organization_id
        ids = self.of_ids(organization_id, subject.actor_ids)
        addresses = self.of_addresses(organization_id, subject.addresses)
        return frozenset([*ids.values(), *addresses.values()])

    def of_ids(self, organization_id: str, actor_ids: Iterable[str]) -> dict[str, str]:
        """The digest of each id of an actor. One of another organization has another."""
        return {one: self._digest("id", organization_id, one) for one in actor_ids if one}

    def of_addresses(self, organization_id: str, addresses: Iterable[str]) -> dict[str, str]:
        """The digest of each e-mail address; every spelling has the same."""
        return {
            one: self._digest("address", organization_id, address_key(one))
            for one in addresses
            if one
        }

    def _digest(self, kind: str, organization_id: str, text: str) -> str:
        # Lengths keep two different ones from being written alike.
        said = json.dumps([kind, organization_id, text]).encode()
        return hmac.new(key_for(DIGEST_PURPOSE, self.installation_key), said, sha256).hexdigest()
