"""An engine and a model whose answers stand in the text itself: `en! …` is English for sure."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.enrich.protocol import Guess, Mood

__all__ = ["Known", "Picky"]


class Known:
    """Reads the language off the first two letters: `en!` for sure, `en?` unsure."""

    name = "known"
    version = "7"

    def guess(self, texts: Sequence[str]) -> list[Guess]:
        return [Guess(text[:2], 0.95 if text[2:3] == "!" else 0.5, 40) for text in texts]


class Picky:
    """Covers English; the first word after the language is the mood; falls over at `boom`."""

    name = "picky"
    version = "1"

    def score(self, texts: Sequence[str], languages: Sequence[str | None]) -> list[Mood | None]:
        if any("boom" in text for text in texts):
            raise ValueError("it went off")
        return [
            None
            if language != "en"
            else Mood(0.1, 0.1, 0.8)
            if "bad" in text
            else Mood(0.8, 0.1, 0.1)
            for text, language in zip(texts, languages, strict=True)
        ]
