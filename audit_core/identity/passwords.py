"""Passwords: what is acceptable, how they are kept, how they are made. Pure but for chance."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import unicodedata

import bcrypt

from audit_core.domain.errors import AccountError

BCRYPT_COST = 12
"""The logarithm of the rounds; 12 takes about a quarter of a second."""
SHORTEST_PASSWORD = 12
"""In characters."""
LOWEST_SCORE = 3
"""Of zxcvbn's five: more than 100 million guesses. The sign-in allows some 1,500 a day."""
_LONGEST_ESTIMATED = 72
"""In characters; zxcvbn takes no more, and what comes after makes it no easier."""
_WORD = re.compile(r"\w{3,}")

# Without look-alikes (0 and o, 1 and l and i), because people type these.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def generate_password() -> str:
    """A fresh password of 98 bits, like ``k3fh-9mwq-xw2c-p7dn-ze4t``."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(5))
    return "-".join(groups)


def hash_password(password: str, *, cost: int = BCRYPT_COST, known: tuple[str, ...] = ()) -> str:
    """The bcrypt hash to keep. Slow on purpose.

    Raises `AccountError` for a password that is too short, or easy to guess: one of the common
    ones, or made of them, of names, dates, repeats or keys in a row. `known` is what a guesser
    would know of the person.
    """
    if len(password) < SHORTEST_PASSWORD:
        raise AccountError(
            f"The password has {len(password)} characters.",
            f"Choose one of at least {SHORTEST_PASSWORD} characters.",
        )
    _require_hard_to_guess(password, known)
    return bcrypt.hashpw(_material(password), bcrypt.gensalt(cost)).decode("ascii")


def _require_hard_to_guess(password: str, known: tuple[str, ...]) -> None:
    # Imported late: it reads its lists of 30,000 passwords and as many words and names.
    from zxcvbn import zxcvbn

    words = [part for text in known for part in _WORD.findall(text.casefold())]
    found = zxcvbn(password[:_LONGEST_ESTIMATED], user_inputs=["sandtrail", *words])
    if found["score"] < LOWEST_SCORE:
        why = found["feedback"]["warning"] or "It is made of common words, names or patterns."
        raise AccountError(
            f"The password is easy to guess. {why}",
            "Choose a few words that have nothing to do with each other, or leave out "
            "--password-stdin and be given one.",
        )


def is_password(password: str, password_hash: str) -> bool:
    """Whether the hash is of this password. Slow on purpose, also when the answer is no."""
    return bcrypt.checkpw(_material(password), password_hash.encode("ascii"))


def nobodys_hash(*, cost: int = BCRYPT_COST) -> str:
    """A well-formed hash of no known password; checking against it costs as much as any."""
    return f"$2b${cost:02d}${'.' * 53}"


def _material(password: str) -> bytes:
    """What bcrypt is given: 44 bytes of any password.

    bcrypt refuses more than 72 bytes (and older versions silently ignored the rest), and
    stops at a NUL; a base64 digest has neither. The same letters can be typed as different
    code points, so they are composed first.
    """
    composed = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    return base64.b64encode(hashlib.sha256(composed).digest())
