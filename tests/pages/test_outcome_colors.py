from __future__ import annotations

import pytest

from audit_core.explore.presentation.outcome_colors import (
    COLOR_OF_OUTCOME,
    NOT_FAILED_COLOR,
    TEXT_ON_OUTCOME,
    chip_color,
)
from pages.parts.sandboxes.failure_group_list import STANDING_COLORS
from tests.support.contrast import READABLE, contrast, luminance, parts


@pytest.mark.parametrize("outcome", COLOR_OF_OUTCOME)
def test_what_stands_on_an_outcome_can_be_read(outcome: str) -> None:
    found = contrast(parts(COLOR_OF_OUTCOME[outcome]), parts(TEXT_ON_OUTCOME[outcome]))
    assert found >= READABLE


@pytest.mark.parametrize(
    "color", [*COLOR_OF_OUTCOME.values(), *STANDING_COLORS.values(), NOT_FAILED_COLOR]
)
def test_streamlit_writes_black_on_every_chip(color: str) -> None:
    assert luminance(parts(chip_color(color))) > 0.5
