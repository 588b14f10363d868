"""The template of a message: what messages that differ only in their particulars share."""

from __future__ import annotations

import re

MESSAGE_CHARACTERS = 2000
"""How much of a message its template is made of."""

TEMPLATE_CHARACTERS = 300
"""How long a template may be. Far shorter than what it is made of, so that where a long message
is cut does not tell apart what is alike."""

TEMPLATE_STEPS: tuple[tuple[str, str], ...] = (
    (r"[ \t\n\r\f\v]+", " "),
    ('"[^"]*"', "<text>"),
    ("`[^`]*`", "<text>"),
    # An apostrophe within a word opens nothing.
    ("(^|[^A-Za-z0-9'])'[^']*'", r"\1<text>"),
    ("(/[A-Za-z0-9._-]+){2,}/?", "<path>"),
    # A full stop after an identifier ends the sentence.
    (r"[A-Za-z0-9_.-]*[0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*", "<id>"),
)
"""What is replaced, in this order, everywhere in the message. The log's engines read these too
(`log.dialects.templates`): only what all of them read alike may stand here. Where an alternative
or a repetition leaves a choice, all choices must end alike: engines choose differently."""

_STEPS = tuple((re.compile(shape), replacement) for shape, replacement in TEMPLATE_STEPS)


def template_of(message: str) -> str:
    """The message with its quotations, paths, and what holds a digit replaced by their kind.

    `Snapshot "a" not found on node-7` becomes `Snapshot <text> not found on <id>`.
    """
    text = message[:MESSAGE_CHARACTERS]
    for shape, replacement in _STEPS:
        text = shape.sub(replacement, text)
    return text[:TEMPLATE_CHARACTERS]


def verbatim(template: str) -> tuple[str, ...]:
    """Texts that stand, in this order, in every message of the template; perhaps none.

    Raises nothing for a text that is the template of no message.
    """
    # A template that was cut may end in the middle of a mark.
    whole = re.sub(r"[<\[][a-z]*$", "", template)
    return tuple(part for part in re.split(r"<text>|<path>|<id>|\[redacted\]|\s+", whole) if part)
