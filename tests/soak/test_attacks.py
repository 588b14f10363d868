"""A small part of each attack, by the code of `make soak`."""

from __future__ import annotations

import pytest

from tests.soak.attack import Scale, attacks


@pytest.mark.parametrize("name", sorted(attacks()))
def test_a_small_part_of_the_attack_is_held(name, tmp_path):
    held = list(attacks()[name](tmp_path, Scale.SMALL))
    assert held
    assert all(one.claim and one.figures for one in held)
