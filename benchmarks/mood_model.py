"""Train the model of mood, and measure it on posts that it was not trained on.

The texts are other people's posts and no part of the project: name CSV files with the columns
language, label (negative, neutral, positive) and text.

    make model TEXTS="train.csv validation.csv" EXTRA=more.csv
    .venv/bin/python benchmarks/mood_model.py train.csv validation.csv --extra more.csv --evaluate

TEXTS count four times as much as EXTRA, which is never judged. Four linear models are trained: for
all languages and for each its own, both on plain features and on those that are weighed by how much
more frequent they are in a class (NB-SVM: Wang & Manning 2012). What they say of texts that they
have not seen, fold by fold, teaches a multinomial regression in each language how far to trust each
of them. `--evaluate` does all of this five times more, on four fifths of TEXTS each, and judges by
the last fifth; `--compare` judges other ways to put the four together. What both print stands in
docs/sentiment.md. The same files give the same weights, to the byte. Languages with fewer than
fifty texts of a class in TEXTS are left out.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

import monitor.enrich.sentiment
from monitor.enrich.protocol import CLASSES
from monitor.enrich.sentiment.linear import WEIGHTS, Weights
from monitor.enrich.sentiment.ngrams import BUCKETS, DENSE, Inputs, inputs

FOLDS, SEED = 5, 0
FEWEST_TEXTS = 50  # of a class in a language
FEWEST_POSTS = 5  # of a feature; what fewer people wrote is nobody's to ship
TEXT_WEIGHT, EXTRA_WEIGHT = 4.0, 1.0
DENSE_SCALE, LANGUAGE_SCALE = 0.5, 0.3
SHARED_COST, OWN_COST = 0.03, 0.1
KEPT = 0.5  # of the features, those with the largest weights
SMOOTHING = 1.0
BINS = 15

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Texts as features: `sparse` of shape (n, `BUCKETS`), `dense` of (n, `DENSE` + languages)."""

    sparse: Any
    dense: Floats
    language: npt.NDArray[np.str_]
    label: Ints
    is_extra: npt.NDArray[np.bool_]
    languages: tuple[str, ...]

    def take(self, rows: Ints) -> Corpus:
        parts = self.sparse[rows], self.dense[rows], self.language[rows], self.label[rows]
        return Corpus(*parts, self.is_extra[rows], self.languages)

    @property
    def weight(self) -> Floats:
        return np.where(self.is_extra, EXTRA_WEIGHT, TEXT_WEIGHT)


def read(texts: Iterable[Path], extra: Iterable[Path]) -> Corpus:
    """All rows in languages that are trained; of EXTRA those whose text is not in TEXTS as well."""
    given = [row for path in texts for row in _rows(path)]
    number = Counter((row["language"], row["label"]) for row in given)
    languages = tuple(sorted({one for one, _ in number}))
    languages = tuple(x for x in languages if min(number[x, c] for c in CLASSES) >= FEWEST_TEXTS)
    known = {_key(row["text"]) for row in given}
    more = [row for path in extra for row in _rows(path) if _key(row["text"]) not in known]
    rows = [(row, False) for row in given] + [(row, True) for row in more]
    rows = [one for one in rows if one[0]["language"] in languages]
    language = np.array([row["language"] for row, _ in rows])
    sparse: list[Any] = [None] * len(rows)
    dense = np.zeros((len(rows), DENSE + len(languages)))
    for place, one in enumerate(languages):
        these = np.flatnonzero(language == one)
        made = inputs([rows[n][0]["text"] for n in these], one)
        matrix = _matrix(made)
        for row, n in enumerate(these):
            sparse[n] = matrix[row]
        dense[these, :DENSE] = DENSE_SCALE * made.dense
        dense[these, DENSE + place] = LANGUAGE_SCALE
    label = np.array([CLASSES.index(row["label"]) for row, _ in rows])
    is_extra = np.array([extra for _, extra in rows])
    return Corpus(sp.vstack(sparse).tocsr(), dense, language, label, is_extra, languages)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for number, row in enumerate(rows, 2):
        if row.get("label") not in CLASSES or not row.get("language") or row.get("text") is None:
            sys.exit(f"{path}: row {number}: needs language, text, and a label of {CLASSES}")
    return rows


def _key(text: str) -> str:
    """What two copies of one post have in common."""
    plain = re.sub(r"\\u[0-9a-f]{4}|https?\S*|@\w+", "", text.lower())
    return re.sub(r"\W+", " ", plain).strip()


def _matrix(made: Inputs) -> Any:
    return sp.csr_matrix((made.value, (made.text, made.feature)), (len(made.dense), BUCKETS))


@dataclass(frozen=True, slots=True)
class Part:
    """A linear model: what a text scores in each class."""

    sparse: Floats  # (BUCKETS, 3)
    dense: Floats  # (DENSE + languages, 3)
    bias: Floats

    def scores(self, corpus: Corpus) -> Floats:
        found: Floats = corpus.sparse @ self.sparse + corpus.dense @ self.dense + self.bias
        return found


def fit(corpus: Corpus, cost: float, *, by_ratio: bool) -> Part:
    """One against the others, for each class."""
    used = np.flatnonzero(np.diff(corpus.sparse.tocsc().indptr) >= FEWEST_POSTS)
    known = corpus.sparse[:, used]
    width = len(used)
    sparse, dense, bias = np.zeros((BUCKETS, 3)), np.zeros((corpus.dense.shape[1], 3)), np.zeros(3)
    for c in range(3):
        ratio = _ratio(known, corpus, c) if by_ratio else np.ones(width)
        features = sp.hstack([known @ sp.diags(ratio), corpus.dense]).tocsr()
        svm = LinearSVC(C=cost, random_state=SEED, max_iter=2000)
        svm.fit(features, corpus.label == c, sample_weight=corpus.weight)
        sparse[used, c] = svm.coef_[0, :width] * ratio
        dense[:, c], bias[c] = svm.coef_[0, width:], svm.intercept_[0]
    return Part(sparse, dense, bias)


def _ratio(known: Any, corpus: Corpus, c: int) -> Floats:
    """How much more frequent each feature is in a class, as a logarithm."""
    present = (known != 0).astype(np.float64)
    inside = present.T @ (corpus.weight * (corpus.label == c)) + SMOOTHING
    outside = present.T @ (corpus.weight * (corpus.label != c)) + SMOOTHING
    found: Floats = np.log(inside / inside.sum()) - np.log(outside / outside.sum())
    return found


@dataclass(frozen=True, slots=True)
class Parts:
    """The four models; those of a language by its name."""

    shared: tuple[Part, Part]
    own: dict[str, tuple[Part, Part]]

    def scores(self, corpus: Corpus) -> Floats:
        """What they say of each text, shape (n, 12)."""
        found = np.zeros((len(corpus.label), 12))
        found[:, :6] = np.hstack([part.scores(corpus) for part in self.shared])
        for one in corpus.languages:
            these = np.flatnonzero(corpus.language == one)
            some = corpus.take(these)
            found[these, 6:] = np.hstack([part.scores(some) for part in self.own[one]])
        return found


def fit_parts(corpus: Corpus) -> Parts:
    own = {}
    for one in corpus.languages:
        some = corpus.take(np.flatnonzero(corpus.language == one))
        own[one] = (fit(some, OWN_COST, by_ratio=False), fit(some, OWN_COST, by_ratio=True))
    shared = fit(corpus, SHARED_COST, by_ratio=False), fit(corpus, SHARED_COST, by_ratio=True)
    return Parts(shared, own)


def folds(corpus: Corpus) -> list[tuple[Ints, Ints]]:
    """Rows to train on (all of EXTRA among them) and rows to be judged, alike in languages."""
    texts, extra = np.flatnonzero(~corpus.is_extra), np.flatnonzero(corpus.is_extra)
    kind = [f"{corpus.language[n]}{corpus.label[n]}" for n in texts]
    split = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(texts, kind)
    return [(np.concatenate([texts[a], extra]), texts[b]) for a, b in split]


def train(corpus: Corpus, pool: ProcessPoolExecutor | None = None) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a file of weights; see `Weights`."""
    parts = folds(corpus)
    judged = np.concatenate([rows for _, rows in parts])
    unseen = np.vstack(list((pool.map if pool else map)(partial(_unseen, corpus), parts)))
    whole = fit_parts(corpus)
    arrays: dict[str, npt.NDArray[Any]] = {}
    both = np.hstack([part.sparse for part in whole.shared])
    arrays["features"], arrays["weights"] = _largest(both)
    for number, one in enumerate(corpus.languages):
        these = corpus.language[judged] == one
        stacker = LogisticRegression(max_iter=2000, tol=1e-8)
        stacker.fit(unseen[these], corpus.label[judged][these])
        mixing = np.round(stacker.coef_.T, 3)  # (12, 3)
        own = whole.own[one]
        sparse = own[0].sparse @ mixing[6:9] + own[1].sparse @ mixing[9:]
        arrays[f"features_{one}"], arrays[f"weights_{one}"] = _largest(sparse)
        every = [*whole.shared, *own]
        dense = sum(p.dense @ mixing[3 * n : 3 * n + 3] for n, p in enumerate(every))
        bias = sum(p.bias @ mixing[3 * n : 3 * n + 3] for n, p in enumerate(every))
        arrays[f"mixing_{one}"] = mixing[:6].astype(np.float32)
        arrays[f"dense_{one}"] = (DENSE_SCALE * dense[:DENSE]).astype(np.float32)
        bias = bias + LANGUAGE_SCALE * dense[DENSE + number] + np.round(stacker.intercept_, 3)
        arrays[f"bias_{one}"] = bias.astype(np.float32)
    return arrays


def _unseen(corpus: Corpus, fold: tuple[Ints, Ints]) -> Floats:
    return fit_parts(corpus.take(fold[0])).scores(corpus.take(fold[1]))


def _largest(weights: Floats) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.float16]]:
    """The features whose weights are largest, ascending, and their weights."""
    size = np.abs(weights).max(axis=1)
    used = np.flatnonzero(size)
    least = np.quantile(size[used], 1 - KEPT)
    kept = used[size[used] >= least]
    return kept.astype(np.uint32), weights[kept].astype(np.float16)


def evaluate(corpus: Corpus, pool: ProcessPoolExecutor) -> None:
    """Print what texts get from models that have seen neither them nor their fold."""
    parts = folds(corpus)
    found = np.zeros((len(corpus.label), 3))
    for (_, rows), shares in zip(parts, pool.map(partial(_judged, corpus), parts), strict=True):
        found[rows] = shares
    texts = ~corpus.is_extra
    print("| language | texts | macro-F1 | ± |\n| --- | --- | --- | --- |")
    means, errors = [], []
    for one in corpus.languages:
        these = texts & (corpus.language == one)
        said, true = found[these].argmax(axis=1), corpus.label[these]
        score, error = macro_f1(true, said), _error(true, said)
        means.append(score)
        errors.append(error)
        print(f"| {one} | {these.sum():,} | {score:.3f} | {error:.3f} |")
    half = float(np.sqrt(np.sum(np.square(errors)))) / len(corpus.languages)
    print(f"| mean | {texts.sum():,} | {np.mean(means):.3f} | {half:.3f} |")
    print(
        f"\nExpected calibration error: {calibration_error(found[texts], corpus.label[texts]):.3f}"
    )


def _judged(corpus: Corpus, fold: tuple[Ints, Ints]) -> Floats:
    weights = Weights.of(train(corpus.take(fold[0])))
    rows = corpus.take(fold[1])
    found = np.zeros((len(rows.label), 3))
    for one in rows.languages:
        these = np.flatnonzero(rows.language == one)
        found[these] = weights.probabilities(_inputs(rows.take(these)), one)
    return found


def _inputs(corpus: Corpus) -> Inputs:
    """The features as they come from texts."""
    made = corpus.sparse.tocoo()
    order = np.lexsort((made.col, made.row))
    text, feature = made.row[order].astype(np.int64), made.col[order].astype(np.int64)
    dense = (corpus.dense[:, :DENSE] / DENSE_SCALE).astype(np.float32)
    return Inputs(text, feature, made.data[order].astype(np.float32), dense)


def compare(corpus: Corpus, pool: ProcessPoolExecutor) -> None:
    """Print what each way of putting the models together gives, on the same folds."""
    parts = folds(corpus)
    rows = [rows for _, rows in parts]
    scores = list(pool.map(partial(_unseen, corpus), parts))
    whole, judged = np.vstack(scores), corpus.take(np.concatenate(rows))

    def line(name: str, found: Floats) -> None:
        each = [judged.language == one for one in judged.languages]
        mean = np.mean([macro_f1(judged.label[one], found[one].argmax(axis=1)) for one in each])
        print(f"| {name} | {mean:.3f} |", flush=True)

    print("| | mean macro-F1 |\n| --- | --- |")
    names = ("all languages", "all languages, NB-SVM", "each language", "each language, NB-SVM")
    four = [whole[:, 3 * n : 3 * n + 3] for n in range(4)]
    for name, one in zip(names, four, strict=True):
        line(f"one for {name}", one)
    even = [(one - one.mean(axis=1, keepdims=True)) / one.std() for one in four]
    line("all languages and each, added", even[0] + even[2])
    line("all four, added", np.sum(even, axis=0))
    fold = np.repeat(np.arange(FOLDS), [len(one) for one in rows])
    line("all four, by one regression", _stacked(whole, judged, fold, [judged.language != ""]))
    by_language = [judged.language == one for one in judged.languages]
    line("all four, by a regression in each language", _stacked(whole, judged, fold, by_language))


def _stacked(
    scores: Floats, judged: Corpus, fold: Ints, groups: list[npt.NDArray[np.bool_]]
) -> Floats:
    """Of each fold, what regressions on the other folds make of the scores."""
    found = np.zeros((len(scores), 3))
    for group in groups:
        for one in range(FOLDS):
            learned, told = group & (fold != one), group & (fold == one)
            stacker = LogisticRegression(max_iter=2000).fit(scores[learned], judged.label[learned])
            found[told] = stacker.predict_proba(scores[told])
    return found


def macro_f1(true: Ints, said: Ints) -> float:
    return float(f1_score(true, said, average="macro", labels=range(3), zero_division=0))


def _error(true: Ints, said: Ints, draws: int = 500) -> float:
    """The half-width of the 95% interval, by drawing the texts anew."""
    rng = np.random.default_rng(SEED)
    picks = rng.integers(len(true), size=(draws, len(true)))
    return 1.96 * float(np.std([macro_f1(true[p], said[p]) for p in picks]))


def calibration_error(shares: Floats, label: Ints) -> float:
    """Mean distance of the largest share from how often it is right, over bins of it."""
    top, right = shares.max(axis=1), shares.argmax(axis=1) == label
    place = np.minimum((top * BINS).astype(int), BINS - 1)
    inside = [place == n for n in range(BINS)]
    gaps = [abs(top[one].mean() - right[one].mean()) * one.mean() for one in inside if one.any()]
    return float(sum(gaps))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("texts", nargs="+", type=Path)
    parser.add_argument("--extra", nargs="*", default=[], type=Path)
    parser.add_argument("--evaluate", action="store_true", help="judge instead of writing weights")
    parser.add_argument("--compare", action="store_true", help="judge ways to put them together")
    package = Path(monitor.enrich.sentiment.__path__[0])
    parser.add_argument("-o", "--output", type=Path, default=package / WEIGHTS)
    options = parser.parse_args(arguments)
    corpus = read(options.texts, options.extra)
    with ProcessPoolExecutor() as pool:
        if options.evaluate:
            evaluate(corpus, pool)
        elif options.compare:
            compare(corpus, pool)
        else:
            np.savez_compressed(options.output, **train(corpus, pool))
            print(f"{options.output}: {options.output.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
