"""A transformer that the user brings: a tiny one that is built here, of the same shape."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from monitor.api import Monitor
from monitor.enrich.protocol import CLASSES
from monitor.enrich.sentiment import model
from monitor.enrich.sentiment.onnx import Onnx
from monitor.errors import UsageError
from tests.world import ACME, OFFLINE, configured

WORDS = ["[PAD]", "[UNK]", "good", "bad", "company", "@user", "http"]
LOGITS = {"good": (0, 0, 4), "bad": (4, 0, 0), "company": (0, 2, 0), "@user": (0, 1, 0)}
"""What each word says of negative, neutral and positive."""


def tiny(folder: Path, order: tuple[str, ...] = CLASSES, classes: int = 3) -> Path:
    """A model that adds up what its words say, and its tokenizer."""
    folder.mkdir(parents=True)
    table = np.zeros((len(WORDS), classes), np.float32)
    for word, values in LOGITS.items():
        by_name = dict(zip(CLASSES, values, strict=True))
        table[WORDS.index(word), :3] = [by_name[name] for name in order]
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["said"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["wide"]),
        helper.make_node("Mul", ["said", "wide"], ["heard"]),
        helper.make_node("ReduceSum", ["heard", "one"], ["logits"], keepdims=0),
    ]
    shape = ["batch", "sequence"]
    made = helper.make_model(
        helper.make_graph(
            nodes, "tiny",
            [helper.make_tensor_value_info(name, TensorProto.INT64, shape)
             for name in ("input_ids", "attention_mask")],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", classes])],
            [numpy_helper.from_array(table, "table"),
             numpy_helper.from_array(np.array([2]), "last"),
             numpy_helper.from_array(np.array([1]), "one")],
        ),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=9,
    )  # fmt: skip
    onnx.save(made, folder / "model.onnx")
    words = models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]")
    tokenizer = Tokenizer(words)
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.save(str(folder / "tokenizer.json"))
    labels = {str(n): name.title() for n, name in enumerate(order)}
    (folder / "config.json").write_text(json.dumps({"id2label": labels, "pad_token_id": 0}))
    return folder


def test_moods_are_the_models_own(tmp_path: Path) -> None:
    made = model("onnx", tiny(tmp_path / "tiny"))
    assert made is not None
    texts = ["Good company", "bad", "", "a company that nobody knows", "good " * 2000, "\U0001f600"]
    found = made.score(texts, ["en", "de", None, None, "en", "und"])
    assert [one and one.label for one in found] == [
        "positive", "negative", None, "neutral", "positive", "neutral",
    ]  # fmt: skip
    shares = np.exp([0, 2, 4]) / np.exp([0, 2, 4]).sum()
    assert found[0] is not None
    assert (found[0].negative, found[0].positive) == pytest.approx((shares[0], shares[2]))
    assert made.name == "onnx-tiny"


def test_an_answer_does_not_depend_on_its_batch(tmp_path: Path) -> None:
    made = Onnx(tiny(tmp_path / "tiny"))
    texts = [f"{'good ' * (n % 7)}bad company" for n in range(100)]
    together = made.score(texts, ["en"] * 100)
    for text, found in zip(texts, together, strict=True):
        (alone,) = made.score([text], ["en"])
        assert found is not None
        assert alone is not None
        assert found.score == pytest.approx(alone.score, abs=1e-6)


def test_names_and_links_are_told_as_models_of_tweets_know_them(tmp_path: Path) -> None:
    made = Onnx(tiny(tmp_path / "tiny"))
    assert made.score(["@someone.example x"], ["en"]) == made.score(["@user x"], ["en"])
    assert made.score(["see https://x.example/1"], ["en"]) == made.score(["see http"], ["en"])


def test_classes_stand_where_the_configuration_says(tmp_path: Path) -> None:
    turned = Onnx(tiny(tmp_path / "turned", ("positive", "negative", "neutral")))
    (found,) = turned.score(["good"], ["en"])
    assert found is not None
    assert found.label == "positive"
    plain = tiny(tmp_path / "plain")
    (plain / "config.json").unlink()
    (found,) = Onnx(plain).score(["good"], ["en"])
    assert found is not None
    assert found.label == "positive"


def test_another_file_is_another_model(tmp_path: Path) -> None:
    one, two = (
        Onnx(tiny(tmp_path / "a" / "tiny")),
        Onnx(tiny(tmp_path / "b" / "tiny", CLASSES[::-1])),
    )
    assert one.name == two.name
    assert one.version != two.version


def _bad_json(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def _bad_labels(folder: Path) -> None:
    (folder / "config.json").write_text('{"id2label": {"0": "joy", "1": "anger", "2": "fear"}}')


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda f: (f / "model.onnx").unlink(), "tiny has no model.onnx"),
        (lambda f: (f / "tokenizer.json").unlink(), "tiny has no tokenizer.json"),
        (lambda f: (f / "model.onnx").write_bytes(b"no model"), "model.onnx can't be loaded"),
        (lambda f: (f / "tokenizer.json").write_text("{}"), "tokenizer.json can't be read"),
        (_bad_json, "config.json can't be read"),
        (_bad_labels, "config.json names joy, anger, fear"),
    ],
)
def test_each_way_that_a_folder_is_wrong_is_said(
    tmp_path: Path, spoil: Callable[[Path], object], told: str
) -> None:
    folder = tiny(tmp_path / "tiny")
    spoil(folder)
    with pytest.raises(UsageError, match=told):
        Onnx(folder)


def test_other_kinds_of_models_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gives \(1, 5\) for 1 texts"):
        Onnx(tiny(tmp_path / "stars", classes=5))
    with pytest.raises(UsageError, match="nowhere is no folder"):
        Onnx(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="onnx_folder"):
        Onnx(None)


def test_what_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny(tmp_path / "tiny")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UsageError, match=r"needs onnxruntime: pip install 'monitor\[onnx\]'"):
        Onnx(folder)


def test_posts_are_scored_by_it(tmp_path: Path) -> None:
    folder = tiny(tmp_path / "tiny")
    enrich = f'[enrich]\nsentiment = "onnx"\nonnx_folder = "{folder}"\n'
    config = configured(tmp_path, ACME + OFFLINE + enrich)
    posts = tmp_path / "posts.csv"
    posts.write_text(
        "post_id,network,created_at,text\n"
        "x:1,x,2026-02-13T10:00:00Z,A good company\nx:2,x,2026-02-13T10:00:00Z,A bad company\n"
    )
    with Monitor(config) as monitor:
        monitor.bring([posts])
        rows = monitor.query("select label, model from sentiment order by post_id").rows()
    assert [label for label, _ in rows] == ["positive", "negative"]
    assert {name.rpartition("-")[0] for _, name in rows} == {"onnx-tiny"}
