"""What a stream would have been, beside statsmodels; bands and sums beside what they promise."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.analyse.abnormal import band, cumulative
from monitor.analyse.baseline import DAY, Baseline, learn
from monitor.analyse.estimate import Estimate, Floats

HOUR = 3600
MONDAY = 1_769_990_400
"""2026-02-02, midnight in UTC."""


def days(number: int, *, begin: int = MONDAY, bucket: int = HOUR) -> np.ndarray:
    return (begin + np.arange(number * DAY // bucket) * bucket).reshape(number, -1)


def ordinary(starts: np.ndarray, rate: float) -> Floats:
    """Posts expected an hour: more by day, fewer at the weekend."""
    hour, weekend = starts / HOUR % 24, (starts // DAY + 3) % 7 >= 5
    return rate * np.exp(0.6 * np.cos(2 * np.pi * (hour - 15) / 24) - 0.3 * weekend)


def drawn(mean: Floats, seed: int, alpha: float = 0.5) -> Floats:
    rng = np.random.default_rng(seed)
    return rng.poisson(mean * rng.gamma(1 / alpha, alpha, mean.shape)).astype(float)


def learned(rate: float, seed: int = 0, number: int = 14) -> Baseline:
    starts = days(number)
    made = learn(starts, drawn(ordinary(starts, rate), seed), HOUR)
    assert made is not None
    return made


def sure(found: Estimate) -> tuple[float, float, float]:
    """An interval and a p-value that must be there."""
    assert found.low is not None
    assert found.high is not None
    assert found.p_value is not None
    return found.low, found.high, found.p_value


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.floats(0.5, 40), st.integers(7, 14))
def test_the_regression_is_that_of_statsmodels(seed: int, rate: float, number: int) -> None:
    made = learned(rate, seed, number)
    regression, starts = made.regression, made.starts.ravel()
    hours = (starts + HOUR / 2) / HOUR
    waves = [
        wave(2 * np.pi * k * hours / 24)
        for k in range(1, regression.harmonics + 1) for wave in (np.cos, np.sin)
    ]  # fmt: skip
    weekend = (starts // DAY + 3) % 7 >= 5
    design = np.column_stack([np.ones(len(hours)), *waves, weekend])
    # statsmodels takes no dispersion of 0 for a negative binomial.
    family = (
        sm.families.NegativeBinomial(alpha=regression.dispersion)
        if regression.dispersion > 0 else sm.families.Poisson()
    )  # fmt: skip
    theirs = sm.GLM(made.counts.ravel(), design, family=family).fit(tol=1e-12, maxiter=200)
    assert regression.mean(starts) == pytest.approx(theirs.mu, rel=1e-6)
    if regression.dispersion > 0:
        assert theirs.pearson_chi2 == pytest.approx(theirs.df_resid, rel=1e-6)


def test_a_day_of_training_is_expected_without_itself() -> None:
    made = learned(20)
    changed = made.counts.copy()
    changed[3] *= 10
    other = learn(made.starts, changed, HOUR)
    assert other is not None
    assert made.expected(made.starts[3]) == pytest.approx(other.expected(made.starts[3]))
    assert (other.expected(made.starts[4]) > made.expected(made.starts[4])).all()


@pytest.mark.parametrize(("number", "posts"), [(6, 1000), (7, 49)])
def test_too_little_teaches_nothing(number: int, posts: int) -> None:
    counts = np.zeros((number, 24))
    counts[0, :20] = posts / 20
    assert learn(days(number), counts, HOUR) is None


@pytest.mark.parametrize("bucket", [900, HOUR, 6 * HOUR, 8 * HOUR, 12 * HOUR, DAY])
def test_every_bucket_that_divides_a_day(bucket: int) -> None:
    starts = days(14, bucket=bucket)
    mean = ordinary(starts, 20) * bucket / HOUR
    made = learn(starts, drawn(mean, 1), bucket)
    assert made is not None
    ahead = days(1, begin=MONDAY + 14 * DAY, bucket=bucket)[0]
    assert made.regression.mean(ahead).sum() == pytest.approx(mean[0].sum(), rel=0.5)
    assert (band(made, made.regression.mean(ahead)) is None) == (14 * DAY // bucket < 39)


def test_days_without_posts_at_night_are_learned() -> None:
    starts = days(14)
    counts = np.where((starts // HOUR % 24 >= 9) & (starts // HOUR % 24 < 17), 5.0, 0.0)
    made = learn(starts, counts, HOUR)
    assert made is not None
    assert np.isfinite(made.left_out).all()
    assert np.isfinite(made.residuals).all()
    assert made.left_out.sum() == pytest.approx(counts.sum(), rel=0.1)


def test_bands_hold_what_they_promise() -> None:
    """Of 120 made streams; the calibration counts many more."""
    inside, sums, false = [], [], []
    for seed in range(120):
        starts = days(15, begin=MONDAY + seed % 7 * DAY)
        counts = drawn(ordinary(starts, 6), seed)
        made = learn(starts[:14], counts[:14], HOUR)
        assert made is not None
        limits = band(made, made.regression.mean(starts[14]))
        assert limits is not None
        inside.append(np.mean((counts[14] >= limits[0]) & (counts[14] <= limits[1])))
        total = cumulative(made, starts[14], counts[14])
        low, high, p_value = sure(total)
        sums.append(low <= 0 <= high)
        false.append(p_value < 0.05)
        assert sums[-1] != false[-1], "the interval and the p-value say the same"
    assert 0.92 <= np.mean(inside) <= 0.98
    assert np.mean(sums) >= 0.89
    assert np.mean(false) <= 0.11


def test_an_abnormal_day_is_told() -> None:
    made = learned(6)
    ahead = days(1, begin=MONDAY + 14 * DAY)[0]
    more = drawn(ordinary(ahead, 6), 3) + 30
    total = cumulative(made, ahead, more)
    assert total.value == pytest.approx(more.sum() - made.regression.mean(ahead).sum())
    low, _, p_value = sure(total)
    assert low > 0
    assert p_value < 1e-4
    few = cumulative(made, ahead[:6], more[:6])
    assert few.value == pytest.approx(np.sum(more[:6] - made.regression.mean(ahead[:6])))


def test_the_hours_of_a_window_are_compared_with_the_same_hours() -> None:
    """Also where the days that were learned from begin elsewhere on the clock."""
    mean = ordinary(days(16).ravel(), 20)
    counts = drawn(mean, 5)
    night = counts.copy()
    night[: 14 * 24] *= np.where(np.arange(14 * 24) % 24 < 6, np.tile([0.5, 1.5], 168), 1.0)
    spreads = []
    for shift in (0, 7):
        starts = days(15, begin=MONDAY + shift * HOUR).ravel()
        these = night[shift : shift + 15 * 24]
        made = learn(starts[: 14 * 24].reshape(14, 24), these[: 14 * 24].reshape(14, 24), HOUR)
        assert made is not None
        for hour in (0, 12):  # the nights are restless, noon is not
            ahead = MONDAY + 15 * DAY + (hour + np.arange(6)) * HOUR
            low, high, _ = sure(cumulative(made, ahead, mean[15 * 24 + hour + np.arange(6)]))
            spreads.append((high - low) / made.regression.mean(ahead).sum())
    assert spreads[0] == pytest.approx(spreads[2], rel=0.2)
    assert spreads[1] == pytest.approx(spreads[3], rel=0.2)


def test_two_days_are_judged_by_two_days() -> None:
    inside = []
    for seed in range(120):
        starts = days(16, begin=MONDAY + seed % 7 * DAY)
        counts = drawn(ordinary(starts, 6), seed)
        made = learn(starts[:14], counts[:14], HOUR)
        assert made is not None
        low, high, _ = sure(cumulative(made, starts[14:].ravel(), counts[14:].ravel()))
        inside.append(low <= 0 <= high)
    assert np.mean(inside) >= 0.89


def test_runs_of_days_do_not_span_what_was_left_out() -> None:
    starts = days(15)[np.arange(15) != 4]
    counts = drawn(ordinary(starts, 6), 2)
    made = learn(starts, counts, HOUR)
    assert made is not None
    posts, expected = made.blocks(2)
    assert posts.shape == expected.shape == (7, 48)
    assert posts[0].tolist() == counts[12:].ravel().tolist()
    assert posts[-1].tolist() == counts[:2].ravel().tolist()
    posts, _ = made.blocks(3)
    assert posts[:, 0].tolist() == counts[[11, 8, 5, 1], 0].tolist()


def test_days_that_are_all_alike_leave_no_doubt() -> None:
    starts = days(15)
    counts = np.full(starts.shape, 4.0)
    made = learn(starts[:14], counts[:14], HOUR)
    assert made is not None
    more = cumulative(made, starts[14], counts[14] + 1)
    assert sure(more)[2] < 1e-6
