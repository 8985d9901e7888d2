"""The mood of texts by the model that is shipped, and how it is trained."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import mood_model
from monitor.enrich.protocol import CLASSES, Mood
from monitor.enrich.sentiment import model
from monitor.enrich.sentiment.linear import WEIGHTS, Linear, Numbers, Weights
from monitor.enrich.sentiment.ngrams import BUCKETS, inputs

LANGUAGES = ("ar", "de", "en", "es", "fr", "hi", "it", "pt")
GOOD_AND_BAD = {
    "ar": ("شكرا جميل رائع", "كارثة وفساد"),
    "de": ("Das ist wirklich großartig, danke!", "So eine Frechheit, das ist eine Schande"),
    "en": ("I love this, congratulations!", "This is a terrible, stupid disaster"),
    "es": ("Me encanta, muchas gracias", "Qué asco, es una vergüenza"),
    "fr": ("J'adore, bravo et merci !", "C'est une honte, un scandale"),
    "it": ("Bellissimo, grazie mille!", "Che schifo, una vergogna"),
    "pt": ("Amei, que lindo, parabéns!", "Que horrível, uma vergonha"),
}  # fmt: skip


@pytest.fixture(scope="module")
def shipped() -> Linear:
    made = model("default")
    assert isinstance(made, Linear)
    return made


def mood(shipped: Linear, text: str, language: str | None = "en") -> Mood:
    (found,) = shipped.score([text], [language])
    assert found is not None
    return found


@pytest.mark.parametrize("language", GOOD_AND_BAD)
def test_good_is_above_bad(shipped: Linear, language: str) -> None:
    good, bad = (mood(shipped, text, language) for text in GOOD_AND_BAD[language])
    assert (good.label, bad.label) == ("positive", "negative")


def test_negations_stretched_words_tags_and_signs_count(shipped: Linear) -> None:
    assert mood(shipped, "this is not good").score < mood(shipped, "this is good").score
    assert mood(shipped, "the report :(").score < mood(shipped, "the report :)").score
    assert mood(shipped, "see you \U0001f621").score < mood(shipped, "see you \U0001f60d").score
    assert mood(shipped, "so happyyyyyyy").score == pytest.approx(
        mood(shipped, "so happyy").score, abs=0.01
    )
    assert mood(shipped, "the launch #love").score > mood(shipped, "the launch #hate").score


def test_news_is_neutral(shipped: Linear) -> None:
    text = "The company announced a funding round of $30 billion on Thursday"
    assert mood(shipped, text).label == "neutral"


def test_what_exports_leave_of_other_formats_is_read(shipped: Linear) -> None:
    assert mood(shipped, r"I don\u2019t like it") == mood(shipped, "I don’t like it")
    assert mood(shipped, "I &lt;3 it") == mood(shipped, "I <3 it")


@pytest.mark.parametrize("language", ["nl", "pl", "ru", "tr", "uk", "und"])
def test_where_nothing_was_learned_the_lexicon_speaks_with_doubt(
    shipped: Linear, language: str
) -> None:
    text = "\U0001f60d \U0001f389 \U0001f60d"
    lexicon = model("lexicon")
    assert lexicon is not None
    (sure,) = lexicon.score([text], [language])
    doubting = mood(shipped, text, language)
    assert sure is not None
    assert doubting.label == sure.label
    assert doubting.positive < min(sure.positive, 2 / 3)


@pytest.mark.parametrize(("text", "language"), [("太好了", "zh"), ("hyvä", "fi"), ("good", None)])
def test_other_languages_have_no_mood(shipped: Linear, text: str, language: str | None) -> None:
    assert shipped.score([text], [language]) == [None]


@given(st.lists(st.tuples(st.text(max_size=60), st.sampled_from([*LANGUAGES, "nl", "und", None]))))
def test_a_mood_is_three_probabilities_and_depends_on_its_text_alone(
    given_: list[tuple[str, str | None]],
) -> None:
    shipped = Linear()
    found = shipped.score([text for text, _ in given_], [language for _, language in given_])
    for (text, language), one in zip(given_, found, strict=True):
        assert shipped.score([text], [language]) == [one]
        if one is not None:
            shares = (one.positive, one.neutral, one.negative)
            assert all(0 <= share <= 1 for share in shares)
            assert sum(shares) == pytest.approx(1, abs=1e-12)


def test_a_huge_text_is_answered(shipped: Linear) -> None:
    assert mood(shipped, "good " * 400_000).label == "positive"
    assert mood(shipped, "(" * 400_000).label in CLASSES


@given(st.lists(st.text(max_size=40), max_size=5))
def test_features_are_those_of_each_text_alone(texts: list[str]) -> None:
    together = inputs(texts, "en")
    for number, text in enumerate(texts):
        alone = inputs([text], "en")
        these = together.text == number
        assert together.feature[these].tolist() == alone.feature.tolist()
        assert together.value[these].tolist() == alone.value.tolist()
        assert together.dense[number].tolist() == alone.dense[0].tolist()
        for half in (alone.feature < BUCKETS // 2, alone.feature >= BUCKETS // 2):
            if half.any():
                assert np.square(alone.value[half]).sum() == pytest.approx(1, abs=1e-5)


def test_the_weights_are_small_and_hold_no_text() -> None:
    path = Path(str(mood_model.__file__)).parents[1] / "monitor" / "enrich" / "sentiment" / WEIGHTS
    assert path.stat().st_size <= 6_000_000
    with np.load(path, allow_pickle=False) as arrays:
        assert sorted(Weights.of(dict(arrays)).own) == list(LANGUAGES)
        assert {arrays[name].dtype.kind for name in arrays} == {"f", "u"}


WORDS = {
    "en": {"positive": "fine sunny sweet", "negative": "rotten bleak sour", "neutral": "round"},
    "nl": {"positive": "mooi zonnig lief", "negative": "rot grauw zuur", "neutral": "rond"},
}
FILLERS = ("a", "box", "tree", "road", "house", "window", "door", "table", "paper", "stone", "hill")


def written(path: Path, texts: int, seed: int, language: str = "en") -> Path:
    chance = random.Random(seed)
    with path.open("w", newline="", encoding="utf8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["language", "label", "text"])
        for number in range(texts):
            label = CLASSES[number % 3]
            words = [chance.choice(WORDS[language][label].split()), *chance.choices(FILLERS, k=6)]
            chance.shuffle(words)
            writer.writerow([language, label, " ".join(words)])
    return path


def test_a_model_of_ones_own_is_trained_from_files(tmp_path: Path) -> None:
    """Twice the same, to the byte; in the languages that the files have."""
    files = [str(written(tmp_path / f"{one}.csv", 240, 1, one)) for one in ("en", "nl")]
    extra = written(tmp_path / "extra.csv", 60, 2)
    made = [tmp_path / name for name in ("one.npz", "two.npz")]
    for path in made:
        assert mood_model.main([*files, "--extra", str(extra), "-o", str(path)]) == 0
    assert made[0].read_bytes() == made[1].read_bytes()
    with np.load(made[0]) as arrays:
        trained = Linear(Weights.of(dict(arrays)))
    with written(tmp_path / "new.csv", 60, 3, "nl").open(encoding="utf8") as stream:
        rows = list(csv.DictReader(stream))
    moods = trained.score([row["text"] for row in rows], ["nl"] * len(rows))
    assert [one and one.label for one in moods] == [row["label"] for row in rows]


def test_a_file_that_is_none_is_said(tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    path.write_text("language,label,text\nen,angry,What?\n")
    with pytest.raises(SystemExit, match=r"texts\.csv: row 2"):
        mood_model.main([str(path), "-o", str(tmp_path / "w.npz")])


@given(some=st.sets(st.integers(0, 299)), asked=st.lists(st.integers(0, 299)))
def test_numbers_are_those_of_a_table(some: set[int], asked: list[int]) -> None:
    table = {one: number for number, one in enumerate(sorted(some))}
    numbers = Numbers.of(np.array(sorted(some), np.uint32), 300)
    has, found = numbers.find(np.array(asked, np.int64))
    assert has.tolist() == [one in table for one in asked]
    assert found.tolist() == [table[one] for one in asked if one in table]
