"""What looks at texts: a detector of languages, a model of mood. Scores are data with a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

__all__ = ["CLASSES", "UNDETERMINED", "Detector", "Guess", "Mood", "MoodModel"]

CLASSES = ("negative", "neutral", "positive")
"""What a mood may be, in the order in which models count them."""
UNDETERMINED = "und"
"""The language of a text without a letter (ISO 639-2)."""


@dataclass(frozen=True, slots=True)
class Guess:
    """The language that a text itself shows: ISO 639-1 code, and how sure that is, in [0, 1].

    `letters`: how many letters the cleaned text has; few make any guess weak.
    """

    language: str
    confidence: float
    letters: int


@dataclass(frozen=True, slots=True)
class Mood:
    """Probabilities of the three classes; they add up to 1."""

    positive: float
    neutral: float
    negative: float

    @property
    def score(self) -> float:
        """In [-1, 1]: positive - negative."""
        return self.positive - self.negative

    @property
    def label(self) -> str:
        """The most probable class; of equals the one nearer to neutral."""
        shares = {"neutral": self.neutral, "negative": self.negative, "positive": self.positive}
        return max(shares, key=shares.__getitem__)


class Detector(Protocol):
    """Tells the language of texts. The same text has the same answer, always.

    `name` and `version` say whose answer it is: another version looks at all texts again.
    """

    name: str
    version: str

    def guess(self, texts: Sequence[str], among: Sequence[frozenset[str]] = ()) -> list[Guess]:
        """One guess a text, in their order.

        Args:
            among: of each text the languages that it may be in, as far as they are told apart by
                words and not by script; empty for all. Without it all may be in all.
        """
        ...


@runtime_checkable
class MoodModel(Protocol):
    """Scores the mood of texts. `name` and `version` stand beside every score that it gives."""

    name: str
    version: str

    def score(self, texts: Sequence[str], languages: Sequence[str | None]) -> list[Mood | None]:
        """One mood a text, in their order; None where no model covers the language.

        Args:
            languages: of the texts, ISO 639-1; None where unknown.
        """
        ...
