"""The simulator against what is known of its processes without counting.

A figure that is simulated must lie within four standard errors of what the theory says; seeds are
fixed, so a test that passes passes always.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from statistics import fmean, median, stdev, variance

import pytest

from monitor.simulate.worlds.hawkes import (
    Exponential,
    Kernel,
    Power,
    expected_by,
    expected_total,
    gamma_poisson,
    half_life,
    poisson,
    tree,
)

KERNELS: list[Kernel] = [Exponential(2400.0), Power(2400.0, 1.2)]
HOUR = 3600.0


def near(values: list[float], expected: float) -> None:
    """Four standard errors of the mean."""
    error = stdev(values) / math.sqrt(len(values))
    assert abs(fmean(values) - expected) < 4 * error, (fmean(values), expected, error)


def trees(kernel: Kernel, number: int, *, direct: float, branching: float, spread: float = 0.0):
    rng = random.Random(1)
    return [
        tree(rng, direct=direct, branching=branching, kernel=kernel, spread=spread)
        for _ in range(number)
    ]


@pytest.mark.parametrize("kernel", KERNELS, ids=["exponential", "power"])
@pytest.mark.parametrize(("branching", "spread"), [(0.0, 0.0), (0.5, 0.0), (0.7, 0.8)])
def test_the_total_is_the_direct_answers_over_one_minus_branching(
    kernel: Kernel, branching: float, spread: float
) -> None:
    made = trees(kernel, 2000, direct=5.0, branching=branching, spread=spread)
    near([float(len(nodes)) for nodes in made], expected_total(5.0, branching))


@pytest.mark.parametrize("kernel", KERNELS, ids=["exponential", "power"])
def test_the_branching_ratio_is_the_mean_number_of_answers_to_an_answer(kernel: Kernel) -> None:
    made = trees(kernel, 2000, direct=5.0, branching=0.6, spread=0.8)
    answers = [
        float(sum(child.parent == index for child in nodes))
        for nodes in made
        for index in range(len(nodes))
    ]
    near(answers, 0.6)


@pytest.mark.parametrize("kernel", KERNELS, ids=["exponential", "power"])
def test_half_of_the_direct_answers_come_within_the_kernels_median(kernel: Kernel) -> None:
    made = trees(kernel, 1000, direct=5.0, branching=0.5)
    delays = [node.at for nodes in made for node in nodes if node.depth == 1]
    near([float(delay <= kernel.median) for delay in delays], 0.5)
    assert kernel.cdf(kernel.median) == pytest.approx(0.5)
    assert median(delays) == pytest.approx(kernel.median, rel=0.1)


@pytest.mark.parametrize("kernel", KERNELS, ids=["exponential", "power"])
@pytest.mark.parametrize("quantile", [0.1, 0.9, 0.99])
def test_delays_follow_their_law(kernel: Kernel, quantile: float) -> None:
    rng = random.Random(2)
    delays = sorted(kernel.draw(rng) for _ in range(20_000))
    at = delays[int(quantile * len(delays))]
    error = math.sqrt(quantile * (1 - quantile) / len(delays))
    assert abs(kernel.cdf(at) - quantile) < 4 * error


@pytest.mark.parametrize("hours", [0.5, 2.0, 12.0, 48.0])
def test_the_renewal_equation_has_the_closed_solution_of_exponential_memory(hours: float) -> None:
    kernel, n = Exponential(2400.0), 0.6
    rate = math.log(2.0) / kernel.median
    closed = 10.0 / (1 - n) * (1 - math.exp(-rate * (1 - n) * hours * HOUR))
    assert expected_by(10.0, n, kernel, hours * HOUR) == pytest.approx(closed, rel=2e-3)


@pytest.mark.parametrize("kernel", KERNELS, ids=["exponential", "power"])
@pytest.mark.parametrize("hours", [0.5, 2.0, 24.0])
def test_the_growth_of_a_tree_is_what_the_renewal_equation_says(
    kernel: Kernel, hours: float
) -> None:
    made = trees(kernel, 3000, direct=3.0, branching=0.5, spread=0.8)
    counts = [float(sum(node.at <= hours * HOUR for node in nodes)) for nodes in made]
    near(counts, expected_by(3.0, 0.5, kernel, hours * HOUR))


@pytest.mark.parametrize("kernel", KERNELS, ids=["exponential", "power"])
def test_half_of_a_tree_is_there_at_its_half_life(kernel: Kernel) -> None:
    made = trees(kernel, 3000, direct=3.0, branching=0.5)
    at = half_life(0.5, kernel)
    near([float(sum(n.at <= at for n in nodes)) - len(nodes) / 2 for nodes in made], 0.0)
    assert at > kernel.median


def test_exponential_half_life_is_the_median_over_one_minus_branching() -> None:
    assert half_life(0.75, Exponential(600.0)) == pytest.approx(2400.0)


def test_nothing_happens_behind_the_horizon_and_parents_come_first() -> None:
    rng = random.Random(3)
    for _ in range(200):
        nodes = tree(
            rng, direct=8.0, branching=0.8, kernel=Power(2400.0), spread=1.0, horizon=2 * HOUR
        )
        for index, node in enumerate(nodes):
            assert node.at <= 2 * HOUR
            assert -1 <= node.parent < index
            above = 0.0 if node.parent < 0 else nodes[node.parent].at
            assert node.at >= above
            assert node.depth == (1 if node.parent < 0 else nodes[node.parent].depth + 1)


@pytest.mark.parametrize("mean", [0.0, 0.3, 4.0, 75.5])
def test_poisson_numbers_have_their_mean_as_variance(mean: float) -> None:
    rng = random.Random(4)
    drawn = [float(poisson(rng, mean)) for _ in range(8000)]
    if mean == 0.0:
        assert set(drawn) == {0.0}
        return
    near(drawn, mean)
    assert variance(drawn) == pytest.approx(mean, rel=0.1)


@pytest.mark.parametrize("dispersion", [0.0, 0.5])
def test_hours_are_overdispersed_as_asked(dispersion: float) -> None:
    rng = random.Random(5)
    rate: Callable[[int], float] = lambda _hour: 6.0  # noqa: E731
    moments = gamma_poisson(rng, 8000, rate, dispersion)
    assert moments == sorted(moments)
    counts = [0] * 8000
    for moment in moments:
        counts[int(moment)] += 1
    near([float(count) for count in counts], 6.0)
    assert variance(counts) == pytest.approx(6.0 + dispersion * 36.0, rel=0.1)
