"""How well and how fast languages are told, beside langdetect's own sampling (seeded).

The texts are other people's posts and no part of the project: name a CSV file with the columns
language and text. Whole, and cut by rule: the first two words in a row of four letters or more, and
the first sentence of six words or more, names, links and tags left out.

.venv/bin/python benchmarks/language.py TEXTS.csv [langdetect|vote]
"""

from __future__ import annotations

import csv
import re
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import langdetect

from monitor.enrich.language import detector
from monitor.enrich.language.profiles import LANGUAGES
from monitor.enrich.protocol import Detector

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


def word_pair(text: str) -> str | None:
    """The first two words in a row of four letters or more."""
    found = re.search(r"\b([^\W\d_]{4,})\s+([^\W\d_]{4,})\b", _bare(text))
    return " ".join(found.groups()) if found else None


def sentence(text: str) -> str | None:
    """The first sentence of six words or more."""
    parts = re.split(r"[.!?\u2026\u061f]+\s", _bare(text))
    return next((part.strip() for part in parts if len(part.split()) >= 6), None)


def _bare(text: str) -> str:
    return re.sub(r"https?:?\S*|[@#]\S+|\bRT\b|\\u[0-9a-f]{4}", " ", text)


def judged(title: str, engine: Detector, texts: Sequence[str], truth: Sequence[str]) -> None:
    guesses = engine.guess(texts)
    right = [g.language == t for g, t in zip(guesses, truth, strict=True)]
    print(f"{title}: {len(texts)}, {sum(right) / len(texts):.3f} right", end="")
    for level in LEVELS:
        sure = [r for r, g in zip(right, guesses, strict=True) if g.confidence >= level]
        share, good = len(sure) / len(texts), sum(sure) / max(len(sure), 1)
        print(f"; confidence >= {level}: {share:.3f} of them, {good:.4f} right", end="")
    print()


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
    print(f"{ours:,.0f} texts/s")
    judged("texts", engine, texts, truth)
    for title, cut in (("word pairs", word_pair), ("sentences", sentence)):
        parts = [(cut(text), language) for text, language in zip(texts, truth, strict=True)]
        kept = [(part, language) for part, language in parts if part]
        judged(title, engine, [part for part, _ in kept], [language for _, language in kept])
    peer = sampled(texts)
    print(f"langdetect.detect: {sum(map(str.__eq__, peer, truth)) / len(rows):.3f} right, ", end="")
    print(f"{theirs:,.0f} texts/s; ratio {ours / theirs:.1f}")


if __name__ == "__main__":
    main()
