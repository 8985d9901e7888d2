"""The search terms of an event: `funding OR "Series G" OR $30B`.

A term is made of words, "phrases", word beginnings (`fund*`), AND, OR, NOT in capitals, and
brackets; words side by side mean AND. How words compare stands in `monitor.enrich.words`. Matching
takes time linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from monitor.enrich.words import Phrase, fold
from monitor.errors import TermError

if TYPE_CHECKING:
    from lark import Lark, Token

__all__ = ["All", "AnyOf", "Not", "Term", "Words", "any_of", "parse"]

MAX_LENGTH = 4_000
MAX_DEPTH = 50
_SHOWN = 80

_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»", '"'))  # what word processors and keyboards make
_OPERATORS = ("AND", "OR", "NOT")
_FOREIGN = {"&&": "AND", "|": "OR", "||": "OR", "!": "NOT"}
_BARE = re.compile(r"[\w$#@%']+")
_EXPECTED = {
    "WORD": "a word",
    "PHRASE": 'a "phrase"',
    "_OPEN": '"("',
    "_CLOSE": '")"',
    "_AND": "AND",
    "_OR": "OR",
    "_NOT": "NOT",
    "$END": "the end",
}


class Term:
    """A parsed term. `str(term)` is a term that parses to an equal one."""

    __slots__ = ()

    def matches(self, text: str) -> bool:
        """Does a text, as a source gave it, match?"""
        return self.found_in(fold(text))

    def found_in(self, folded: str) -> bool:
        """Does a text match that `monitor.enrich.words.fold` returned?"""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Words(Term):
    """A word, a phrase, or with `open_end` the beginning of a word."""

    text: str
    open_end: bool = False
    phrase: Phrase = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "phrase", Phrase.of(self.text, open_end=self.open_end))

    def found_in(self, folded: str) -> bool:
        return self.phrase.found_in(folded)

    def __str__(self) -> str:
        if self.open_end:
            return f"{self.text}*"
        bare = _BARE.fullmatch(self.text) and self.text.upper() not in _OPERATORS
        return self.text if bare else f'"{self.text}"'


@dataclass(frozen=True, slots=True)
class Not(Term):
    """What `term` does not match."""

    term: Term

    def found_in(self, folded: str) -> bool:
        return not self.term.found_in(folded)

    def __str__(self) -> str:
        return f"NOT {_grouped(self.term)}"


@dataclass(frozen=True, slots=True)
class All(Term):
    """What every one of `terms` matches; what none does is empty."""

    terms: tuple[Term, ...]

    def found_in(self, folded: str) -> bool:
        return all(term.found_in(folded) for term in self.terms)

    def __str__(self) -> str:
        return " AND ".join(map(_grouped, self.terms))


@dataclass(frozen=True, slots=True)
class AnyOf(Term):
    """What at least one of `terms` matches; nothing if there is none."""

    terms: tuple[Term, ...]

    def found_in(self, folded: str) -> bool:
        return any(term.found_in(folded) for term in self.terms)

    def __str__(self) -> str:
        return " OR ".join(map(_grouped, self.terms))


def _grouped(term: Term) -> str:
    return f"({term})" if isinstance(term, All | AnyOf) else str(term)


def any_of(terms: Iterable[Term]) -> Term:
    """The term that matches what at least one of `terms` matches: nothing if there is none."""
    return _flat(AnyOf, terms)


@lru_cache(maxsize=1024)
def parse(term: str) -> Term:
    """The term that `term` states.

    Raises:
        TermError: it does not parse; the message names the column and what could stand there.
    """
    if len(term) > MAX_LENGTH:
        raise _error(term, MAX_LENGTH + 1, f"longer than {MAX_LENGTH} characters")
    if not term.strip():
        raise _error(term, 1, "nothing to look for; write words such as: funding OR round*")
    from lark import UnexpectedCharacters, UnexpectedToken

    try:
        part: Any = _grammar().parse(term.translate(_QUOTES))
    except UnexpectedToken as error:
        raise _unexpected(term, error.token, error.accepts or error.expected) from None
    except UnexpectedCharacters as error:
        raise _error(term, (error.pos_in_stream or 0) + 1, 'this " is never closed') from None
    except _Refused as refused:
        raise _error(term, refused.column, refused.why) from None
    result: Term = part.term
    return result


class _Refused(Exception):
    def __init__(self, column: int, why: str) -> None:
        super().__init__(why)
        self.column = column
        self.why = why


class _Part(NamedTuple):
    """A piece of a term while it is built: how deep it is, and where it begins (from 1)."""

    term: Term
    depth: int
    column: int


class _Builder:
    """What lark calls for every rule that it has read, from the inside out, without recursion."""

    def word(self, tokens: list[Token]) -> _Part:
        token = tokens[0]
        column = (token.start_pos or 0) + 1
        text = str(token).removesuffix("*")
        for wrong, why in _faults(str(token), text):
            if wrong:
                raise _Refused(column, why)
        return _Part(Words(text, open_end=text != token), 0, column)

    def phrase(self, tokens: list[Token]) -> _Part:
        column = (tokens[0].start_pos or 0) + 1
        words = Words(str(tokens[0])[1:-1])
        if not words.phrase.text:
            raise _Refused(column, "the phrase is empty")
        return _Part(words, 0, column)

    def negated(self, parts: list[_Part]) -> _Part:
        return _deeper(Not(parts[0].term), parts)

    def both(self, parts: list[_Part]) -> _Part:
        return _deeper(_flat(All, [p.term for p in parts]), parts) if parts[1:] else parts[0]

    def either(self, parts: list[_Part]) -> _Part:
        return _deeper(_flat(AnyOf, [p.term for p in parts]), parts) if parts[1:] else parts[0]


def _faults(token: str, text: str) -> list[tuple[bool, str]]:
    name = token.upper()
    meant = _FOREIGN.get(token)
    return [
        (meant is not None, f'"{token}" is no operator; write {meant}'),
        (name in _OPERATORS, f'write {name} in capitals, or "{token}" in quotes for the word'),
        (token.startswith("-"), f'"{_short(token)}": write NOT in front of what must not occur'),
        (token.endswith((",", ";")), 'write AND or OR between words, or a "phrase" in quotes'),
        ("*" in text, "the * stands only at the end of a word, or inside quotes for the sign"),
        (not Phrase.of(text).text, "nothing to look for"),
    ]


def _deeper(term: Term, parts: list[_Part]) -> _Part:
    depth = max(part.depth for part in parts) + 1
    if depth > MAX_DEPTH:
        raise _Refused(parts[0].column, f"brackets and NOT are nested deeper than {MAX_DEPTH}")
    return _Part(term, depth, parts[0].column)


def _flat(kind: type[All | AnyOf], terms: Iterable[Term]) -> Term:
    inner: list[Term] = []
    for term in terms:
        inner += term.terms if isinstance(term, kind) else [term]
    return inner[0] if len(inner) == 1 else kind(tuple(inner))


@cache
def _grammar() -> Lark:
    from lark import Lark

    source = Path(__file__).with_suffix(".lark").read_text(encoding="utf-8")
    return Lark(source, parser="lalr", lexer="basic", transformer=_Builder())


def _unexpected(term: str, token: Token, accepted: Iterable[str]) -> TermError:
    possible = ", ".join(shown for name, shown in _EXPECTED.items() if name in accepted)
    if token.type == "$END":
        return _error(term, len(term.rstrip()) + 1, f"expected {possible}, but the term ends")
    at = (token.start_pos or 0) + 1
    if token.type == "_CLOSE" and "$END" in accepted:
        return _error(term, at, "this ) closes nothing")
    return _error(term, at, f'expected {possible}, found "{_short(str(token))}"')


def _error(term: str, column: int, why: str) -> TermError:
    return TermError(f"column {column} of the term {_short(term)!r}: {why}", term, column)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
