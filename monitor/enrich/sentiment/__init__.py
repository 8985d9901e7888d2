"""The mood of a text: models behind one interface. Scores bear their model's name and version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import cast

import msgspec

from monitor.enrich.protocol import MoodModel
from monitor.errors import UsageError

__all__ = ["GROUP", "Evaluation", "evaluations", "model", "names"]

GROUP = "monitor.sentiment"
"""The entry points of others' models: a name, and what makes the model when it is called."""

_OURS = ("default", "lexicon", "onnx", "none")


class Evaluation(msgspec.Struct, frozen=True):
    """How well a model did on texts that it had not seen; see docs/sentiment.md.

    Attributes:
        macro_f1: the mean over languages of the mean over classes.
        languages: macro-F1 of each.
        calibration_error: mean distance of the largest share from how often it is right.
    """

    macro_f1: float
    languages: Mapping[str, float]
    calibration_error: float
    texts: int


def evaluations() -> dict[str, Evaluation]:
    """By model, with its version: those that are shipped."""
    text = files("monitor.enrich.sentiment").joinpath("data", "evaluations.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, Evaluation])


def names() -> list[str]:
    """What `[enrich] sentiment` may name: ours, then others' by name."""
    return [*_OURS, *sorted(set(entry_points(group=GROUP).names) - set(_OURS))]


def model(name: str, onnx_folder: Path | None = None) -> MoodModel | None:
    """The model of that name; None for `none`.

    Args:
        onnx_folder: where the model of `onnx` is.

    Raises:
        UsageError: there is no such model, or it can't be loaded.
    """
    if name == "default":
        from monitor.enrich.sentiment.linear import Linear

        return Linear()
    if name == "lexicon":
        from monitor.enrich.sentiment.lexicon import Lexicon

        return Lexicon()
    if name == "none":
        return None
    if name == "onnx":
        from monitor.enrich.sentiment.onnx import Onnx

        return Onnx(onnx_folder)
    for entry in entry_points(group=GROUP, name=name):
        try:
            return cast("Callable[[], MoodModel]", entry.load())()
        except Exception as error:  # a third party's code
            raise UsageError(
                f"the model {name!r} ({entry.value}) can't be loaded: {error}"
            ) from error
    raise UsageError(f'no model of mood "{name}"; there are {", ".join(names())}')
