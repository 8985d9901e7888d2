"""From a text to the words, emoji and marks that carry mood."""

from __future__ import annotations

import re
import unicodedata

from monitor.enrich.sentiment.emoji import SIGNS

__all__ = ["tokens", "word_form"]

_LONGEST = 10_000
_DROPPED = re.compile(r"https?:\S*|www\.\S+|\bhttps?\b|[@\uff20][\w.]+", re.IGNORECASE)
_EMOTICONS = (
    r"[<>]?[:;=8xX][-o^']?[)\](\[dDpP/\\|*3]+(?!\w)|<3+|</3|\^_*\^|-_+-|[)(]{2,}|:'\(|;_;|T_T|xD+\b"
)
_LETTER = r"[\w\u0300-\u036f\u064b-\u0652\u0900-\u0dff]"  # with the marks that \w leaves out
_TOKEN = re.compile(rf"{_EMOTICONS}|{_LETTER}+(?:['\u2019]{_LETTER}+)*|[!?]+|[^\w\s]")
_ELONGATED = re.compile(r"(\w)\1{2,}")
# Alef with hamza or madda, alef maksura, ta marbuta, hamza on waw and ya; marks and the stretch.
_VARIED = "\u0623\u0625\u0622\u0649\u0629\u0624\u0626"
_PLAIN = "\u0627\u0627\u0627\u064a\u0647\u0648\u064a"
_ARABIC = str.maketrans(_VARIED, _PLAIN, "".join(map(chr, (0x640, *range(0x64B, 0x653)))))


def tokens(text: str) -> list[str]:
    """Words in the form of the lexicon, emoji, emoticons and marks, in their order."""
    text = _DROPPED.sub(" ", text[:_LONGEST]).replace("\ufe0f", "").replace("#", " ")
    found = (one if one in SIGNS else word_form(one) for one in _TOKEN.findall(text))
    return [one for one in found if one]


def word_form(word: str) -> str:
    """`word` as it is looked up: folded, without what people stretch and what Arabic varies.

    >>> word_form("Soooo")
    'soo'
    """
    folded = unicodedata.normalize("NFKC", word).lower().replace("\u2019", "'")
    return _ELONGATED.sub(r"\1\1", folded).translate(_ARABIC)
