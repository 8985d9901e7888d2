"""An estimate as a row: a value, its interval, and how it came about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["LEVEL", "Estimate", "Floats", "t_interval", "t_p_value"]

LEVEL = 0.95

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """One number that the data carry, or None and a flag that says why they do not.

    Args:
        value: in the unit of what is estimated; `low` and `high` likewise.
        level: the share of such intervals that hold the truth.
        method: how it was estimated, for those who defend it.
        n: observations that went in; `n_eff`: how many independent ones they are worth.
        p_value: of no difference at all, where that is a question.
        flag: why something is None; empty where nothing is.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    level: float = LEVEL
    method: str = ""
    n: int = 0
    n_eff: float | None = None
    p_value: float | None = None
    flag: str = ""


def t_interval(value: float, error: float, degrees: float) -> tuple[float, float]:
    """Student's interval at `LEVEL` of an estimate with this standard error."""
    from scipy.special import stdtrit  # takes half a second to load

    reach = float(stdtrit(degrees, 0.5 + LEVEL / 2)) * error
    return value - reach, value + reach


def t_p_value(statistic: float, degrees: float) -> float:
    """The two-sided p-value of a statistic that is Student's t where nothing happened."""
    from scipy.special import stdtr

    return 2 * float(stdtr(degrees, -abs(statistic)))
