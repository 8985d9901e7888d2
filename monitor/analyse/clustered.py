"""The mean of posts that are not independent: authors repeat themselves, threads agree."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from monitor.analyse.estimate import Estimate, Floats, t_interval

__all__ = ["FEWEST_CLUSTERS", "cluster_variance", "clustered_mean"]

FEWEST_CLUSTERS = 10
_DOMINATES = 0.2

Groups = npt.NDArray[np.int64]
"""A number for each post's author or thread; a post without one has a number of its own."""


def clustered_mean(values: Floats, authors: Groups, threads: Groups) -> Estimate:
    """The mean with an interval that allows for authors and threads.

    The variance is V_author + V_thread with V_g = G/(G−1) · Σ_g (Σ_{i∈g} e_i)² / n², of e the
    deviations from the mean and of G groups (Cameron, Gelbach & Miller 2011, J. Bus. Econ. Stat.
    29:238, without the term for the intersection: the sum is the cautious one). Student's t has
    min_g n²/Σn_g² − 1 degrees of freedom, which is the number of clusters of equal size that
    would be as good, less one.

    Returns:
        The mean; without an interval and flagged `few_clusters` where there are fewer than ten
        effective clusters. Flagged `one_thread_dominates` where a thread has more than a fifth
        of the posts.
    """
    n = len(values)
    method = "clustered by author and thread, Student's t"
    if n == 0:
        return Estimate(method=method, flag="no_posts")
    mean = float(values.mean())
    deviations = values - mean
    parts = [cluster_variance(deviations, groups) for groups in (authors, threads)]
    effective = min(clusters for _, clusters in parts)
    largest = np.unique_counts(threads).counts.max()
    flags = ["one_thread_dominates"] if largest > _DOMINATES * n else []
    if effective < FEWEST_CLUSTERS:
        flags.append("few_clusters")
        return Estimate(mean, method=method, n=n, n_eff=effective, flag=" ".join(flags))
    error = sum(variance for variance, _ in parts) ** 0.5
    low, high = t_interval(mean, error, effective - 1)
    return Estimate(mean, low, high, method=method, n=n, n_eff=effective, flag=" ".join(flags))


def cluster_variance(deviations: Floats, groups: Groups) -> tuple[float, float]:
    """One group's part of the variance, and how many clusters of equal size it is worth."""
    _, place, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    sums, n, count = np.bincount(place, deviations), len(groups), len(sizes)
    variance = float(np.sum(sums**2)) / n**2 * count / max(count - 1, 1)
    return variance, n**2 / float(np.sum(sizes.astype(float) ** 2))
