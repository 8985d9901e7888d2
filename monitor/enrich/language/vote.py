"""Three engines vote: the default one, py3langid and lingua. Better on short texts, and slower."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from monitor.enrich.language.clean import cleaned
from monitor.enrich.language.profiles import ProfileDetector
from monitor.enrich.protocol import Guess
from monitor.errors import UsageError

__all__ = ["LANGUAGES", "VoteDetector", "elected"]

LANGUAGES = (
    "ar",
    "de",
    "en",
    "es",
    "fr",
    "hi",
    "it",
    "ja",
    "ko",
    "nl",
    "pl",
    "pt",
    "ru",
    "tr",
    "zh",
)
_AGREED = {3: 0.98, 2: 0.7}
"""Confidence where so many engines agree; what that share is right: benchmarks/language.py."""

Speaker = Callable[[str], str | None]


class VoteDetector:
    """The majority of three engines; where all differ, the default engine's guess, unsure.

    Raises:
        UsageError: the extra is not installed.
    """

    name = "vote"
    version = "1"

    def __init__(self) -> None:
        self._own = ProfileDetector()
        self._others = (_langid(), _lingua())

    def guess(self, texts: Sequence[str], among: Sequence[frozenset[str]] = ()) -> list[Guess]:
        """One guess a text."""
        limits = among or [frozenset[str]()] * len(texts)
        own = self._own.guess(texts, limits)
        return [
            elected(guess, [self._vote(other, text, one) for other in self._others])
            if guess.language in LANGUAGES
            else guess
            for guess, text, one in zip(own, texts, limits, strict=True)
        ]

    def _vote(self, speaker: Speaker, text: str, among: frozenset[str]) -> str | None:
        """None where its language is none of those."""
        said = speaker(cleaned(text))
        return said if not among or said in among else None


def elected(own: Guess, others: Sequence[str | None]) -> Guess:
    """What most of three engines say.

    >>> elected(Guess("nl", 0.5, 30), ["de", "de"])
    Guess(language='de', confidence=0.7, letters=30)
    """
    ((language, votes),) = Counter((own.language, *others)).most_common(1)
    if votes == 1 or language is None:
        return Guess(own.language, min(own.confidence, 0.5), own.letters)
    return Guess(language, _AGREED[votes], own.letters)


def _langid() -> Speaker:
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError as error:
        raise _missing(error) from error
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(list(LANGUAGES))
    return lambda text: str(identifier.classify(text)[0])


def _lingua() -> Speaker:
    try:
        from lingua import IsoCode639_1, LanguageDetectorBuilder
    except ImportError as error:
        raise _missing(error) from error
    codes = [getattr(IsoCode639_1, language.upper()) for language in LANGUAGES]
    builder = LanguageDetectorBuilder.from_iso_codes_639_1(*codes)
    engine = builder.with_preloaded_language_models().build()

    def speak(text: str) -> str | None:
        found = engine.detect_language_of(text)
        return None if found is None else found.iso_code_639_1.name.lower()

    return speak


def _missing(error: ImportError) -> UsageError:
    return UsageError(
        f"language = \"vote\" needs two more engines ({error}); run: pip install 'monitor[vote]'"
    )
