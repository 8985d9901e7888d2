"""From posts that wait to languages and moods: pure, whatever order they come in."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.enrich.protocol import Guess, Mood
from monitor.enrich.score import Said, Scorer, Waiting
from tests.enrich.built import Known, Picky


def post(key: int, text: str | None, *, tag: str | None = None, **more: object) -> Waiting:
    given = {"version": 1, "parent_version": 0, "own": Said(text, tag)} | more
    return Waiting(key=key, **given)  # type: ignore[arg-type]


def languages(posts: Sequence[Waiting]) -> list[str | None]:
    return [one.language for one in Scorer(Known(), None).score(posts)]


def test_a_weak_guess_takes_the_tag_then_the_language_that_the_parent_shows() -> None:
    weak, strong = "nl? ok", "de! das ist ein langer Satz"
    assert languages([post(1, strong, tag="en")]) == ["de"]
    assert languages([post(1, weak, tag="en")]) == ["en"]
    assert languages([post(1, weak, parent=Said(strong, "fr"))]) == ["de"]
    assert languages([post(1, weak, parent=Said("nl? oh", "fr"))]) == ["fr"]
    assert languages([post(1, weak, parent=Said(None, "fr"))]) == ["fr"]
    assert languages([post(1, weak, parent=Said("nl? oh", None, "pt"))]) == ["pt"]
    assert languages([post(1, weak)]) == ["nl"]


def test_what_an_import_states_stands() -> None:
    stated = post(1, "de! das ist ein langer Satz", own=Said("de! das ist", "en", "ja"))
    (scored,) = Scorer(Known(), Picky()).score([stated])
    assert (scored.language, scored.mood) == ("ja", None)  # and is what the model is told


def test_empty_posts_have_neither() -> None:
    for text in (None, "", "  \n"):
        (scored,) = Scorer(Known(), Picky()).score([post(1, text, tag="en")])
        assert (scored.language, scored.confidence, scored.mood) == (None, None, None)


def test_without_an_engine_the_model_is_told_what_the_store_has() -> None:
    (scored,) = Scorer(None, Picky()).score([post(1, "well", language="en")])
    assert scored.mood is not None
    assert Scorer(None, None).idle


def test_a_model_that_fails_on_one_post_scores_the_others() -> None:
    heard = []
    scorer = Scorer(Known(), Picky(), lambda post, error: heard.append((post.key, str(error))))
    posts = [post(n, "en! fine" if n != 3 else "en! boom") for n in range(6)]
    scored = scorer.score(posts)
    assert [one.key for one in scored] == list(range(6))
    assert [one.mood is None for one in scored] == [n == 3 for n in range(6)]
    assert heard == [(3, "it went off")]


def test_engine_and_model_are_named_with_their_versions() -> None:
    assert Scorer(Known(), Picky()).engine == "known-7"
    assert Scorer(None, Picky()).engine == "none"
    assert Guess("en", 1, 1) == Guess("en", 1, 1)
    assert Mood(0.2, 0.2, 0.6).label == "negative"
