"""How fast posts get their language and mood, beside langdetect.detect and VADER in the same run.

    .venv/bin/python benchmarks/enrich.py TEXTS.csv [MODEL]

TEXTS.csv has the columns language and text; the texts are other people's posts and no part of the
project. One core, every text once, nothing cached; the median of three rounds. The peers tell the
language of every text, and VADER, which knows English, scores every text, whatever its language.
"""

from __future__ import annotations

import csv
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import langdetect
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from monitor.enrich.language import detector
from monitor.enrich.sentiment import model

ROUNDS, BATCH, SAMPLED = 3, 500, 1000


def ours(name: str) -> Callable[[Sequence[str]], None]:
    """As the daemon does it: a batch at a time."""
    mood = model(name)
    assert mood is not None

    def score(texts: Sequence[str]) -> None:
        engine = detector("langdetect")  # a new one: it remembers texts
        assert engine is not None
        for begin in range(0, len(texts), BATCH):
            batch = texts[begin : begin + BATCH]
            mood.score(batch, [guess.language for guess in engine.guess(batch)])

    return score


def vader(texts: Sequence[str]) -> None:
    analyzer = SentimentIntensityAnalyzer()
    for text in texts:
        analyzer.polarity_scores(text)


def sampled(texts: Sequence[str]) -> None:
    langdetect.DetectorFactory.seed = 0
    for text in texts:
        try:
            langdetect.detect(text)
        except langdetect.LangDetectException:  # no letter
            continue


def both(texts: Sequence[str]) -> None:
    sampled(texts)
    vader(texts)


def rate(what: Callable[[Sequence[str]], None], texts: Sequence[str]) -> float:
    begun = time.process_time()
    what(texts)
    return len(texts) / (time.process_time() - begun)


def main() -> None:
    with Path(sys.argv[1]).open(encoding="utf8", newline="") as stream:
        texts = [row["text"] for row in csv.DictReader(stream)]
    name = sys.argv[2] if len(sys.argv) > 2 else "default"
    mine = ours(name)
    mine(texts[:BATCH])  # profiles and weights are read
    found: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        found.setdefault(f"language + {name}", []).append(rate(mine, texts))
        found.setdefault("VADER alone", []).append(rate(vader, texts))
        found.setdefault("langdetect.detect + VADER", []).append(rate(both, texts[:SAMPLED]))
    middle = {what: statistics.median(rates) for what, rates in found.items()}
    print("| | texts/s | ours to it |\n| --- | --- | --- |")
    first = middle[f"language + {name}"]
    for what, value in middle.items():
        print(f"| {what} | {value:,.0f} | {first / value:.2f} |")


if __name__ == "__main__":
    main()
