"""The mood of a text: models behind one interface. Scores bear their model's name and version."""

from __future__ import annotations

from monitor.enrich.protocol import MoodModel
from monitor.errors import UsageError

__all__ = ["MODELS", "model"]

MODELS = ("default", "lexicon", "onnx", "none")
"""What `[enrich] sentiment` may name."""


def model(name: str) -> MoodModel | None:
    """The model of that name; None for `none`.

    Raises:
        UsageError: there is no such model, or it is not in this version.
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
        raise UsageError('sentiment = "onnx" is not in this version; use "default" or "none"')
    raise UsageError(f'no model of mood "{name}"; there are {", ".join(MODELS)}')
