"""Plain text: what a reader sees and nothing else, whatever the markup was."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.text import MAX_CHARACTERS, links, plain, plain_title, tidy


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p>\n<p>two</p>", "one\n\ntwo"),
        ("one<br>two<br />three", "one\ntwo\nthree"),
        ("one<br><br>two", "one\n\ntwo"),
        ("<ul> <li>a</li> <li>b</li> </ul>after", "a\nb\n\nafter"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("a  \n\t b", "a\nb"),
        ("<b>a</b>  \n\t b", "a b"),
        ("<pre>a\n  b</pre>", "a\nb"),
        ("A &amp; B &lt;b&gt; &eacute; &#8217; &#x1F621;", "A & B <b> é \u2019 😡"),
        ("a&nbsp;b\u00a0c", "a b c"),
        ("a<script>alert('x')</script>b<style>p{}</style>c", "abc"),
        ("a<script>never closed", "a"),
        ("a<!-- b > c -->d<!doctype x>e<?php f ?>g", "adeg"),
        ("<![CDATA[<b>bold</b>]]> text", "bold text"),
        ("<a title=\"x > y\" href='/z'>link</a> on", "link on"),
        ('<a title="never closed>link</a> on', "link on"),
        ("x < y and y > z <3", "x < y and y > z <3"),
        ('angry <img class="wp-smiley" alt="😡" src="x.png"> end', "angry 😡 end"),
        ('<img alt="👨‍👩‍👧" src="x"> and <img alt="Chart of prices" src="y">', "👨‍👩‍👧 and"),
        ("soft\u00adhyphen zero\u200bwidth\ufeff", "softhyphen zerowidth"),
        ("bell\x07 nul\x00 c1\x85 half\ud83d", "bell nul c1 half"),
        ("a &#0; b", "a \ufffd b"),
    ],
)
def test_markup_goes_and_text_stays(html, text):
    assert plain(html) == text


@pytest.mark.parametrize("html", [None, "", "  \n ", "<p> </p>", "<script>x</script>", "\u200b"])
def test_nothing_is_none(html):
    assert plain(html) is None
    assert plain_title(html) is None


def test_references_that_were_escaped_twice_are_resolved_but_never_into_markup():
    assert plain("<p>what&amp;#8217;s AT&amp;amp;T</p>") == "what\u2019s AT&T"
    assert plain("<p>write &amp;lt;b&amp;gt;</p>") == "write &lt;b&gt;"
    assert plain("<p>mehr &lt;b&gt;x&lt;/b&gt;</p>") == "mehr <b>x</b>"


def test_a_document_that_was_escaped_as_a_whole_is_read_as_html():
    assert plain("&lt;p&gt;Hello&lt;/p&gt;&lt;p&gt;World&lt;/p&gt;") == "Hello\n\nWorld"


def test_a_title_is_one_line():
    assert plain_title(" <em>what&#8217;s</em>\n changing &#038; why ") == (
        "what\u2019s changing & why"
    )


def test_numbers_of_thousands_of_digits_are_no_characters():
    assert plain("a &#" + "9" * 10_000 + "; b") == "a \ufffd b"


def test_links_are_absolute_unique_http_and_few():
    html = (
        '<a href="/a?x=1&amp;y=2">1</a><a href="http://other.example/">2</a><a href="/a?x=1&y=2">'
        '<a href="javascript:x()"><a href="mailto:a@b.example"><a href="#top"><a name=x>'
        '<img src="/picture.png"><A HREF=bare>'
    )
    assert links(html, "https://h.example/p/") == (
        "https://h.example/a?x=1&y=2",
        "http://other.example/",
        "https://h.example/p/#top",
        "https://h.example/p/bare",
    )
    many = "".join(f'<a href="http://h.example/{n}">' for n in range(99))
    assert len(links(many)) == 50
    assert links(None) == ()


def test_tidy_keeps_what_looks_like_markup():
    assert tidy(" use <b>\r\n\r\n\r\n\r\nor not\x07 ") == "use <b>\n\nor not"
    assert tidy("") is None


@given(st.text(alphabet=st.sampled_from("<>/!-&#;=\"' abp3\n[]Cx")) | st.text())
def test_never_raises_and_never_returns_what_the_store_refuses(html):
    for text in (plain(html), plain_title(html), tidy(html)):
        if text is not None:
            assert text == text.strip() != ""
            text.encode()
            assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)
    links(html, "http://h.example/")


TAGS = st.sampled_from(
    ["<b>", "</b>", "<p class='x'>", "</p>", "<br/>", "<!-- c -->", '<a href="u">', "</a>",
     "<img src=x alt='a long description'>", "<script>s</script>", "<td>", "<x-y z>"]
)  # fmt: skip
WORDS = st.text(alphabet="abc xyzäß?.,", max_size=8)


@given(st.lists(TAGS | WORDS))
def test_never_returns_markup(parts):
    text = plain("".join(parts)) or ""
    assert "<" not in text
    assert ">" not in text
    words = [word for part in parts if "<" not in part for word in part.split()]
    assert "".join(text.split()) == "".join(words)


@pytest.mark.parametrize(
    "html", ["<b>" * 200_000, "<!--" * 200_000, "<a x='' y='>" * 80_000, " \n" * 400_000]
)
def test_hostile_markup_is_read_up_to_a_limit(html):
    assert plain(html) is None
    assert len(plain("a" * (MAX_CHARACTERS + 9)) or "") == MAX_CHARACTERS
