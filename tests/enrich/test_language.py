"""Which language a post is in."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.api import Monitor
from monitor.enrich.language import ENGINES, detector, resolve
from monitor.enrich.language.clean import cleaned
from monitor.enrich.language.resolve import tagged
from monitor.enrich.language.vote import elected
from monitor.enrich.protocol import Detector, Guess
from monitor.errors import UsageError
from tests.world import ACME, OFFLINE, configured

SENTENCES = {
    "ar": "أعلنت الشركة عن جولة تمويل جديدة هذا الأسبوع",
    "de": "Das Unternehmen hat diese Woche eine neue Finanzierungsrunde bekannt gegeben",
    "el": "Η εταιρεία ανακοίνωσε νέο γύρο χρηματοδότησης",
    "en": "The company announced a new round of funding this week",
    "es": "La empresa anunció esta semana una nueva ronda de financiación",
    "fa": "این شرکت دور جدیدی از تأمین مالی را اعلام کرد",
    "fr": "L'entreprise a annoncé cette semaine une nouvelle levée de fonds",
    "he": "החברה הודיעה השבוע על סבב גיוס חדש",
    "hi": "कंपनी ने इस सप्ताह निवेश के नए दौर की घोषणा की",
    "it": "L'azienda ha annunciato questa settimana un nuovo round di finanziamento",
    "ja": "同社は今週、新たな資金調達を発表しました",
    "ko": "그 회사는 이번 주에 새로운 투자 유치를 발표했다",
    "nl": "Het bedrijf heeft deze week een nieuwe financieringsronde aangekondigd",
    "pl": "Firma ogłosiła w tym tygodniu nową rundę finansowania",
    "pt": "A empresa anunciou esta semana uma nova rodada de financiamento",
    "ru": "Компания объявила на этой неделе о новом раунде финансирования",
    "th": "บริษัทประกาศระดมทุนรอบใหม่ในสัปดาห์นี้",
    "tr": "Şirket bu hafta yeni bir yatırım turunu duyurdu",
    "uk": "Компанія оголосила цього тижня про новий раунд фінансування",
    "zh": "该公司本周宣布了新一轮融资",
}


@pytest.fixture(scope="module")
def engine() -> Detector:
    made = detector("langdetect")
    assert made is not None
    return made


@pytest.mark.parametrize("language", SENTENCES)
def test_a_sentence_tells_its_language(engine: Detector, language: str) -> None:
    (guess,) = engine.guess([SENTENCES[language]])
    assert guess.language == language
    assert guess.confidence >= 0.9


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("RT @ann: The company announced a new round https://de.example/eine-seite", "en"),
        ("THE COMPANY ANNOUNCED A NEW ROUND", "en"),
        ("#LeaveFrançaisAlone Das Unternehmen wächst weiter und weiter", "de"),
        ("NorthwindはシリーズBで4000万ドルを調達しました", "ja"),
        ("Grok 的新模型发布了，效果非常好", "zh"),
    ],
)
def test_what_is_no_language_does_not_count(engine: Detector, text: str, language: str) -> None:
    assert engine.guess([text])[0].language == language


def test_cleaning_keeps_the_words() -> None:
    assert cleaned("RT @a: NICE one #SeriesG #funding 123 http://x.y 🔥") == "nice one funding"
    assert cleaned("ART and Start, McDonald's") == "art and Start, McDonald's"


@pytest.mark.parametrize(
    "text", ["", "🔥🔥", "12 345", "@ann https://x.example/y", "\x00\udcff", "?!"]
)
def test_without_a_letter_there_is_no_language(engine: Detector, text: str) -> None:
    (guess,) = engine.guess([text])
    assert (guess.language, guess.letters) == ("und", 0)
    assert resolve(guess, None, None) == ("und", 0.0)


def test_a_text_of_any_length_is_answered(engine: Detector) -> None:
    long = "The company announced a new round of funding. " * 50_000
    assert engine.guess([long])[0].language == "en"
    assert engine.guess(["ab" * 1_000_000])[0].letters <= 10_000


@given(st.lists(st.text(max_size=80), max_size=8))
def test_a_guess_depends_on_its_text_alone(texts: list[str]) -> None:
    one, other = detector("langdetect"), detector("langdetect")
    assert one is not None
    assert other is not None
    together = one.guess(texts)
    assert together == [other.guess([text])[0] for text in reversed(texts)][::-1]
    assert all(0 <= guess.confidence <= 1 for guess in together)


SURE, UNSURE, SHORT = Guess("en", 0.95, 60), Guess("en", 0.6, 60), Guess("en", 0.95, 8)


@pytest.mark.parametrize(
    ("own", "tag", "parent", "expected"),
    [
        (SURE, "de", "fr", ("en", 0.95)),
        (UNSURE, "de-AT", "fr", ("de", None)),
        (SHORT, "de", "fr", ("de", None)),
        (SHORT, None, "fr", ("fr", None)),
        (SHORT, "zxx", "fr", ("fr", None)),
        (SHORT, "en-US", "fr", ("en", 0.95)),
        (SHORT, None, None, ("en", 0.95)),
        (SHORT, None, "und", ("en", 0.95)),
        (Guess("ja", 1.0, 4), "en", "de", ("ja", 1.0)),
        (Guess("zh", 1.0, 4), "ja", None, ("ja", None)),
        (Guess("ru", 1.0, 9), "bg", None, ("bg", None)),
        (Guess("und", 0.0, 0), "en", "de", ("und", 0.0)),
        (None, "en", "de", (None, None)),
    ],
)
def test_a_weak_guess_gives_way(
    own: Guess | None, tag: str | None, parent: str | None, expected: tuple[str, float | None]
) -> None:
    assert resolve(own, tag, parent) == expected


@pytest.mark.parametrize(
    ("tag", "language"),
    [("en", "en"), ("PT-br", "pt"), ("zh-Hans-CN", "zh"), ("deu", "de"), ("und", None), ("", None),
     ("english please", None), ("i-klingon", None)],
)  # fmt: skip
def test_a_tag_names_a_language_or_none(tag: str, language: str | None) -> None:
    assert tagged(tag) == language


def test_most_of_three_engines_win() -> None:
    own = Guess("nl", 0.5, 30)
    assert elected(own, ["nl", "nl"]).confidence > elected(own, ["de", "nl"]).confidence
    assert elected(own, ["de", "de"]).language == "de"
    assert elected(own, ["de", "fr"]) == own


def test_three_engines_vote(engine: Detector) -> None:
    pytest.importorskip("lingua", reason="monitor[vote] is not installed")
    vote = detector("vote")
    assert vote is not None
    texts = list(SENTENCES.values())
    assert [g.language for g in vote.guess(texts)] == [g.language for g in engine.guess(texts)]


def test_an_engine_is_named_or_refused() -> None:
    assert detector("none") is None
    with pytest.raises(UsageError, match="langdetect, vote, none"):
        detector("gpt")
    assert "langdetect" in ENGINES


def test_a_text_may_be_in_some_languages_only(engine: Detector) -> None:
    """Those that an event names; scripts say what they say."""
    danish = "Jeg er glad for, at det gik godt i dag"
    for among in (frozenset({"en", "de"}), frozenset({"es", "fr"})):
        (guess,) = engine.guess([danish], [among])
        assert guess.language in among
    free, bound = engine.guess([danish] * 2, [frozenset(), frozenset({"de"})])
    assert bound.language == "de"
    assert bound.confidence > free.confidence
    (japanese,) = engine.guess(["すばらしいニュースです"], [frozenset({"en"})])
    assert japanese.language == "ja"
    assert resolve(Guess("de", 0.4, 9), "pl", "nl", frozenset({"de", "nl"})) == ("nl", None)


def test_posts_of_an_event_are_in_its_languages(tmp_path: Path) -> None:
    """Of a post that stands in another event too, which names none, all languages are possible."""
    text = "Jeg er glad for, at det gik godt i dag"
    events = ACME.replace("terms =", 'languages = ["en", "fr"]\nterms =') + (
        '[[event]]\nid = "b"\ncompany = "acme"\nannounced_at = 2026-02-12T20:00:00Z\n'
        'terms = ["glad"]\n'
    )
    posts = tmp_path / "posts.csv"
    posts.write_text(
        "post_id,network,created_at,event_id,relation,text\n"
        f'x:1,x,2026-02-12T19:00:00Z,acme-a,mention,"{text}"\n'
        f'x:2,x,2026-02-12T21:00:00Z,b,mention,"{text}"\n'
    )

    def languages(toml: str) -> list[str]:
        with Monitor(configured(tmp_path, toml + OFFLINE)) as monitor:
            monitor.bring([posts])
            return monitor.query("select language from posts order by post_id")[
                "language"
            ].to_list()

    first, free = languages(events)
    assert first in {"en", "fr"}
    assert free not in {"en", "fr"}
    assert languages(events.replace('["en", "fr"]', '["it"]'))[0] == "it"
