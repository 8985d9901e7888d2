"""From posts that wait to their language and mood. Pure: the same post has the same answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from monitor.config import Enrich
from monitor.enrich.language import detector, resolve
from monitor.enrich.language.resolve import tagged
from monitor.enrich.protocol import UNDETERMINED, Detector, Guess, Mood, MoodModel
from monitor.enrich.sentiment import model

__all__ = ["Said", "Scored", "Scorer", "Waiting"]


@dataclass(frozen=True, slots=True)
class Said:
    """What a post says, as far as its language goes. `stated`: the language that an import gave."""

    text: str | None
    tag: str | None
    stated: str | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A post whose present content was not looked at yet. `parent`: the post that it answers.

    `language`: what the store has for it now. `among`: the languages of its events, where they
    name some.
    """

    key: int
    version: int
    parent_version: int
    own: Said
    parent: Said | None = None
    language: str | None = None
    among: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Scored:
    """What a look at a post gave. `mood` is None where no model covers it."""

    key: int
    version: int
    parent_version: int
    language: str | None
    confidence: float | None
    mood: Mood | None


class Scorer:
    """An engine of languages and a model of mood, either of which may be none."""

    def __init__(
        self, engine: Detector | None, mood_model: MoodModel | None,
        on_fault: Callable[[Waiting, Exception], None] = lambda _post, _error: None,
    ) -> None:  # fmt: skip
        self._engine = engine
        self._model = mood_model
        self._on_fault = on_fault
        self.engine = _name(engine)
        self.model = _name(mood_model)

    @classmethod
    def of(
        cls, enrich: Enrich, on_fault: Callable[[Waiting, Exception], None] = lambda _p, _e: None
    ) -> Scorer:
        """What the configuration names.

        Raises:
            UsageError: there is no such engine or model, or it is not installed.
        """
        return cls(detector(enrich.language), model(enrich.sentiment, enrich.onnx_folder), on_fault)

    @property
    def idle(self) -> bool:
        """Is there nothing to do, ever?"""
        return self._engine is None and self._model is None

    def score(self, posts: Sequence[Waiting]) -> list[Scored]:
        """One answer a post. One that the model can't bear has none; the others have theirs."""
        try:
            return self._score(posts)
        except Exception as error:  # noqa: BLE001 - a third party's model; the text is a stranger's
            if len(posts) == 1:
                self._on_fault(posts[0], error)
                post = posts[0]
                return [Scored(post.key, post.version, post.parent_version, None, None, None)]
            return [one for post in posts for one in self.score([post])]

    def _score(self, posts: Sequence[Waiting]) -> list[Scored]:
        languages = self._languages(posts)
        moods: list[Mood | None] = [None] * len(posts)
        scored = [n for n, post in enumerate(posts) if (post.own.text or "").strip()]
        if self._model is not None:
            found = self._model.score(
                [posts[n].own.text or "" for n in scored], [languages[n][0] for n in scored]
            )
            for n, mood in zip(scored, found, strict=True):
                moods[n] = mood
        return [
            Scored(post.key, post.version, post.parent_version, *language, mood)
            for post, language, mood in zip(posts, languages, moods, strict=True)
        ]

    def _languages(self, posts: Sequence[Waiting]) -> list[tuple[str | None, float | None]]:
        if self._engine is None:
            return [(post.language, None) for post in posts]
        parents = [post.parent or Said(None, None) for post in posts]
        among = [post.among for post in posts]
        guesses = self._guesses([*(post.own for post in posts), *parents], among * 2)
        return [
            (post.own.stated, None)
            if post.own.stated is not None
            else resolve(own, post.own.tag, _shown(parent, guess), post.among)
            for post, parent, own, guess in zip(
                posts, parents, guesses, guesses[len(posts) :], strict=False
            )
        ]

    def _guesses(self, said: Sequence[Said], among: Sequence[frozenset[str]]) -> list[Guess | None]:
        with_text = [n for n, one in enumerate(said) if (one.text or "").strip()]
        found: list[Guess | None] = [None] * len(said)
        texts = [said[n].text or "" for n in with_text]
        limits = [among[n] for n in with_text]
        guesses: list[Guess] = []
        if self._engine is not None:  # one that knows no limits does where there are none
            guesses = self._engine.guess(texts, *([limits] if any(limits) else []))
        for n, guess in zip(with_text, guesses, strict=False):
            found[n] = guess
        return found


def _shown(parent: Said, guess: Guess | None) -> str | None:
    """The language that a parent's own text or tag shows; not what it has from its own parent."""
    language = parent.stated or resolve(guess, parent.tag, None)[0] or tagged(parent.tag)
    return None if language == UNDETERMINED else language


def _name(part: Detector | MoodModel | None) -> str:
    return "none" if part is None else f"{part.name}-{part.version}"
