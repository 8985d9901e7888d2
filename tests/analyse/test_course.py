"""How fast half of a reaction has come."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.analyse.course import half_life


@given(st.floats(0.5, 15), st.floats(1, 1e4))
def test_an_exponential_decay_has_its_half_life(hours: float, posts: float) -> None:
    edges = np.arange(73)
    curve = posts * (1 - 2 ** (-edges / hours))
    found = half_life(np.diff(curve))
    half = curve[-1] / 2
    assert found.value == pytest.approx(-hours * np.log2(1 - half / posts), rel=0.02, abs=0.3)
    assert found.flag == ""


def test_a_curve_that_falls_again_keeps_its_highest() -> None:
    abnormal = np.zeros(72)
    abnormal[:2], abnormal[10:20] = 10.0, -1.0
    assert half_life(abnormal).value == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("abnormal", "flag"),
    [
        (np.ones(71), "window_short"),
        (np.where(np.arange(72) == 30, np.nan, 1.0), "partial"),
        (np.full(72, -1.0), "no_reaction"),
        (np.where(np.arange(72) < 66, 1.0, 2.0), "not_yet"),
    ],
)
def test_what_can_not_be_told_is_said(abnormal: np.ndarray, flag: str) -> None:
    found = half_life(abnormal)
    assert (found.value, found.flag) == (None, flag)
