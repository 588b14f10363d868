"""How failure texts are dealt and worded."""

from __future__ import annotations

from random import Random

from audit_core.simulator.activity.failures import PREFIX, TEXTS, Failure, FailureDeck, wording


def test_every_text_is_dealt_before_long() -> None:
    deck = FailureDeck(Random(4))  # noqa: S311 - for repeatability
    dealt = {
        deck.deal(creating=number % 3 > 0).message.removeprefix(PREFIX) for number in range(150)
    }
    assert dealt == set(TEXTS)


def test_only_a_create_can_meet_a_name_that_is_taken() -> None:
    deck = FailureDeck(Random(4))  # noqa: S311 - for repeatability
    dealt = {deck.deal(creating=False).message for _ in range(300)}
    assert not any("already exists" in text for text in dealt)


def test_placeholders_are_filled_in() -> None:
    text = wording(
        Failure(400, "Snapshot {snapshot} is not available in region {region}"),
        name="n",
        snapshot="base:1",
        region="eu-1",
        cpu_limit=4,
    )
    assert text == "Snapshot base:1 is not available in region eu-1"
