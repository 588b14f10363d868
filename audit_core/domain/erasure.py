"""Erasing a person: whose values go, where they are mentioned, and what stands in their place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from audit_core.domain.addresses import address_key, unicode_forms

PSEUDONYM_PREFIX = "erased:"
"""How the id begins that stands in the place of an actor's."""

PSEUDONYM = re.compile(rf"{PSEUDONYM_PREFIX}[0-9a-f]{{16}}")

_DEPTH = 4
"""How many times text may be quoted within text of JSON and is still read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A person of one organization, by all that entries call them by.

    Raises `ValueError` for one without a name, and for an empty one: entries without an actor
    would be those of everybody.
    """

    organization_id: str
    """As it is stored: '' for none."""
    actor_ids: frozenset[str]
    addresses: frozenset[str]
    """E-mail addresses; compared by `domain.addresses.address_key`."""

    def __post_init__(self) -> None:
        names = self.actor_ids | self.addresses
        if not names or "" in names:
            raise ValueError("a subject needs at least one actor id or address, none of them empty")

    @property
    def address_keys(self) -> frozenset[str]:
        """What the addresses are compared by."""
        return frozenset(map(address_key, self.addresses))

    def acts(self, actor_id: str, actor_email: str) -> bool:
        """Whether an entry of this actor is the subject's own."""
        if actor_id:
            return actor_id in self.actor_ids
        return self.has_address(actor_email)

    def has_address(self, address: str) -> bool:
        """Whether an e-mail address is one of the subject's, whatever its case and form."""
        return bool(address) and address_key(address) in self.address_keys

    def mentioned_in(self, text: str | None) -> bool:
        """Whether a text, which may be JSON, names the subject: as a whole word, so that `u1` is
        not found in `u12`. Addresses are found in any case, and as URLs and JSON quote them."""
        if not text:
            return False
        pattern = _mention(self)
        return any(pattern.search(form) for form in _unquoted(text))

    def replaced_in(self, text: str, pseudonym: str) -> str:
        """A text with the pseudonym in each place where it names the subject. Where a name is
        quoted so that it cannot be replaced, the pseudonym is all that is left of it."""
        replaced = _mention(self).sub(pseudonym, text)
        return pseudonym if self.mentioned_in(replaced) else replaced

    def replaced_within(self, value: Any, pseudonym: str) -> Any:
        """As `replaced_in`, in all texts of a value of JSON; the names in objects stay."""
        if isinstance(value, str):
            return self.replaced_in(value, pseudonym)
        if isinstance(value, list):
            return [self.replaced_within(item, pseudonym) for item in value]
        if isinstance(value, dict):
            return {name: self.replaced_within(item, pseudonym) for name, item in value.items()}
        return value

    @property
    def spellings(self) -> list[str]:
        """Parts, one of which every text holds, whatever its case, that mentions the subject."""
        return list(dict.fromkeys(_spellings([*self.actor_ids, *self.addresses])))


def _spellings(names: Iterable[str]) -> Iterator[str]:
    for name in unicode_forms(sorted(names)):
        yield name
        yield quote(name, safe="")
        yield quote(name)
        yield json.dumps(name)[1:-1]
        # Some writers quote more of ASCII than they must.
        yield _QUOTED_SIGNS.sub(lambda sign: f"\\u{ord(sign.group()):04x}", json.dumps(name)[1:-1])


_QUOTED_SIGNS = re.compile(r"[+'&<>]")

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)

_BLANKS = "bfnrt"


def _unquoted(text: str) -> Iterator[str]:
    """The text, and what it is once its quotes of JSON are undone, however deep."""
    yield text
    for _ in range(_DEPTH):
        if "\\" not in text:
            return
        text = (
            _ESCAPE.sub(_character, text)
            .encode("utf-16", "surrogatepass")
            .decode("utf-16", "replace")
        )
        yield text


def _character(escape: re.Match[str]) -> str:
    code, sign = escape.groups()
    if code is not None:
        return chr(int(code, 16))
    return "\n" if sign in _BLANKS else str(sign)


@lru_cache(maxsize=64)
def _mention(subject: Subject) -> re.Pattern[str]:
    ids = (_forms(name) for name in subject.actor_ids)
    addresses = (_forms(address) for address in subject.addresses)
    parts = [rf"(?<!\w){form}(?!\w)" for forms in ids for form in forms]
    # `ann@example.com` is neither `joann@example.com` nor `ann@example.com.au`.
    parts += [rf"(?i:(?<![\w+-]){form}(?![\w-]|\.\w))" for forms in addresses for form in forms]
    return re.compile("|".join(parts))


def _forms(name: str) -> Iterator[str]:
    for form in unicode_forms([name]):
        yield re.escape(form)
        for quoted in {quote(form, safe=""), quote(form)} - {form}:
            yield f"(?i:{re.escape(quoted)})"
