"""A transformer that the user brings: a folder with `model.onnx` and `tokenizer.json`.

As exported for text classification: inputs `input_ids`, `attention_mask` (and `token_type_ids`),
the first output one logit a class. `config.json` beside them says which class is which
(`id2label`); without it they are negative, neutral, positive, in this order.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from monitor.enrich.protocol import CLASSES, Mood
from monitor.errors import UsageError

__all__ = ["Onnx"]

BATCH = 32
LONGEST = 512  # tokens
_CHARACTERS = 10_000

_NAME = re.compile(r"[@\uff20]\w+(?:\.\w+)*")
_LINK = re.compile(r"https?://\S+|www\.\S+", re.IGNORECASE)
_INPUTS = {"input_ids", "attention_mask", "token_type_ids"}
_TRIAL = "Good morning."

Floats = npt.NDArray[np.float64]


class _Config(msgspec.Struct):
    """What we read of `config.json`."""

    id2label: dict[str, str] | None = None
    max_position_embeddings: int = LONGEST + 2
    pad_token_id: int | None = 0


class Onnx:
    """Scores texts of every language; which ones it knows is its maker's business.

    `version` begins with the hash of `model.onnx`: another file is another model.
    """

    def __init__(self, folder: Path | None) -> None:
        """Load it.

        Raises:
            UsageError: the folder is none, lacks a file, or holds another kind of model.
        """
        if folder is None:
            raise UsageError(
                'sentiment = "onnx" needs the model\'s folder: write onnx_folder = "…" in [enrich]'
            )
        self._folder = folder
        for name in ("model.onnx", "tokenizer.json"):
            if not (folder / name).is_file():
                what = f"has no {name}" if folder.is_dir() else "is no folder"
                raise UsageError(
                    f"{folder} {what}; [enrich] onnx_folder needs model.onnx and tokenizer.json"
                )
        config = self._read_config()
        self._order = self._classes(config)
        self._tokenizer = self._open_tokenizer(config)
        self._session = self._open_session()
        self._asked = [one.name for one in self._session.get_inputs()]
        if "input_ids" not in self._asked or not _INPUTS.issuperset(self._asked):
            raise self._wrong(f"asks for {', '.join(self._asked)}, not for input_ids", "model.onnx")
        self.name = f"onnx-{folder.resolve().name}"
        self.version = _digest(folder / "model.onnx")[:8]
        self._logits([_TRIAL])

    def score(self, texts: Sequence[str], languages: Sequence[str | None]) -> list[Mood | None]:
        """One mood a text; None where it says nothing."""
        said = [n for n, text in enumerate(texts) if text.strip()]
        said.sort(key=lambda n: len(texts[n]))  # texts of one length need little padding
        moods: list[Mood | None] = [None] * len(languages)
        for begin in range(0, len(said), BATCH):
            these = said[begin : begin + BATCH]
            logits = self._logits([texts[n] for n in these])[:, self._order]
            powers = np.exp(logits - logits.max(axis=1, keepdims=True))
            for n, (negative, _, positive) in zip(
                these, (powers / powers.sum(axis=1, keepdims=True)).tolist(), strict=True
            ):
                moods[n] = Mood(positive, max(1.0 - positive - negative, 0.0), negative)
        return moods

    def _logits(self, texts: list[str]) -> Floats:
        encoded = self._tokenizer.encode_batch([_plain(text) for text in texts])
        given = {
            "input_ids": [one.ids for one in encoded],
            "attention_mask": [one.attention_mask for one in encoded],
            "token_type_ids": [one.type_ids for one in encoded],
        }
        feed = {name: np.array(given[name], np.int64) for name in self._asked}
        try:
            found = np.asarray(self._session.run(None, feed)[0], np.float64)
        except Exception as error:  # the runtime has no base of its own
            raise self._wrong(f"can't be run: {_line(error)}", "model.onnx") from error
        if found.shape != (len(texts), len(CLASSES)):
            raise self._wrong(
                f"gives {found.shape} for {len(texts)} texts, not 3 each", "model.onnx"
            )
        return found

    def _read_config(self) -> _Config:
        path = self._folder / "config.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=_Config)
        except FileNotFoundError:
            return _Config()
        except msgspec.DecodeError as error:
            raise self._wrong(f"can't be read: {error}", "config.json") from error

    def _classes(self, config: _Config) -> list[int]:
        """Where each of `CLASSES` stands among the logits."""
        given = config.id2label
        if given is None or all(name.upper().startswith("LABEL_") for name in given.values()):
            return [0, 1, 2]
        places = {name.lower(): int(place) for place, name in given.items() if place.isdecimal()}
        if set(places) != set(CLASSES):
            raise self._wrong(f"names {', '.join(given.values())}, not {CLASSES}", "config.json")
        return [places[name] for name in CLASSES]

    def _open_tokenizer(self, config: _Config) -> Any:
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise _not_installed(error) from error
        try:
            tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        except Exception as error:  # it raises nothing more precise
            raise self._wrong(f"can't be read: {_line(error)}", "tokenizer.json") from error
        tokenizer.enable_truncation(min(LONGEST, config.max_position_embeddings - 2))
        padding: Mapping[str, Any] | None = tokenizer.padding
        if padding is None:
            tokenizer.enable_padding(pad_id=config.pad_token_id or 0)
        elif padding.get("length") is not None:
            tokenizer.enable_padding(**{**padding, "length": None})
        return tokenizer

    def _open_session(self) -> Any:
        try:
            import onnxruntime
        except ImportError as error:
            raise _not_installed(error) from error
        try:
            return onnxruntime.InferenceSession(
                str(self._folder / "model.onnx"), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # as above
            raise self._wrong(f"can't be loaded: {_line(error)}", "model.onnx") from error

    def _wrong(self, what: str, file: str) -> UsageError:
        return UsageError(f"{self._folder / file} {what}")


def _plain(text: str) -> str:
    """With names and links as models of tweets know them."""
    return _LINK.sub("http", _NAME.sub("@user", text[:_CHARACTERS]))


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _not_installed(error: ImportError) -> UsageError:
    return UsageError(f"sentiment = \"onnx\" needs {error.name}: pip install 'monitor[onnx]'")
