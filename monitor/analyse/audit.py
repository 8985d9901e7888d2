"""What hand labels of a random sample say of a whole event."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from monitor.analyse.estimate import LEVEL, Estimate, Floats, frame, t_interval
from monitor.analyse.expected import Announced

__all__ = ["FEWEST_LABELS", "agreement", "audits", "corrected", "precision", "with_audits"]

PRECISION, CORRECTED = "stream_precision", "sentiment_corrected"

FEWEST_LABELS = 50
_Z = 1.959963984540054  # the .975 quantile of the normal distribution


def precision(relevant: int, labelled: int) -> Estimate:
    """The share of posts that are about the event, with Wilson's interval (Wilson 1927).

    Args:
        relevant: posts of the sample that are; `labelled`: posts of the sample.
    """
    method = "share of a random sample, Wilson's interval"
    if not labelled:
        return Estimate(method=method, flag="no_labels")
    share, z = relevant / labelled, _Z
    middle = (share + z**2 / (2 * labelled)) / (1 + z**2 / labelled)
    reach = z * math.sqrt(share * (1 - share) / labelled + z**2 / (4 * labelled**2))
    reach /= 1 + z**2 / labelled
    return Estimate(
        value=share, low=max(middle - reach, 0.0), high=min(middle + reach, 1.0), level=LEVEL,
        method=method, n=labelled, n_eff=float(labelled),
    )  # fmt: skip


def corrected(labels: Floats, scores: Floats, others: Floats) -> Estimate:
    """The mean mood, by a model's scores of all posts and hand labels of some.

    Prediction-powered inference with power tuning (PPI++; Angelopoulos, Duchi & Zrnic 2023):
    θ = λ·mean_N f + mean_n(Y − λf), λ = cov(Y, f)/(var f·(1 + n/N)), within [0, 1]; its variance is
    λ²·var f/N + var(Y − λf)/n. The interval is Student's with n − 1 degrees of freedom.

    Args:
        labels: Y of the n labelled posts, in [-1, 1]; `scores`: f of the same.
        others: f of the N posts without a label.

    Returns:
        None with the flag `few_labels` below 50.
    """
    n, number = len(labels), len(others)
    method = "prediction-powered (PPI++)"
    if n < FEWEST_LABELS:
        return Estimate(method=method, n=n, flag="few_labels" if n else "no_labels")
    spread = float(np.var(scores, ddof=1))
    weight = 0.0
    if number and spread > 0:
        both = float(np.cov(labels, scores)[0, 1])
        weight = min(max(both / (spread * (1 + n / number)), 0.0), 1.0)
    rest = labels - weight * scores
    variance = float(np.var(rest, ddof=1)) / n
    value = float(rest.mean())
    if weight:
        value += weight * float(others.mean())
        variance += weight**2 * float(np.var(others)) / number
    low, high = t_interval(value, math.sqrt(variance), n - 1)
    return Estimate(
        value=value, low=low, high=high, level=LEVEL, method=method, n=n, n_eff=float(n)
    )


def agreement(pairs: Sequence[tuple[str, str]]) -> Estimate:
    """Cohen's κ of two people, or of a person and a model (Cohen 1960), over what both labelled.

    (p − e)/(1 − e): p the share on which they agree, e the share on which they would by chance.
    """
    n = len(pairs)
    if not n:
        return Estimate(method="Cohen's kappa", flag="no_labels")
    same = sum(one == other for one, other in pairs) / n
    names = {name for pair in pairs for name in pair}
    chance = sum(
        sum(one == name for one, _ in pairs) * sum(other == name for _, other in pairs)
        for name in names
    ) / (n * n)
    if chance == 1:  # both said one thing all the time
        return Estimate(method="Cohen's kappa", n=n, flag="no_variety")
    return Estimate(value=(same - chance) / (1 - chance), method="Cohen's kappa", n=n)


def audits(rows: pl.DataFrame, announced: Mapping[str, Announced]) -> pl.DataFrame:
    """The precision and the corrected mood of events, as `frame` makes them.

    Args:
        rows: a row a post, as `base.audited` gives it.
        announced: the events to be estimated.
    """
    found = []
    for event, times in announced.items():
        of_event = rows.filter(event_id=event)
        relevant = of_event["relevant"].drop_nulls()
        scored = of_event.drop_nulls("score")
        labelled = scored.drop_nulls("said")
        mood = corrected(
            labelled["said"].to_numpy(), labelled["score"].to_numpy(),
            scored.filter(pl.col("said").is_null())["score"].to_numpy(),
        )  # fmt: skip
        span = (times.at, times.at + times.after)
        found.append((event, PRECISION, *span, precision(int(relevant.sum()), len(relevant))))
        found.append((event, CORRECTED, *span, mood))
    return frame(found)


def with_audits(summaries: pl.DataFrame, estimates: pl.DataFrame) -> pl.DataFrame:
    """Summaries with the precision and the corrected mood of their events as further columns."""
    for name in (PRECISION, CORRECTED):
        columns = estimates.filter(estimate=name).select(
            "event_id",
            pl.col("value").alias(name), pl.col("low").alias(f"{name}_low"),
            pl.col("high").alias(f"{name}_high"), pl.col("n").alias(f"{name}_labels"),
            pl.col("flag").alias(f"{name}_flag"),
        )  # fmt: skip
        summaries = summaries.join(columns, "event_id", "left", maintain_order="left")
    return summaries
