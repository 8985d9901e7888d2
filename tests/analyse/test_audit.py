"""Hand labels: what a sample says of the whole, by references and on made events."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.proportion import proportion_confint

from monitor.analyse.audit import FEWEST_LABELS, agreement, corrected, precision


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_a_share_is_that_of_statsmodels(counts: tuple[int, int]) -> None:
    found = precision(*counts)
    low, high = proportion_confint(*counts, method="wilson")
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


words = st.sampled_from(["positive", "neutral", "negative"])


@given(st.lists(st.tuples(words, words), min_size=1, max_size=60))
def test_agreement_is_that_of_sklearn(pairs: list[tuple[str, str]]) -> None:
    found = agreement(pairs)
    if len({word for pair in pairs for word in pair}) == 1:
        assert (found.value, found.flag) == (None, "no_variety")
    else:
        assert found.value == pytest.approx(cohen_kappa_score(*zip(*pairs, strict=True)))


def made(seed: int, n: int, number: int, right: float, shift: float) -> tuple[np.ndarray, ...]:
    """Labels of n posts, a model's scores of them and of others, and the mean of all of these."""
    rng = np.random.default_rng(seed)
    true = rng.choice([-1.0, 0.0, 1.0], size=n + number, p=[0.5, 0.3, 0.2])
    scores = np.where(rng.uniform(size=n + number) < right, true, rng.uniform(-1, 1, n + number))
    scores = np.clip(scores + shift, -1, 1)
    return true[:n], scores[:n], scores[n:], true


@pytest.mark.parametrize("right", [0.0, 0.6, 0.95])
def test_the_interval_holds_the_truth_also_where_the_model_is_biased(right: float) -> None:
    """And is narrower than that of labels alone where the model knows something."""
    inside, widths, alone = [], [], []
    for seed in range(300):
        labels, scores, others, _ = made(seed, 80, 2000, right, 0.3)
        found = corrected(labels, scores, others)
        assert found.low is not None
        assert found.high is not None
        inside.append(found.low <= -0.3 <= found.high)
        widths.append(found.high - found.low)
        alone.append(2 * 1.99 * labels.std(ddof=1) / np.sqrt(80))
    assert np.mean(inside) >= 0.91
    ratio = np.mean(widths) / np.mean(alone)
    assert ratio <= 1.02
    if right == 0.95:
        assert ratio < 0.5


@given(st.integers(0, 50), st.floats(0.1, 0.95))
def test_no_other_weight_would_make_it_surer(seed: int, right: float) -> None:
    labels, scores, others, _ = made(seed, 100, 900, right, 0.0)
    found = corrected(labels, scores, others)

    def variance(weight: float) -> float:
        rest = np.var(labels - weight * scores, ddof=1) / len(labels)
        return float(rest + weight**2 * np.var(scores, ddof=1) / len(others))

    candidates = np.linspace(0, 1, 201)
    best = candidates[np.argmin([variance(w) for w in candidates])]
    weighed = best * others.mean() + (labels - best * scores).mean()
    assert found.value == pytest.approx(weighed, abs=2e-3)


def test_few_labels_correct_nothing() -> None:
    labels, scores, others, _ = made(1, FEWEST_LABELS - 1, 500, 0.8, 0.0)
    found = corrected(labels, scores, others)
    assert (found.value, found.low, found.n, found.flag) == (None, None, 49, "few_labels")
    assert corrected(labels[:0], scores[:0], others).flag == "no_labels"
    assert precision(0, 0).flag == "no_labels"


def test_a_model_that_says_one_thing_only_changes_nothing() -> None:
    labels = np.tile([1.0, -1.0, 0.0, 0.0], 20)
    found = corrected(labels, np.full(80, 0.3), np.full(500, 0.3))
    assert found.value == pytest.approx(0.0)
