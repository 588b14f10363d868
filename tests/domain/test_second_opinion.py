"""What the detectors of detect-secrets find in texts that are redacted: nothing, but for a list.

They are a second opinion and no part of the product: RE2 refuses many of their expressions.
"""

from __future__ import annotations

import re

import pytest
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.plugins.base import BasePlugin, RegexBasedDetector
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from audit_core.domain.redaction import redact_text
from tests.support.laws import law
from tests.support.secret_strategies import CORPUS

DETECTORS: dict[str, BasePlugin] = {
    kind.__name__: kind() for kind in get_mapping_from_secret_type_to_class().values()
}
FILES = ("a.txt", "a.py", "a.go", "a.yml")
"""One of the detectors reads assignments as the language of the file writes them."""

ASSIGNMENT = (
    "any number of spaces stands for a separator here, and `pass` and `pw` for names; the corpus "
    "has assignments as programs write them"
)
EXCEPTIONS = {
    ("ArtifactoryDetector", "AKC"): "any word of 13 letters that begins with AKC; keys with AKCp",
    ("ArtifactoryDetector", "AP"): "any word of 11 letters that begins so; passwords with a name",
    ("AWSKeyDetector", "aws.{0,20}"): "40 letters somewhere behind a word: commits are like that",
    ("BasicAuthDetector", ""): "an address without the name of its scheme",
    ("CloudantDetector", "(?:(?<"): ASSIGNMENT,
    ("DiscordBotTokenDetector", ""): "letters with two dots, as many names have; no prefix",
    ("IbmCloudIamDetector", ""): ASSIGNMENT,
    ("IbmCosHmacDetector", ""): ASSIGNMENT,
    ("IPPublicDetector", ""): "an address of the network is no secret, and entries are about them",
    ("MailchimpDetector", ""): "a digest and a region, as names of images may end",
    ("NpmDetector", ""): "any text that begins with npm_, behind any number of spaces",
    ("PrivateKeyDetector", ""): "the words of the first line alone, without dashes or a key",
    ("SlackDetector", "xox"): "also one digit and one letter, in capitals",
    ("SlackDetector", "https"): "the host in capitals, which nobody writes",
    ("SoftlayerDetector", ""): ASSIGNMENT,
    ("SquareOAuthDetector", ""): "with backslashes, which are in no token",
    ("TelegramBotTokenDetector", ""): "a number and a colon; tokens go on with AA",
    ("TwilioKeyDetector", ""): "the ids of an account and of a key, which Twilio shows; no secrets",
}
"""Reasons by a detector and a part of its expression."""

IN_THE_CORPUS = {("KeywordDetector", "near: secretary"): "a secretary is a person, who has a name"}
"""Reasons by a detector and the kind of a sample."""


def found(detector: BasePlugin, text: str, file: str = "a.txt") -> set[str | None]:
    """What a detector finds in a text, line by line. It asks nobody whether a secret is valid."""
    return {
        secret.secret_value
        for line in text.splitlines()
        for secret in detector.analyze_line(filename=file, line=line, line_number=1)
    }


def excepted(detector: str, pattern: str) -> bool:
    return any(name == detector and part in pattern for name, part in EXCEPTIONS)


PATTERNS = [
    (name, expression)
    for name, detector in sorted(DETECTORS.items())
    if isinstance(detector, RegexBasedDetector)
    for expression in detector.denylist
]


def test_no_detector_finds_more_than_that_in_the_redacted_corpus() -> None:
    before, left = set(), []
    for sample in CORPUS:
        redacted = redact_text(sample.text)
        for name, detector in DETECTORS.items():
            for file in FILES:
                if found(detector, sample.text, file):
                    before.add((name, sample.kind))
                if secrets := found(detector, redacted, file):
                    left.append((name, sample.kind, secrets))
    assert {(name, kind) for name, kind, _ in left} == set(IN_THE_CORPUS), left
    assert len(before) > 60, "they would have found them"
    assert len({name for name, _ in before}) > 12


@pytest.mark.law
@pytest.mark.parametrize(
    ("name", "expression"),
    [item for item in PATTERNS if not excepted(item[0], item[1].pattern)],
    ids=lambda value: value if isinstance(value, str) else value.pattern[:30],
)
def test_what_a_detector_looks_for_is_redacted(name: str, expression: re.Pattern[str]) -> None:
    """Whatever its expression matches, as a word of a message."""
    detector, seen = DETECTORS[name], []
    printable = st.characters(codec="ascii", exclude_categories=["Cc"])

    # The same texts each time: a miss that is rare would fail in somebody else's change.
    @law(60, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.from_regex(expression, fullmatch=True, alphabet=printable))
    def check(secret: str) -> None:
        text = f"The server refused {secret} at last"
        if found(detector, text):
            seen.append(secret)
        assert not found(detector, redact_text(text)), redact_text(text)

    check()
    assert seen or name == "JwtTokenDetector", "it looks into the token, which is none here"


def test_every_exception_is_one() -> None:
    """A detector that is gone, or an expression that is redacted by now, leaves the list."""
    for name, part in EXCEPTIONS:
        assert any(item == name and part in known.pattern for item, known in PATTERNS), name
