"""What feeds look like in the wild, one built document a fact."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.collect.feed.dates import feed_date
from monitor.collect.feed.parse import MAX_BYTES, parse
from monitor.errors import BadAnswer, TooLarge
from tests.collect.feed_case import URL, item, rss

T0 = datetime(2026, 2, 12, 18, tzinfo=UTC)

RSS_091 = b"""<?xml version="1.0"?>
<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN"
 "http://my.netscape.com/publish/formats/rss-0.91.dtd">
<rss version="0.91"><channel><title>Old</title><link>http://old.example/</link>
<language>en</language><item><title>Caf&eacute; &amp; bar</title>
<link>http://old.example/1</link><description>Plain text</description></item></channel></rss>"""

RDF = b"""<?xml version="1.0"?><rdf:RDF xmlns="http://purl.org/rss/1.0/"
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel rdf:about="http://rdf.example/"><title>RDF</title><link>http://rdf.example/</link>
<dc:language>de</dc:language></channel>
<item rdf:about="http://rdf.example/1"><title>Eins</title><link>http://rdf.example/1</link>
<dc:creator>Ein Autor</dc:creator><dc:date>2026-02-12T19:00:00+01:00</dc:date></item>
</rdf:RDF>"""

ATOM_03 = b"""<?xml version="1.0"?><feed version="0.3" xmlns="http://purl.org/atom/ns#"
 xml:lang="fr"><title>Ancien</title>
<link rel="alternate" type="text/html" href="http://atom.example/"/>
<entry><title>Un</title><link rel="alternate" type="text/html" href="http://atom.example/1"/>
<id>tag:atom.example,2026:1</id><issued>2026-02-12T18:00:00Z</issued>
<modified>2026-02-12T20:00:00Z</modified><author><name>Quelqu'un</name></author>
<content type="text/html" mode="escaped">&lt;p&gt;Bonjour&lt;/p&gt;</content></entry></feed>"""

ATOM_10 = b"""<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://atom.example/blog/">
<title>Now</title><link href="./"/><author><name>The Feed</name></author>
<entry><title>Use &lt;b&gt; &amp;amp; co</title><link href="one"/><id>urn:one</id>
<published>2026-02-12T18:00:00Z</published><updated>2026-02-12T18:00:00Z</updated>
<content type="html" xml:base="http://atom.example/other/">&lt;a href="x"&gt;x&lt;/a&gt;</content>
</entry><entry xml:lang="de-AT"><title type="html">Fett &amp;lt;b&gt;</title><id>urn:two</id>
<link rel="alternate" type="application/pdf" href="two.pdf"/>
<updated>2026-02-12T18:00:00Z</updated><author><name>Own Author</name></author>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Ja</p><p>Nein</p></div>
</content></entry></feed>"""

JSON_FEED = {
    "version": "https://jsonfeed.org/version/1.1",
    "home_page_url": "https://json.example/",
    "language": "en-GB",
    "authors": [{"name": "The Feed"}],
    "next_url": "/page/2.json",
    "items": [
        {
            "id": 7,
            "url": "/seven",
            "title": "Use <b> &amp; co",
            "content_html": "<p>One <a href='/x'>x</a></p>",
            "date_published": "2026-02-12T19:00:00+01:00",
            "date_modified": "2026-02-12T19:30:00+01:00",
        },
        {"id": "8", "external_url": "http://other.example/", "content_text": "a < b"},
    ],
}


def read(body: bytes | str, content_type: str = "application/xml", url: str = URL):
    return parse(body.encode() if isinstance(body, str) else body, url=url,
                 content_type=content_type)  # fmt: skip


def only(body: bytes | str, content_type: str = "application/xml"):
    (entry,) = read(body, content_type).entries
    return entry


def test_rss_091_with_its_doctype_and_html_entities():
    entry = only(RSS_091)
    assert (entry.title, entry.link) == ("Café & bar", "http://old.example/1")
    assert (entry.text, entry.language) == ("Plain text", "en")


def test_rdf():
    entry = only(RDF)
    assert (entry.title, entry.author, entry.language) == ("Eins", "Ein Autor", "de")
    assert entry.updated == T0


def test_atom_03():
    entry = only(ATOM_03)
    assert (entry.guid, entry.text, entry.language) == ("tag:atom.example,2026:1", "Bonjour", "fr")
    assert (entry.published, entry.author) == (T0, "Quelqu'un")


def test_atom_10_bases_types_and_inherited_authors():
    one, two = read(ATOM_10).entries
    assert (one.link, one.links) == (
        "http://atom.example/blog/one",
        ("http://atom.example/other/x",),
    )
    assert (one.title, one.author, one.guid) == ("Use <b> &amp; co", "The Feed", "urn:one")
    assert (two.title, two.author, two.language) == ("Fett <b>", "Own Author", "de-AT")
    assert (two.text, two.link) == ("Ja\n\nNein", "http://atom.example/blog/two.pdf")


def test_json_feed():
    document = read(json.dumps(JSON_FEED), "application/json")
    seven, eight = document.entries
    assert (seven.guid, seven.link) == ("7", "https://news.example.org/seven")
    assert (seven.title, seven.text, seven.author) == ("Use <b> & co", "One x", "The Feed")
    assert (seven.published, seven.language) == (T0, "en-GB")
    assert seven.links == ("https://news.example.org/x",)
    assert (eight.text, eight.link) == ("a < b", "http://other.example/")
    assert document.next_page == "https://news.example.org/page/2.json"


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("Thu, 12 Feb 2026 18:00:00 GMT", T0),
        ("Thu, 12 Feb 2026 18:00:00", T0),  # no zone: taken as UTC
        ("2026-02-12T18:00:00", T0),
        ("2026-02-12T19:00:00+01:00", T0),
        ("Thu, 12 Feb 2026 19:00:00 CET", T0),
        ("Thu, 12 Feb 2026 10:00:00 PST", T0),
        ("Thu, 12 Feb 2026 19:00:00 GMT+01:00", T0),
        ("Thu, 12 Feb 26 18:00 GMT", T0),
        ("Feb 12, 2026 6:00 PM", T0),
        ("Thursday, 12 February 2026 18:00:00 +0000", T0),
        ("2026-02-12T18:00:00.25Z", T0.replace(microsecond=250_000)),
        ("Sat, 12 Feb 1966 18:00:00 GMT", T0.replace(year=1966)),
        ("Fri, 12 Feb 2086 18:00:00 GMT", T0.replace(year=2086)),
        ("yesterday", None),
        ("Thu, 32 Feb 2026 18:00:00 GMT", None),
        ("Thu, 12 Feb 2026 18:00:00 +9999999999", None),
        ("0001-01-01T00:00:00", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9" * 5000, None),
        ("", None),
    ],
)
def test_dates_are_passed_on_as_claimed(written, moment):
    assert feed_date(written) == moment
    entry = only(rss(f"<item><title>a</title><pubDate>{written}</pubDate></item>"))
    assert entry.published == moment


TEXT = "Грустно: цены"


@pytest.mark.parametrize(
    ("encoding", "declared", "header"),
    [
        ("windows-1251", "windows-1251", "utf-8"),
        ("windows-1251", "windows-1251", "iso-8859-1"),
        ("koi8-r", "koi8-r", None),
        ("koi8-r", None, "koi8-r"),
        ("utf-8", "iso-8859-1", "iso-8859-1"),
        ("utf-8", None, "us-ascii"),
        ("utf-8", "no-such-encoding", "punycode"),
        ("utf-16", "utf-16", None),
        ("utf-16-le", "utf-8", "utf-8"),
        ("utf-8-sig", "utf-8", None),
    ],
)
def test_encodings_that_contradict_the_header(encoding, declared, header):
    given = f' encoding="{declared}"' if declared else ""
    text = f'<?xml version="1.0"{given}?><rss version="2.0"><channel><item><title>{TEXT}</title>'
    body = f"{text}<guid>1</guid></item></channel></rss>".encode(encoding)
    kind = f"text/xml; charset={header}" if header else "text/xml"
    assert only(body, kind).title == TEXT


def test_old_western_bytes_and_a_few_broken_ones():
    latin = rss("<item><title>Caf\u00e9 \u2026</title><guid>1</guid></item>").decode()
    assert only(latin.encode("cp1252"), "text/xml").title == "Café …"
    broken = latin.replace("Caf", "ÄÖÜ Caf").encode().replace(b"\xe2\x80\xa6", b"\xe2\x80")
    assert only(broken, "text/xml; charset=utf-8").title == "ÄÖÜ Café \ufffd"


def test_iso_2022_is_no_ascii():
    text = '<?xml version="1.0" encoding="iso-2022-jp"?><rss version="2.0"><channel><item><title>'
    body = f"{text}日本</title></item></channel></rss>".encode("iso2022_jp")
    assert only(body).title == "日本"


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("A &amp; B", "A & B"),
        ("A & B", "A & B"),  # not well-formed
        ("<![CDATA[A & B]]>", "A & B"),
        ("Caf&eacute; &nbsp;&hellip;", "Café …"),
        ("what&amp;#8217;s", "what\u2019s"),
        ("AT&amp;amp;T &amp;bogus; &bogus;", "AT&T &bogus; &bogus;"),
        ("a\x07b\x0bc&#7;d&#x0;e", "abcde"),
        ("<![CDATA[<b>bold</b>]]>", "bold"),
        ("&lt;b&gt;bold&lt;/b&gt;", "bold"),
        ("x &lt; y", "x < y"),
        ("&#999999999999999;", "\ufffd"),
    ],
)
def test_titles_as_they_are_meant(title, shown):
    assert only(rss(f"<item><title>{title}</title><guid>1</guid></item>")).title == shown


def test_nul_bytes_do_not_end_a_feed():
    entry = only(rss(item(1)).replace(b"Headline", b"Head\0line"))
    assert entry.title == "Headline 1"


def test_relative_links_are_resolved_against_where_the_feed_came_from():
    inside = "<description>&lt;a href='../x'&gt;x&lt;/a&gt;</description>"
    entry = only(rss(item(1, inside, link="/news/1")))
    assert entry.link == "https://news.example.org/news/1"
    assert entry.links == ("https://news.example.org/x",)


@pytest.mark.parametrize(
    ("guid", "link"),
    [
        ("<guid>abc</guid>", None),
        ('<guid isPermaLink="true">abc</guid>', None),
        ("<guid>https://news.example.org/9</guid>", "https://news.example.org/9"),
        ('<guid isPermaLink="false">https://news.example.org/9</guid>', None),
        ("<link>javascript:alert(1)</link>", None),
        ("<link>mailto:a@b.example</link>", None),
    ],
)
def test_a_guid_is_a_link_only_where_it_is_one(guid, link):
    assert only(rss(f"<item><title>a</title>{guid}</item>")).link == link


@pytest.mark.parametrize(
    ("author", "name"),
    [
        ("<dc:creator>Bob O&amp;#8217;Neil</dc:creator>", "Bob O\u2019Neil"),
        ("<author>bob@example.org (Bob Example)</author>", "Bob Example"),
        ("<author>bob@example.org</author>", None),
        ("<dc:creator></dc:creator>", None),
        ("", None),
    ],
)
def test_names_of_authors(author, name):
    assert only(rss(f"<item><title>a</title>{author}</item>")).author == name


def test_repeated_parents_and_comment_counts():
    entry = only(rss(item(1, '<thr:in-reply-to ref="a" href="http://h.example/a"/>'
                             '<thr:in-reply-to ref="b"/><slash:comments> 12 </slash:comments>'
                             "<comments>http://h.example/a#c</comments>"
                             "<wfw:commentRss>/1/feed</wfw:commentRss>")))  # fmt: skip
    assert [(one.ref, one.href) for one in entry.in_reply_to] == [
        ("a", "http://h.example/a"),
        ("b", None),
    ]
    assert entry.comment_count == 12
    assert entry.comment_feed == "https://news.example.org/1/feed"


@pytest.mark.parametrize("count", ["", "-1", "many", "9999999999", "1.5"])
def test_counts_that_are_none_are_unknown(count):
    assert only(rss(item(1, f"<slash:comments>{count}</slash:comments>"))).comment_count is None


def test_answers_in_rss_lose_the_sentence_that_names_their_parent():
    inside = (
        "<content:encoded><![CDATA[<p>Als Antwort auf <a href='http://h.example/a/#comment-5'>"
        "Maria</a>.</p><p>Nein.</p>]]></content:encoded>"
    )
    entry = only(rss(item(1, inside)))
    assert entry.text == "Nein."
    assert [one.href for one in entry.in_reply_to] == ["http://h.example/a/#comment-5"]
    assert entry.links == ()


def test_a_feed_may_say_that_it_is_complete_or_continued():
    history = '<fh:complete xmlns:fh="http://purl.org/syndication/history/1.0"/>'
    assert read(rss(item(1), history)).complete
    assert not read(rss(item(1))).complete
    assert read(rss("", '<atom:link rel="next" href="?page=2"/>')).next_page == f"{URL}?page=2"
    older = '<atom:link rel="prev-archive" href="/2025.xml"/>'
    assert read(rss("", older)).next_page == "https://news.example.org/2025.xml"


def test_a_warning_of_the_server_before_the_feed_does_no_harm():
    noise = b"<br />\n<b>Warning</b>: something in <b>/index.php</b> on line <b>2</b>\n"
    assert len(read(noise + rss(item(1))).entries) == 1


def test_undeclared_prefixes_do_no_harm():
    body = f"<rss version='2.0'><channel>{item(1, '<slash:comments>3</slash:comments>')}"
    entry = only(body + "</channel></rss>")
    assert (entry.title, entry.comment_count) == ("Headline 1", 3)


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b"", "text/xml", "an empty body"),
        (b" \n" * 5_000_000, "text/xml", "10,000,000 bytes of blanks"),
        (b"<!DOCTYPE html><title>Error 503</title>", "text/html", "HTML page titled 'Error 503'"),
        (b"<html><body><p>Who reads <rss version='2.0'> ?</body></html>", "text/xml", "HTML page"),
        (b'{"error": "not found"}', "application/json", "JSON that begins"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": 3}', "", "list of items"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": [3]}', "", "list of items"),
        (b"[" * 100_000, "application/json", "JSON that begins"),
        (b'{"a":' * 100_000, "application/json", "JSON that begins"),
        (b"Service unavailable", "text/plain", "text/plain that begins 'Service unavailable'"),
        (b"<urlset><url><loc>x</loc></url></urlset>", "text/xml", "text/xml that begins"),
        (b"<rss version='2.0'></rss>", "text/xml", "no channel"),
        (b"<rss version='2.0'><channel><title>x</title>", "text/xml", "truncated"),
        (b"<rss><channel><a></b></channel></rss>", "text/xml", "not well-formed"),
        (b"\x1f\x8b\x08\x00", "text/xml", "begins"),
    ],
)  # fmt: skip
def test_what_is_no_feed_is_an_error_that_says_what_came(body, kind, said):
    with pytest.raises(BadAnswer, match=said) as caught:
        read(body, kind)
    assert str(caught.value).startswith(URL)
    assert "\n" not in str(caught.value)
    assert caught.value.payload == body[:65536]


def test_a_feed_without_items_is_a_feed():
    assert read(rss("")).entries == ()
    assert read(b'<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title></feed>').entries == ()


@pytest.mark.parametrize("root", ["rss", "feed"])
def test_of_a_truncated_feed_the_whole_items_are_kept(root):
    body = rss(item(1) + item(2) + item(3)) if root == "rss" else ATOM_10
    first_cut = body.index(b"</item>") + 7 if root == "rss" else body.index(b"</entry>") + 8
    whole = read(body).entries
    for cut in range(first_cut, len(body) - len(f"</{root}>"), 7):
        document = read(body[:cut])
        assert document.truncated
        assert document.entries == whole[: len(document.entries)]
        assert 1 <= len(document.entries) <= len(whole)
    assert not read(body).truncated


def test_entities_are_never_expanded():
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<!DOCTYPE rss [<!ENTITY l0 "lol">{laughs}<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    body = rss("<item><title>&l11; &f; fine</title><guid>1</guid></item>")
    entry = only(body.replace(b"<rss", bomb.encode() + b"<rss", 1))
    assert entry.title == "&l11; &f; fine"


def test_a_feed_is_never_taken_for_the_name_of_a_file(tmp_path):
    feed = tmp_path / "feed.xml"
    feed.write_bytes(rss(item(1)))
    with pytest.raises(BadAnswer):
        read(str(feed))


def test_too_deep_and_too_long():
    deep = b"<a>" * 100_000 + b"</a>" * 100_000
    with pytest.raises(TooLarge, match="more than 200 elements"):
        read(rss("").replace(b"</channel>", deep + b"</channel>"))
    with pytest.raises(TooLarge, match="at most 10,000,000"):
        read(b" " * (MAX_BYTES + 1))
    with pytest.raises(TooLarge, match="10,001 items"):
        read(json.dumps(JSON_FEED | {"items": [{"id": 1}] * 10_001}))


def test_html_that_was_never_escaped_is_not_deep():
    body = rss(item(1, f"<description>{'line<br>' * 400}</description>"))
    assert only(body).title == "Headline 1"


PIECES = st.sampled_from(
    [b"<rss version='2.0'>", b"<channel>", b"<item>", b"</item>", b"</channel>", b"</rss>",
     b"<title>", b"</title>", b"<![CDATA[", b"]]>", b"<!--", b"-->", b"&amp;", b"&#0;", b"\0",
     b"<feed xmlns='http://www.w3.org/2005/Atom'>", b"<entry>", b"</entry>", b"</feed>",
     b"<link href='x'/>", b"<link>http://h.example/a</link>", b"<pubDate>", b"\xff", b"<a:b>",
     b"<?xml version='1.0' encoding='koi8-r'?>", b"<!DOCTYPE x [", b"<guid>", b"&", b"<", b">",
     b'{"version":"https://jsonfeed.org/version/1","items":[', b'{"id":1}', b"]}", b"<content>"]
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(PIECES | st.binary(max_size=8), max_size=25).map(b"".join))
def test_whatever_comes_is_a_document_or_an_error_of_ours(body):
    for form in (body, rss("").replace(b"</channel>", body + b"</channel>")):
        with contextlib.suppress(BadAnswer, TooLarge):
            document = read(form)
            assert all(one.published is None or one.published.tzinfo for one in document.entries)
