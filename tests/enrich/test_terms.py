from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.enrich.terms import All, AnyOf, Not, Term, Words, any_of, parse
from monitor.errors import TermError

EXAMPLE = 'funding OR "Series G" OR $30B'


@pytest.mark.parametrize(
    ("term", "text", "expected"),
    [
        # operators
        (EXAMPLE, "The FUNDING is done", True),
        (EXAMPLE, "a series g round", True),
        (EXAMPLE, "a series of g rounds", False),
        ("a b", "b and a", True),
        ("a b", "only a", False),
        ("a AND b OR c", "c", True),
        ("a AND (b OR c)", "c", False),
        ("a NOT b", "a", True),
        ("a NOT b", "a b", False),
        ("NOT a", "anything", True),
        ("NOT (a OR b)", "b", False),
        ("ANDROID ORACLE", "Oracle on Android", True),
        # words, phrases, beginnings
        ("fund", "funding", False),
        ("fund*", "Funding", True),
        ("fund*", "refunding", False),
        ('"series g"', "Series\n  G", True),
        ("series-g", "Series G", True),
        ("“Series G”", "the Series-G round", True),
        ('"raised $30B"', "they raised $30B", True),
        ("IPO", "a pre-IPO round", True),
        ("it's", "It\u2019s", True),
        ("northwind", "Northwind's", True),
        ("northwind", "l\u2019Northwind", True),
        ("C++", "in C++ and c", True),
        # amounts
        ("$30B", "raised $30B.", True),
        ("$30B", "raised US$30b", True),
        ("$30B", "raised $30Bn", False),
        ("$30", "$30.5B", False),
        ("$30", "$30,000", False),
        ("$30", "it costs $30, today", True),
        ("5B", "$1.5B", False),
        # hashtags and handles
        ("#ai", "all about #AI!", True),
        ("#ai", "all about #AIethics", False),
        ("#ai", "all about AI", False),
        ("ai", "all about #AI", True),
        ('"Northwind Energy"', "well done #NorthwindEnergy", True),
        ('"Northwind Energy"', "well done #northwindenergy", True),
        ('"Northwind Energy"', "well done #Northwind_Energy", True),
        ('"Northwind Energy"', "#NorthwindEnergyNews", True),
        ('"Northwind Energy"', "#SouthNorthwindEnergies", False),
        ('"Northwind Energy"', "#Northwind #Energy", False),
        ("fund*", "#SeriesGFunding", True),
        ("@name", "thanks @name.example.org", True),
        ("@name", "mail@name.example.org", False),
        # case, width, accents
        ("straße", "STRASSE", True),
        ("istanbul", "İSTANBUL", True),
        ("café", "CAFE\u0301", True),
        ("cafe", "cafe\u0301", False),
        ("$30B", "\uff04\uff13\uff10\uff22", True),
        ("soft", "so\u00adft", True),
        # scripts without spaces
        ("融資", "大型融資のニュース", True),
        ("ノース", "株式会社ノースウインド", True),
        ("northwind", "Northwindは今日", True),
        ("การ", "ข่าวการลงทุน", True),
        ("ก", "กิน", False),
        # scripts with spaces, and particles
        ("анна", "Анна пришла", True),
        ("анна", "Аннака", False),
        ("شركة", "هذه شركة جديدة", True),
        ("شركة", "شركةجديدة", False),
        ("हिन्दी", "यह हिन्दी है", True),
        ("हिन्द", "यह हिन्दी है", False),
        ("노스윈드", "노스윈드가 발표", True),
        ("노스윈드", "새노스윈드", False),
    ],
)
def test_what_a_term_matches(term: str, text: str, *, expected: bool) -> None:
    assert parse(term).matches(text) is expected


@pytest.mark.parametrize(
    ("term", "column", "said"),
    [
        ("", 1, "nothing to look for"),
        ("funding OR", 11, "the term ends"),
        ("a OR OR b", 6, 'expected a word, a "phrase", "(", NOT, found "OR"'),
        ("AND a", 1, 'found "AND"'),
        ("(a OR b", 8, 'expected ")", but the term ends'),
        ("a) b", 2, "this ) closes nothing"),
        ('a "series g', 3, 'this " is never closed'),
        ('a ""', 3, "the phrase is empty"),
        ("a or b", 3, "write OR in capitals"),
        ("a || b", 3, "write OR"),
        ("a -b", 3, "write NOT"),
        ("a, b", 1, "write AND or OR between words"),
        ("fu*ng", 1, "only at the end of a word"),
        ("*", 1, "nothing to look for"),
        ("NOT (a NOT (" * 30 + "b" + "))" * 30, 162, "nested deeper than 50"),
        ("a" * 4001, 4001, "longer than 4000"),
    ],
)
def test_a_wrong_term_is_told_where_and_what_could_stand_there(
    term: str, column: int, said: str
) -> None:
    with pytest.raises(TermError) as refused:
        parse(term)
    assert (refused.value.column, refused.value.term) == (column, term)
    assert said in str(refused.value)
    assert str(refused.value).startswith(f"column {column} of the term ")
    assert len(str(refused.value).splitlines()) == 1


def test_brackets_that_change_nothing_may_be_deep() -> None:
    assert parse("(" * 1000 + "a" + ")" * 1000) == Words("a")


def test_precedence_and_flatness() -> None:
    a, b, c = map(Words, "abc")
    assert parse("a OR b c") == AnyOf((a, All((b, c))))
    assert parse("a AND (b AND c)") == parse("a b c") == All((a, b, c))
    assert parse("NOT a b") == All((Not(a), b))


def test_any_of_joins_terms() -> None:
    term = any_of([parse("a OR b"), parse("c d")])
    assert term == parse("a OR b OR (c AND d)")
    assert term.matches("d c")
    assert not any_of([]).matches("anything")


_words = st.text(min_size=1, max_size=8).map(lambda t: t.replace('"', "'"))
_leaves = st.builds('"{}"'.format, _words) | st.sampled_from(["fund*", "$30B", "#tag", "word"])
_terms = st.recursive(
    _leaves,
    lambda inner: (
        st.builds("({} OR {})".format, inner, inner)
        | st.builds("({} {})".format, inner, inner)
        | st.builds("NOT {}".format, inner)
    ),
    max_leaves=8,
)


def parsed(term: str) -> Term | None:
    try:
        return parse(term)
    except TermError:
        return None


@given(_terms)
def test_a_printed_term_parses_to_an_equal_one(term: str) -> None:
    first = parsed(term)
    assert first is None or parse(str(first)) == first


@given(st.text(max_size=60) | st.text(alphabet='aA()"*$#-,; ORNDT“', max_size=40))
def test_nothing_but_a_term_error_comes_out_of_any_text(text: str) -> None:
    term = parsed(text)
    assert term is None or parse(str(term)) == term


@given(_words, st.text(max_size=20), st.text(max_size=20))
def test_a_phrase_is_found_between_spaces_whatever_stands_around(
    word: str, before: str, after: str
) -> None:
    term = parsed(f'"{word}"')
    assert term is None or term.matches(f"{before} {word} {after}")


@given(_terms, st.text(max_size=40))
def test_not_is_the_opposite(term: str, text: str) -> None:
    assert parsed(term) is None or parse(f"NOT ({term})").matches(text) != parse(term).matches(text)
