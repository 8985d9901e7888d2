"""Means with intervals that allow for authors and threads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.analyse.clustered import cluster_variance, clustered_mean
from monitor.analyse.estimate import t_interval


def test_the_reference() -> None:
    """60 posts of 7 authors in 12 threads; the errors were computed by another program."""
    i = np.arange(60)
    authors, threads = i % 7, i // 5
    values = np.round(0.5 * np.sin(i) + 0.1 * (authors - 3) / 3 + 0.05 * (threads % 4), 6)
    found = clustered_mean(values, authors, threads)
    assert found.value == pytest.approx(0.087827833333, abs=1e-9)
    assert (found.low, found.high) == (None, None)
    assert "few_clusters" in found.flag
    # Seven authors are too few for an interval; the errors it would be made of are right.
    deviations = values - values.mean()
    parts = [cluster_variance(deviations, groups)[0] for groups in (authors, threads)]
    assert np.sqrt(parts) == pytest.approx([0.033485609507, 0.029219147015], abs=1e-9)
    assert np.sqrt(sum(parts)) == pytest.approx(0.044441473832, abs=1e-9)


@given(st.lists(st.integers(-1, 1), min_size=12, max_size=40))
def test_posts_by_themselves_have_twice_the_variance_of_a_mean(signs: list[int]) -> None:
    """Each post is its own author and its own thread: both parts are s²/n."""
    values = np.array(signs, dtype=float)
    each = np.arange(len(values))
    found = clustered_mean(values, each, each)
    error = np.sqrt(2 * values.var(ddof=1) / len(values))
    low, high = t_interval(float(values.mean()), float(error), len(values) - 1)
    assert found.low == pytest.approx(low, abs=1e-12)
    assert found.high == pytest.approx(high, abs=1e-12)
    assert found.n_eff == pytest.approx(len(values))


def test_a_thread_that_dominates_is_named() -> None:
    threads = np.array([0] * 40 + list(range(1, 61)))
    found = clustered_mean(np.linspace(-1, 1, 100), np.arange(100), threads)
    assert found.flag == "one_thread_dominates few_clusters"
    assert found.n_eff == pytest.approx(100**2 / (40**2 + 60))


def test_nothing_has_no_mean() -> None:
    nothing = np.array([], dtype=np.int64)
    assert clustered_mean(np.array([]), nothing, nothing).flag == "no_posts"
