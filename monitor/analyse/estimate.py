"""An estimate as a row: a value, its interval, and how it came about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

__all__ = ["LEVEL", "Estimate", "Floats", "frame", "t_interval", "t_p_value"]

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


_MOMENT = pl.Datetime("us")
_COLUMNS = pl.Schema([
    ("event_id", pl.String), ("estimate", pl.String), ("starts_at", _MOMENT), ("ends_at", _MOMENT),
    ("value", pl.Float64), ("low", pl.Float64), ("high", pl.Float64), ("p_value", pl.Float64),
    ("level", pl.Float64), ("method", pl.String), ("n", pl.Int64), ("n_eff", pl.Float64),
    ("flag", pl.String),
])  # fmt: skip


def frame(rows: Iterable[tuple[str, str, float, float, Estimate]]) -> pl.DataFrame:
    """Estimates as a table: event, what it is, from when to when (seconds since 1970), and it."""
    numbers = pl.Schema([(n, pl.Int64 if n.endswith("_at") else t) for n, t in _COLUMNS.items()])
    plain = [
        (
            event, name, round(start * 1e6), round(end * 1e6), one.value, one.low, one.high,
            one.p_value, one.level, one.method or None, one.n, one.n_eff, one.flag or None,
        )
        for event, name, start, end, one in rows
    ]  # fmt: skip
    return pl.DataFrame(plain, numbers, orient="row").cast(_COLUMNS)


def t_interval(value: float, error: float, degrees: float) -> tuple[float, float]:
    """Student's interval at `LEVEL` of an estimate with this standard error."""
    from scipy.special import stdtrit  # takes half a second to load

    reach = float(stdtrit(degrees, 0.5 + LEVEL / 2)) * error
    return value - reach, value + reach


def t_p_value(statistic: float, degrees: float) -> float:
    """The two-sided p-value of a statistic that is Student's t where nothing happened."""
    from scipy.special import stdtr

    return 2 * float(stdtr(degrees, -abs(statistic)))
