import tomllib
from pathlib import Path

import pytest

from audit_core.web.server_options import EXPECTED, wrong_options

CONFIG = Path(__file__).parents[2] / ".streamlit" / "config.toml"


def committed(name: str) -> object:
    section, _, option = name.partition(".")
    return tomllib.loads(CONFIG.read_text())[section][option]


def test_the_committed_options_are_the_ones_that_are_required() -> None:
    assert wrong_options(committed) == ()


@pytest.mark.parametrize("name", EXPECTED)
def test_each_option_that_is_not_in_force_is_named(name: str) -> None:
    def option(asked: str) -> object:
        return "full" if asked == name else committed(asked)

    (sentence,) = wrong_options(option)
    assert name in sentence


def test_no_theme_loads_a_font_from_elsewhere() -> None:
    assert "http" not in CONFIG.read_text()
