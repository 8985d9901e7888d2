"""How well the lexicon tells mood, how fast, and the fit of its nine weights a class.

The texts are other people's posts and no part of the project: name two CSV files with the columns
language, label and text.

.venv/bin/python benchmarks/mood.py TRAIN.csv VALIDATION.csv          # measure
.venv/bin/python benchmarks/mood.py TRAIN.csv VALIDATION.csv --fit    # fit on TRAIN, write weights
"""

from __future__ import annotations

import csv
import json
import math
import sys
import time
from collections import defaultdict
from pathlib import Path

from monitor.enrich.language import detector
from monitor.enrich.sentiment import model
from monitor.enrich.sentiment.features import NAMES, counted, features
from monitor.enrich.sentiment.lexicon import CLASSES, LANGUAGES, values_of
from monitor.enrich.sentiment.tokens import tokens

WEIGHTS = Path(__file__).parents[1] / "monitor" / "enrich" / "sentiment" / "data" / "weights.json"
ROUNDS, RATE, MOMENTUM, SHRINK = 300, 0.3, 0.9, 1e-3
BINS = 20

Row = dict[str, str]


def read(path: str) -> list[Row]:
    with Path(path).open(encoding="utf8", newline="") as stream:
        return [row for row in csv.DictReader(stream) if row["language"] in LANGUAGES]


def fit(rows: list[Row]) -> dict[str, list[float]]:
    """Multinomial logistic regression by gradient descent with momentum, weights shrunk."""
    inputs = [
        features(counted(tokens(row["text"]), row["language"], values_of(row["language"])))
        for row in rows
    ]
    labels = [CLASSES.index(row["label"]) for row in rows]
    size, classes = len(NAMES), range(len(CLASSES))
    weights = [[0.0] * size for _ in classes]
    speed = [[0.0] * size for _ in classes]
    for _ in range(ROUNDS):
        slope = [[SHRINK * w * len(rows) for w in row] for row in weights]
        for x, label in zip(inputs, labels, strict=True):
            logits = [sum(a * b for a, b in zip(x, row, strict=True)) for row in weights]
            most = max(logits)
            powers = [math.exp(logit - most) for logit in logits]
            total = sum(powers)
            for c in classes:
                error = powers[c] / total - (c == label)
                row = slope[c]
                for n, value in enumerate(x):
                    row[n] += error * value
        for c in classes:
            for n in range(size):
                speed[c][n] = MOMENTUM * speed[c][n] - RATE * slope[c][n] / len(rows)
                weights[c][n] += speed[c][n]
    return {name: [round(w, 4) for w in weights[c]] for c, name in enumerate(CLASSES)}


def macro_f1(pairs: list[tuple[str, str]]) -> float:
    """Mean over the classes of 2 TP / (2 TP + FP + FN), of (said, true) pairs."""
    scores = []
    for name in CLASSES:
        hits = sum(said == true == name for said, true in pairs)
        wrong = sum((said == name) != (true == name) for said, true in pairs)
        scores.append(2 * hits / (2 * hits + wrong) if hits else 0.0)
    return sum(scores) / len(scores)


def measure(title: str, rows: list[Row]) -> None:
    """Macro-F1 a language, and the expected calibration error over bins of the top share."""
    lexicon = model("lexicon")
    assert lexicon is not None
    moods = lexicon.score([row["text"] for row in rows], [row["language"] for row in rows])
    by: dict[str, list[tuple[str, str]]] = defaultdict(list)
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for row, mood in zip(rows, moods, strict=True):
        assert mood is not None
        by[row["language"]].append((mood.label, row["label"]))
        top = max(mood.positive, mood.neutral, mood.negative)
        bins[int(top * BINS)].append((top, mood.label == row["label"]))
    f1 = {language: macro_f1(pairs) for language, pairs in sorted(by.items())}
    error = sum(abs(sum(t - hit for t, hit in b)) for b in bins.values()) / len(rows)
    print(f"{title}: {len(rows)} texts, mean macro-F1 {sum(f1.values()) / len(f1):.3f}, ", end="")
    print(f"calibration error {error:.3f}; " + ", ".join(f"{k} {v:.3f}" for k, v in f1.items()))


def speed(rows: list[Row]) -> None:
    """Language and mood together, one core, nothing cached."""
    engine, lexicon = detector("langdetect"), model("lexicon")
    assert engine is not None
    assert lexicon is not None
    texts = [row["text"] for row in rows]
    engine.guess(["to read the profiles"])
    lexicon.score([""] * len(LANGUAGES), LANGUAGES)
    begun = time.perf_counter()
    guesses = engine.guess(texts)
    middle = time.perf_counter()
    lexicon.score(texts, [guess.language for guess in guesses])
    end = time.perf_counter()
    print(f"language {len(texts) / (middle - begun):,.0f} texts/s, ", end="")
    print(f"mood {len(texts) / (end - middle):,.0f}, both {len(texts) / (end - begun):,.0f}")


def main() -> None:
    train, validation = read(sys.argv[1]), read(sys.argv[2])
    if "--fit" in sys.argv:
        WEIGHTS.write_text(json.dumps(fit(train), indent=1) + "\n", "utf8")
    measure("train", train)
    measure("validation", validation)
    speed(train)


if __name__ == "__main__":
    main()
