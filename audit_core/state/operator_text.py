"""Names and ids that an operator gives: one line of visible text."""

from __future__ import annotations

from audit_core.domain.errors import AccountError


def plain_text(what: str, value: str, *, longest: int) -> str:
    """The value, stripped. `what` names it in a sentence; `longest` is in characters.

    Raises `AccountError` when it is empty, too long, or holds a character that a terminal
    would obey rather than show.
    """
    plain = value.strip()
    if not plain:
        raise AccountError(f"The {what} is empty.", f"Give a {what}.")
    if len(plain) > longest:
        raise AccountError(
            f"The {what} has {len(plain):,} characters.", f"Give one of at most {longest}."
        )
    if not plain.isprintable():
        raise AccountError(
            f"The {what} {plain!a} holds a character that cannot be shown.",
            "Use letters, digits, spaces and punctuation.",
        )
    return plain
