"""Words and phrases in texts of any script: how they compare, and where they begin and end.

Texts compare in a folded form: NFKC, case folded, one kind of apostrophe, runs of spaces as one,
and a hyphen inside a word as a space ("Series-G" is "Series G"). Neighbouring characters belong to
one word if both are letters, digits or combining marks, with three exceptions:

- Han, kana, Thai and other scripts are written without spaces: there a phrase is found anywhere;
- Hangul takes its particles at the end of a word: there only the beginning of a word counts;
- a digit goes on behind a decimal point or comma: `$30` is not in "$30.5B".

A hashtag in camel case or with `_` also counts as its parts: "Northwind Energy" is in
`#NorthwindEnergy`, and in `#northwindenergy`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Phrase", "fold"]

# Invisible characters that change no word, and apostrophes.
_PLAIN: dict[int, str | None] = {
    **dict.fromkeys([0xAD, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF]),
    **dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)]),
    **dict.fromkeys([0x2018, 0x2019, 0x201B, 0x2BC, 0x2032, 0x60, 0xB4], "'"),
}
_ODD = re.compile("[" + "".join(map(re.escape, map(chr, _PLAIN))) + "]")
_ANY_HYPHEN = re.compile(r"[-\u2010-\u2013]")
_HYPHEN = re.compile(rf"{_ANY_HYPHEN.pattern}(?<=\S.)(?=\S)")
_TAG = re.compile(r"#(\w{2,})")
_RUN = re.compile(r"[^\W\d_]+|\d+")
_MARK = "\x1e"  # between the parts of a hashtag; folding takes it out of any text
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u1b00-\u1b7f"
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3040-\u3130\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\ua4cf\ua980-\ua9ff\uaa60-\uaa7f\uf900-\ufaff\U00020000-\U000323af]"
)
_HANGUL = re.compile("[\u1100-\u11ff\u3131-\u318f\ua960-\ua97f\uac00-\ud7ff]")
_JOINERS = "\u200c\u200d"


def fold(text: str) -> str:
    """The form in which texts compare, with the parts of its hashtags behind it."""
    spelt = _spelt(text)
    return _folded(spelt) + (_tag_parts(spelt) if "#" in spelt else "")


def _spelt(text: str) -> str:
    """`text` with one spelling for each sign, capitals as they are."""
    if _ODD.search(text):
        text = text.translate(_PLAIN)
    return text if unicodedata.is_normalized("NFKC", text) else unicodedata.normalize("NFKC", text)


def _folded(spelt: str) -> str:
    if spelt.isascii():
        plain = spelt.lower()
    else:
        plain = unicodedata.normalize("NFKC", spelt.casefold())
        plain = plain.replace("i\u0307", "i")  # into which a Turkish capital folds
    if _ANY_HYPHEN.search(plain):
        plain = _HYPHEN.sub(" ", plain)
    return " ".join(plain.split())


def _tag_parts(spelt: str) -> str:
    tags = [m[1] for m in _TAG.finditer(spelt) if not _is_mark(spelt[m.end() : m.end() + 1])]
    return "".join(_marked(parts) for tag in tags if len(parts := _parts(tag)) > 1)


def _marked(parts: Iterable[str]) -> str:
    return _MARK + _MARK.join(parts) + _MARK


def _parts(tag: str) -> list[str]:
    """The words that camel case, digits and `_` set apart: `OpenAIFunding5` → open ai funding 5."""
    return [_folded(part) for run in _RUN.findall(tag) for part in _camel(run)]


def _camel(run: str) -> list[str]:
    parts, start = [], 0
    for at in range(1, len(run)):
        begins = run[at].isupper() and (
            not run[at - 1].isupper() or (at + 1 < len(run) and run[at + 1].islower())
        )
        if begins:
            parts.append(run[start:at])
            start = at
    return [*parts, run[start:]]


@dataclass(frozen=True, slots=True)
class Phrase:
    """A word or phrase to look for in folded texts.

    `text` is folded; `joined` the same as a hashtag of one word; `parts` the same as parts of a
    hashtag; `open_end`: any ending may follow (`fund*`).
    """

    text: str
    joined: str | None
    parts: str | None
    open_end: bool

    @classmethod
    def of(cls, text: str, *, open_end: bool = False) -> Phrase:
        """`text` as it is written. One in which nothing can be looked for has an empty `text`."""
        spelt = _spelt(text)
        folded = _folded(spelt)
        words = folded.split(" ")
        if not folded or not all(_is_word(c) or c == " " for c in folded):
            return cls(folded, None, None, open_end)
        joined = "#" + "".join(words) if len(words) > 1 else None
        parts = [] if any(map(_is_mark, folded)) else _parts(spelt)
        if not parts:
            return cls(folded, joined, None, open_end)
        marked = _marked(parts)
        return cls(folded, joined, marked[:-1] if open_end else marked, open_end)

    def found_in(self, folded: str) -> bool:
        """Does the phrase stand in a text that `fold` returned?"""
        if self.text in folded and self._stands(self.text, folded):
            return True
        if self.joined and self.joined in folded and self._stands(self.joined, folded):
            return True
        return self.parts is not None and self.parts in folded

    def _stands(self, form: str, folded: str) -> bool:
        at = folded.find(form)
        while at >= 0:
            end = at + len(form)
            if _begins(folded, at) and (self.open_end or _ends(folded, end)):
                return True
            at = folded.find(form, at + 1)
        return False


def _begins(text: str, at: int) -> bool:
    """May a phrase begin at `at`?"""
    if at == 0:
        return True
    before, first = text[at - 1], text[at]
    if first in "#@":
        return not _is_word(before) or bool(_UNSPACED.match(before))
    if first.isdigit() and before in ".," and at > 1 and text[at - 2].isdigit():
        return False
    return not _joined(before, first)


def _ends(text: str, end: int) -> bool:
    """May a phrase end before `end`?"""
    if end == len(text):
        return True
    last, after = text[end - 1], text[end]
    if last.isdigit() and after in ".," and text[end + 1 : end + 2].isdigit():
        return False
    if not _is_word(last):
        return True
    if _is_mark(after):
        return False  # a vowel sign or accent belongs to the letter before it
    return not _joined(last, after) or bool(_HANGUL.match(last))


def _is_mark(char: str) -> bool:
    """Is it a combining mark? "" is none."""
    return char > "\u02ff" and unicodedata.category(char)[0] == "M"


@lru_cache(maxsize=8192)
def _is_word(char: str) -> bool:
    return (
        char.isalnum()
        or _is_mark(char)
        or char in _JOINERS
        or unicodedata.category(char) == "Pc"  # the underscore and its kin
    )


@lru_cache(maxsize=8192)
def _joined(left: str, right: str) -> bool:
    """Are two neighbours part of one word?"""
    if not (_is_word(left) and _is_word(right)):
        return False
    if _UNSPACED.match(left) or _UNSPACED.match(right):
        return False
    return bool(_HANGUL.match(left)) == bool(_HANGUL.match(right))
