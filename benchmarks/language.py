"""How well and how fast languages are told, beside langdetect's own sampling (seeded).

The texts are other people's posts and no part of the project: name a CSV file with the columns
language and text.

.venv/bin/python benchmarks/language.py TEXTS.csv [langdetect|vote]
"""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import langdetect

from monitor.enrich.language import detector
from monitor.enrich.language.profiles import LANGUAGES

LEVELS = (0.9, 0.7)


def sampled(texts: Sequence[str]) -> list[str]:
    """langdetect as it is mostly used; a text without features has no answer."""
    langdetect.DetectorFactory.seed = 0
    found = []
    for text in texts:
        try:
            found.append(langdetect.detect(text))
        except langdetect.LangDetectException:
            found.append("und")
    return found


def timed(what: Callable[[Sequence[str]], object], texts: Sequence[str]) -> float:
    begun = time.perf_counter()
    what(texts)
    return len(texts) / (time.perf_counter() - begun)


def main() -> None:
    with Path(sys.argv[1]).open(encoding="utf8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["language"] in (*LANGUAGES, "ar")]
    engine = detector(sys.argv[2] if len(sys.argv) > 2 else "langdetect")
    assert engine is not None
    texts, truth = [row["text"] for row in rows], [row["language"] for row in rows]
    engine.guess(texts[:10])
    ours, theirs = timed(engine.guess, texts), timed(sampled, texts[:1000])
    guesses = engine.guess(texts)
    right = [g.language == t for g, t in zip(guesses, truth, strict=True)]
    print(f"{len(rows)} texts: {sum(right) / len(rows):.3f} right, {ours:,.0f} texts/s")
    for level in LEVELS:
        sure = [r for r, g in zip(right, guesses, strict=True) if g.confidence >= level]
        share = len(sure) / len(rows)
        print(f"confidence >= {level}: {share:.3f} of them, {sum(sure) / len(sure):.4f} right")
    peer = sampled(texts)
    print(f"langdetect.detect: {sum(map(str.__eq__, peer, truth)) / len(rows):.3f} right, ", end="")
    print(f"{theirs:,.0f} texts/s; ratio {ours / theirs:.1f}")


if __name__ == "__main__":
    main()
