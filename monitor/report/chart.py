"""A small chart for terminals: columns of blocks, and dots where nothing was observed."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["columns"]

_BLOCKS = " ▁▂▃▄▅▆▇█"
_EIGHTHS = 8


def columns(
    values: Sequence[float | None], *, height: int = 6, mark: int | None = None
) -> list[str]:
    """The lines of a chart, a character a value, the largest value's height first.

    Args:
        values: None where nothing was observed; it is drawn as a dot, never as zero.
        mark: the index below which an arrow stands.
    """
    top = max((value for value in values if value is not None), default=0.0) or 1.0
    lines = []
    for row in reversed(range(height)):
        line = ""
        for value in values:
            if value is None:
                line += "·" if row == 0 else " "
                continue
            eighths = round(value / top * height * _EIGHTHS) - row * _EIGHTHS
            line += _BLOCKS[max(0, min(_EIGHTHS, eighths))]
        label = f"{top:>5g}" if row == height - 1 else "    0" if row == 0 else "     "
        lines.append(f"{label} {line}".rstrip())
    if mark is not None:
        lines.append(" " * (6 + mark) + "▲")
    return lines
