"""The mood of texts, by the lexicon."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.enrich.protocol import Mood, MoodModel
from monitor.enrich.sentiment import model
from monitor.enrich.sentiment.lexicon import LANGUAGES
from monitor.errors import UsageError


@pytest.fixture(scope="module")
def lexicon() -> MoodModel:
    made = model("lexicon")
    assert made is not None
    return made


def mood(lexicon: MoodModel, text: str, language: str | None = "en") -> Mood:
    (found,) = lexicon.score([text], [language])
    assert found is not None
    return found


GOOD_AND_BAD = {
    "ar": ("هذا رائع جدا", "هذه جريمة وإساءة"),
    "de": ("Das ist großartig und schön", "Das ist schrecklich und eine Katastrophe"),
    "en": ("This is wonderful, congratulations!", "What a terrible, stupid disaster"),
    "es": ("Es maravilloso y excelente", "Es terrible y horrible"),
    "fr": ("C'est merveilleux et excellent", "C'est terrible et horrible"),
    "hi": ("यह उत्कृष्ट और बेहतर है", "यह अत्याचार घृणापूर्ण है"),
    "it": ("È meraviglioso ed eccellente", "È terribile e orribile"),
    "nl": ("Dit is fabelachtig, het beste", "Dit is corrupt en wanhopig"),
    "pl": ("To jest cud i piękno", "To jest zło i nadużycie"),
    "pt": ("É maravilhoso e excelente", "É terrível e horrível"),
    "ru": ("Это прекрасно и замечательно", "Это ужасно и отвратительно"),
    "tr": ("Bu harika ve mükemmel", "Bu korkunç ve berbat"),
    "uk": ("Блискучий, кращі з усіх", "Брехун і бовдур"),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_good_is_above_bad(lexicon: MoodModel, language: str) -> None:
    good, bad = (mood(lexicon, text, language) for text in GOOD_AND_BAD[language])
    assert good.score > 0 > bad.score
    assert (good.label, bad.label) == ("positive", "negative")


def test_negations_turn_and_other_words_weigh(lexicon: MoodModel) -> None:
    assert mood(lexicon, "not good").score < 0 < mood(lexicon, "good").score
    assert mood(lexicon, "this isn\u2019t good").score < 0
    assert mood(lexicon, "not bad").score > mood(lexicon, "bad").score
    assert mood(lexicon, "no. good").score > mood(lexicon, "no good").score
    assert mood(lexicon, "very good").score > mood(lexicon, "good day").score
    assert mood(lexicon, "GOOOOOOD").score == mood(lexicon, "good").score
    assert mood(lexicon, "nicht gut", "de").score < 0


def test_signs_are_the_same_in_every_language(lexicon: MoodModel) -> None:
    assert mood(lexicon, "😍 🎉", "und").label == "positive"
    assert mood(lexicon, "😡💩", "und").label == "negative"
    assert mood(lexicon, "the report :(").score < mood(lexicon, "the report :)").score
    assert mood(lexicon, "❤️").score == mood(lexicon, "❤").score


def test_mentions_and_links_have_no_mood(lexicon: MoodModel) -> None:
    plain = mood(lexicon, "the report")
    assert mood(lexicon, "@happy the report https://x.example/hate") == plain


@pytest.mark.parametrize(
    ("text", "language"),
    [("すばらしい", "ja"), ("太好了", "zh"), ("hyvä", "fi"), ("good", None), ("12", "und")],
)
def test_what_the_lexicon_does_not_cover_has_no_mood(
    lexicon: MoodModel, text: str, language: str | None
) -> None:
    assert lexicon.score([text], [language]) == [None]


@given(st.lists(st.tuples(st.text(max_size=60), st.sampled_from(("en", "ar", "und", "ja", None)))))
def test_a_mood_is_three_probabilities_and_depends_on_its_text_alone(
    given_: list[tuple[str, str | None]],
) -> None:
    lexicon = model("lexicon")
    assert lexicon is not None
    found = lexicon.score([text for text, _ in given_], [language for _, language in given_])
    for (text, language), one in zip(given_, found, strict=True):
        assert lexicon.score([text], [language]) == [one]
        if one is not None:
            shares = (one.positive, one.neutral, one.negative)
            assert all(0 <= share <= 1 for share in shares)
            assert sum(shares) == pytest.approx(1, abs=1e-12)
            assert -1 <= one.score <= 1


def test_a_huge_text_is_answered(lexicon: MoodModel) -> None:
    assert mood(lexicon, "good " * 400_000).label == "positive"
    assert mood(lexicon, ":(" * 400_000).label == "negative"
    assert -1 <= mood(lexicon, "(" * 400_000).score <= 1


def test_a_model_is_named_or_refused() -> None:
    assert model("none") is None
    with pytest.raises(UsageError, match="onnx"):
        model("onnx")
    with pytest.raises(UsageError, match="default, lexicon"):
        model("vader")
