"""What synthetic people say: our own templates, put together by chance, with a known mood."""

from __future__ import annotations

import random
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from monitor.simulate.worlds.world import Mood, Words

__all__ = ["Speech", "languages"]


@cache
def _templates() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("texts.toml").read_text("utf8"))


def languages() -> list[str]:
    """The languages in which there is something to say."""
    return sorted(_templates())


class Speech:
    """Draws texts. Two worlds of one seed say the same."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def post(self, kind: str, language: str, mean: float, **slots: str) -> Words:
        """A `reply`, `background` or `mention`.

        Args:
            mean: the crowd's mood, from -1 (65% angry, 5% happy) to 1 (the reverse).
        """
        mood = self._mood(mean)
        table = _templates()[language]
        parts = (
            self._rng.choice(table["openers"]),
            self._rng.choice(table[kind][mood]).format(**slots),
            self._rng.choice(table[f"tails_{mood}"]),
        )
        return Words(" ".join(part for part in parts if part), language, mood)

    def _mood(self, mean: float) -> Mood:
        draw = self._rng.random()
        if draw < 0.35 + 0.3 * mean:
            return Mood.POSITIVE
        return Mood.NEUTRAL if draw < 0.65 + 0.3 * mean else Mood.NEGATIVE

    def article(self, language: str, *, company: str, topic: str, rival: str) -> Words:
        """An article about an event."""
        press = _templates()[language]["press"]
        title = self._rng.choice(press["titles"]).format(company=company, topic=topic)
        lead = self._rng.choice(press["leads"]).format(company=company, rival=rival)
        text = f"{lead} {self._rng.choice(press['ends'])}"
        return Words(text, language, Mood.NEUTRAL, title)

    def noise(self, language: str) -> Words:
        """An article about something else."""
        noise = _templates()[language]["noise"]
        title, text = self._rng.choice(noise["titles"]), self._rng.choice(noise["bodies"])
        return Words(text, language, Mood.NEUTRAL, title)

    def line(self, where: tuple[str, str], mood: Mood, language: str = "en", **slots: str) -> Words:
        """One of a company's, a rival's or a stray's sentences: `where` names table and list."""
        table, kind = where
        spoken = language if table in _templates()[language] else "en"
        text = str(self._rng.choice(_templates()[spoken][table][kind])).format(**slots)
        return Words(text, spoken, mood)
