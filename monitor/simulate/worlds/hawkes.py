"""Marked Hawkes processes: posts that beget posts, and what is known of them without counting.

Each post begets a Poisson number of direct answers with mean `branching` times its mark; marks are
log-normal with mean 1. Delays are drawn from a memory kernel. Seen as a cluster (branching)
representation this is the self-exciting process of Hawkes (1971), after Hawkes & Oakes (1974).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

__all__ = [
    "Exponential",
    "Kernel",
    "Node",
    "Power",
    "expected_by",
    "expected_total",
    "gamma_poisson",
    "half_life",
    "poisson",
    "tree",
]


class Kernel(Protocol):
    """The law of the delay between a post and an answer to it, in seconds."""

    @property
    def median(self) -> float:
        """The time by which half of the direct answers are there."""
        ...

    def cdf(self, delay: float) -> float:
        """The share of direct answers that come within `delay`."""
        ...

    def draw(self, rng: random.Random) -> float:
        """One delay."""
        ...


@dataclass(frozen=True, slots=True)
class Exponential:
    """Memory that fades at a constant rate."""

    median: float

    def cdf(self, delay: float) -> float:
        """1 - 2^(-t/median)."""
        return 1.0 - float(0.5 ** (max(delay, 0.0) / self.median))

    def draw(self, rng: random.Random) -> float:
        """By inversion."""
        return -self.median * math.log2(1.0 - rng.random())


@dataclass(frozen=True, slots=True)
class Power:
    """Memory with a heavy tail: the Lomax law, 1 - (1 + t/c)^(-tail)."""

    median: float
    tail: float = 1.2

    @property
    def scale(self) -> float:
        """c, so that the median is what was asked for."""
        return self.median / (float(2.0 ** (1.0 / self.tail)) - 1.0)

    def cdf(self, delay: float) -> float:
        """1 - (1 + t/c)^(-tail)."""
        return 1.0 - float((1.0 + max(delay, 0.0) / self.scale) ** -self.tail)

    def draw(self, rng: random.Random) -> float:
        """By inversion."""
        return self.scale * (float((1.0 - rng.random()) ** (-1.0 / self.tail)) - 1.0)


@dataclass(frozen=True, slots=True)
class Node:
    """One answer: seconds after the root, the index of what it answers (-1: the root), depth."""

    at: float
    parent: int
    depth: int


def tree(
    rng: random.Random,
    *,
    direct: float,
    branching: float,
    kernel: Kernel,
    spread: float = 0.0,
    horizon: float = math.inf,
) -> list[Node]:
    """All descendants of a root that draws `direct` answers on average, a generation at a time.

    Args:
        branching: the mean number of answers to each of them; below 1.
        spread: standard deviation of the logarithm of a mark.
        horizon: seconds after which nothing counts any more.
    """
    found: list[Node] = []
    parents = [(0.0, -1, direct)]
    depth = 0
    while parents:
        depth += 1
        born: list[tuple[float, int, float]] = []
        for at, index, mean in parents:
            for _ in range(poisson(rng, mean)):
                moment = at + kernel.draw(rng)
                mark = math.exp(rng.gauss(0.0, spread) - spread * spread / 2.0)
                if moment <= horizon:
                    born.append((moment, len(found), branching * mark))
                    found.append(Node(moment, index, depth))
        parents = born
    return found


def expected_total(direct: float, branching: float) -> float:
    """The expected number of descendants without a horizon: direct / (1 - branching)."""
    return direct / (1.0 - branching)


def expected_by(
    direct: float, branching: float, kernel: Kernel, seconds: float, steps: int = 600
) -> float:
    """The expected number of descendants within `seconds` of the root.

    It solves the renewal equation m(t) = direct·F(t) + branching·∫ m(t - s) dF(s) of the cluster
    process on a grid of `steps`, by the trapezoid rule; for the exponential kernel with rate β the
    solution is direct/(1 - n)·(1 - e^(-β(1 - n)t)).
    """
    width = seconds / steps
    mass = [kernel.cdf((i + 1) * width) - kernel.cdf(i * width) for i in range(steps)]
    half = branching * mass[0] / 2.0  # the step that the unknown itself stands in
    mean = [0.0]
    for i in range(1, steps + 1):
        later = sum(mass[j] * (mean[i - 1 - j] + mean[i - j]) / 2.0 for j in range(1, i))
        known = direct * kernel.cdf(i * width) + branching * later + half * mean[i - 1]
        mean.append(known / (1.0 - half))
    return mean[-1]


def half_life(branching: float, kernel: Kernel) -> float:
    """The seconds by which half of all expected descendants are there; exact to 1%.

    For the exponential kernel: median / (1 - branching).
    """
    if isinstance(kernel, Exponential):
        return kernel.median / (1.0 - branching)
    target = expected_total(1.0, branching) / 2.0
    low, high = 0.0, kernel.median
    while expected_by(1.0, branching, kernel, high, 400) < target:
        low, high = high, high * 2.0
    while high - low > 0.005 * high:
        middle = (low + high) / 2.0
        if expected_by(1.0, branching, kernel, middle, 400) < target:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def poisson(rng: random.Random, mean: float) -> int:
    """A Poisson number: Knuth's product for small means, halves of it for large ones."""
    count = 0
    while mean > 30.0:  # noqa: PLR2004 - e^-30 is far from underflow
        count += poisson(rng, 15.0)
        mean -= 15.0
    limit, product = math.exp(-mean), rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count


def gamma_poisson(
    rng: random.Random, hours: int, rate: Callable[[int], float], dispersion: float
) -> list[float]:
    """Moments (in hours, ascending) of a process whose hourly rate varies by chance, too.

    Each hour's rate is multiplied by a gamma variable with mean 1 and variance `dispersion`, so
    that its count is negative binomial with variance μ + dispersion·μ².
    """
    moments: list[float] = []
    for hour in range(hours):
        factor = rng.gammavariate(1.0 / dispersion, dispersion) if dispersion else 1.0
        count = poisson(rng, rate(hour) * factor)
        moments += sorted(hour + rng.random() for _ in range(count))
    return moments
