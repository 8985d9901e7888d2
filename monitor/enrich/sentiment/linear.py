"""The default model: weights of hashed n-grams, by language; elsewhere the lexicon.

Every language has its own logits: what a model shared by all languages says, what one of its own
says, and the lexicon's sums, put together by a multinomial regression that makes the probabilities
right (Wolpert 1992, Stacked Generalization). `make model` trains it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.enrich.protocol import Mood
from monitor.enrich.sentiment.lexicon import Lexicon
from monitor.enrich.sentiment.ngrams import BUCKETS, Inputs, inputs

__all__ = ["WEIGHTS", "Linear", "Weights"]

WEIGHTS = "data/linear.npz"

_UNSURE = 0.5  # of what the lexicon says elsewhere: nobody measured it

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers some integers from 0 on, in their order: rank in a bit vector (Jacobson 1989).

    A table of all features would take 8 MB; this takes a bit each, and 32 for every 64.

    Attributes:
        bits: which there are; shape (n,), of 64 each.
        before: how many there are before each of `bits`.
    """

    bits: npt.NDArray[np.uint64]
    before: npt.NDArray[np.int32]

    @classmethod
    def of(cls, some: Integers, below: int) -> Numbers:
        """Of `some` integers, all of them less than `below`."""
        bits = np.zeros(-(-below // 64), np.uint64)
        np.bitwise_or.at(bits, some >> 6, _bit(some))
        counts = np.bitwise_count(bits)
        return cls(bits, (np.cumsum(counts) - counts).astype(np.int32))

    def find(self, asked: Integers) -> tuple[npt.NDArray[np.bool_], Integers]:
        """Which of `asked` there are, and the numbers of those."""
        word, bit = asked >> 6, _bit(asked)
        bits = self.bits[word]
        has = (bits & bit) != 0
        lower = bits[has] & (bit[has] - np.uint64(1))
        return has, self.before[word[has]] + np.bitwise_count(lower)


def _bit(integers: Integers) -> npt.NDArray[np.uint64]:
    return np.uint64(1) << (integers & 63).astype(np.uint64)


@dataclass(frozen=True, slots=True)
class Sparse:
    """Weights of some features. `rows`: the rows of those that are known and have any."""

    rows: Numbers
    weights: Floats

    def sums(self, text: Integers, known: Integers, value: Floats, texts: int) -> Floats:
        """The weighed sum of each text's features, shape (texts, columns of `weights`)."""
        has, rows = self.rows.find(known)
        text, added = text[has], self.weights[rows] * value[has, None]
        sums = [np.bincount(text, column, texts) for column in added.T]
        return np.stack(sums, axis=1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Weights:
    """All that is learned.

    Attributes:
        known: the features with any weight, of `BUCKETS`.
        shared: of all languages, six columns.
        own: by language, three columns.
        mixing, dense, bias: by language, shapes (6, 3), (`DENSE`, 3) and (3,): what the shared
            sums, the dense features and 1 add to each class.
    """

    known: Numbers
    shared: Sparse
    own: Mapping[str, Sparse]
    mixing: Mapping[str, Floats]
    dense: Mapping[str, Floats]
    bias: Mapping[str, Floats]

    @classmethod
    def of(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Weights:
        """From the arrays of a file, as `benchmarks/mood_model.py` writes them: features ascend."""
        languages = [name.removeprefix("bias_") for name in arrays if name.startswith("bias_")]
        union = np.unique(
            np.concatenate([arrays["features"], *(arrays[f"features_{x}"] for x in languages)])
        )
        known = Numbers.of(union, BUCKETS)

        def sparse(suffix: str) -> Sparse:
            _, numbers = known.find(arrays[f"features{suffix}"])
            rows = Numbers.of(numbers, len(union))
            return Sparse(rows, arrays[f"weights{suffix}"].astype(np.float32))

        def each(name: str) -> dict[str, Floats]:
            return {one: arrays[f"{name}_{one}"].astype(np.float32) for one in languages}

        own = {one: sparse(f"_{one}") for one in languages}
        return cls(known, sparse(""), own, each("mixing"), each("dense"), each("bias"))

    def probabilities(self, made: Inputs, language: str) -> Floats:
        """Of each text, in the order of `CLASSES`; shape (texts, 3)."""
        has, known = self.known.find(made.feature)
        given = made.text[has], known, made.value[has], len(made.dense)
        logits = self.shared.sums(*given) @ self.mixing[language]
        logits += self.own[language].sums(*given)
        logits += made.dense @ self.dense[language] + self.bias[language]
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: Floats = powers / powers.sum(axis=1, keepdims=True)
        return shares


class Linear:
    """See the module. Where no weights were learned, the lexicon speaks, with doubt."""

    name = "linear"
    version = "1"

    def __init__(self, weights: Weights | None = None) -> None:
        """Args: weights: None for those that are shipped."""
        self._lexicon = Lexicon()
        self._weights = weights

    def score(self, texts: Sequence[str], languages: Sequence[str | None]) -> list[Mood | None]:
        """One mood a text; None where neither covers the language."""
        weights = self._weights or _shipped()
        elsewhere = [None if language in weights.own else language for language in languages]
        found = self._lexicon.score(texts, elsewhere)
        moods = [None if mood is None else _doubted(mood) for mood in found]
        for language in weights.own:
            these = [n for n, one in enumerate(languages) if one == language]
            if these:
                made = inputs([texts[n] for n in these], language)
                # Six digits: sums of many texts at once may differ in the last one. Cut off, not
                # rounded, so that two shares never exceed 1.
                shares = np.floor(weights.probabilities(made, language).astype(float) * 1e6) / 1e6
                for n, (negative, _, positive) in zip(these, shares.tolist(), strict=True):
                    moods[n] = Mood(positive, 1.0 - positive - negative, negative)
        return moods


def _doubted(mood: Mood) -> Mood:
    """Nearer to knowing nothing."""
    even = (1 - _UNSURE) / 3
    positive, negative = (even + _UNSURE * share for share in (mood.positive, mood.negative))
    return Mood(positive, 1.0 - positive - negative, negative)


@cache
def _shipped() -> Weights:
    place = files("monitor.enrich.sentiment").joinpath(WEIGHTS)
    with place.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        return Weights.of(dict(arrays))
