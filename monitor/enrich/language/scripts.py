"""What the script of a text says: it names the language, or leaves a few."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from functools import lru_cache

__all__ = ["LATIN", "main_script", "of_script", "script_of_language"]

LATIN = "latin"
_RANGES = sorted(
    (first, last, script)
    for script, spans in {
        "arabic": (
            (0x600, 0x6FF), (0x750, 0x77F), (0x8A0, 0x8FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFF),
        ),
        "armenian": ((0x530, 0x58F),),
        "bengali": ((0x980, 0x9FF),),
        "cyrillic": ((0x400, 0x52F),),
        "devanagari": ((0x900, 0x97F), (0xA8E0, 0xA8FF)),
        "georgian": ((0x10A0, 0x10FF),),
        "greek": ((0x370, 0x3FF), (0x1F00, 0x1FFF)),
        "gujarati": ((0xA80, 0xAFF),),
        "gurmukhi": ((0xA00, 0xA7F),),
        "han": ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF)),
        "hangul": ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7FB)),
        "hebrew": ((0x590, 0x5FF),),
        "kana": ((0x3041, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F)),
        "kannada": ((0xC80, 0xCFF),),
        "malayalam": ((0xD00, 0xD7F),),
        "tamil": ((0xB80, 0xBFF),),
        "telugu": ((0xC00, 0xC7F),),
        "thai": ((0xE00, 0xE7F),),
    }.items()
    for first, last in spans
)  # fmt: skip
_FIRSTS = [first for first, _, _ in _RANGES]
_LANGUAGES = {
    "arabic": ("ar", "fa", "ur", "ckb", "ps", "sd", "ug"),
    "armenian": ("hy",), "bengali": ("bn", "as"),
    "cyrillic": ("ru", "uk", "bg", "be", "mk", "sr", "kk", "ky", "mn", "tg"),
    "devanagari": ("hi", "mr", "ne", "sa"), "georgian": ("ka",), "greek": ("el",),
    "gujarati": ("gu",), "gurmukhi": ("pa",), "han": ("zh", "ja", "yue"), "hangul": ("ko",),
    "hebrew": ("he", "yi"), "kana": ("ja",), "kannada": ("kn",), "malayalam": ("ml",),
    "tamil": ("ta",), "telugu": ("te",), "thai": ("th",),
}  # fmt: skip
"""Of each script, the language that a text in it is taken for, then others written in it."""

_DENSE = {"han": 3, "kana": 2, "hangul": 2}
"""One of their characters says as much as so many letters."""

_UKRAINIAN, _RUSSIAN = frozenset("іїєґІЇЄҐ"), frozenset("ыэъёЫЭЪЁ")
_PERSIAN, _ARABIC, _URDU = frozenset("یکپچژگ"), frozenset("يكىةإأؤئ"), frozenset("ٹڈڑںےھہ")


@lru_cache(maxsize=1 << 14)
def _script(character: str) -> str | None:
    if not character.isalpha():
        return None
    at = ord(character)
    n = bisect_right(_FIRSTS, at) - 1
    return _RANGES[n][2] if n >= 0 and at <= _RANGES[n][1] else LATIN


def main_script(text: str) -> tuple[str, float] | None:
    """The script in which most of `text` is written, and its share; None without a letter.

    Scripts that are told by no rule here count as Latin.
    """
    counts: Counter[str] = Counter()
    for script in map(_script, text):
        if script is not None:
            counts[script] += _DENSE.get(script, 1)
    if not counts:
        return None
    if counts["kana"]:  # Japanese is written in both
        counts["kana"] += counts.pop("han", 0)
    ((script, most),) = counts.most_common(1)
    return script, most / counts.total()


def of_script(script: str, text: str) -> str:
    """The language that `text` in a script other than Latin is taken for, ISO 639-1."""
    if script == "cyrillic" and _more(text, _UKRAINIAN, _RUSSIAN):
        return "uk"
    if script == "arabic" and _more(text, _PERSIAN | _URDU, _ARABIC):
        return "ur" if _more(text, _URDU, frozenset()) else "fa"
    return _LANGUAGES[script][0]


def _more(text: str, these: frozenset[str], those: frozenset[str]) -> bool:
    return sum(c in these for c in text) > sum(c in those for c in text)


@lru_cache(maxsize=256)
def script_of_language(language: str) -> str:
    """The script that a language is written in, as far as it matters here; else Latin.

    Kana and Han are one: a Japanese text may hold either.
    """
    for script, languages in _LANGUAGES.items():
        if language in languages:
            return "han" if script == "kana" else script
    return LATIN
