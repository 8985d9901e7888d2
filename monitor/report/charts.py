"""Charts as inline SVG: no script, no font and no address of anybody else's. Classes give colours.

What was not observed is hatched, so that a hole never looks like a zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["Bar", "Mark", "bars", "dots", "shares"]

_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM = 720.0, 40.0, 8.0, 18.0, 24.0
_TICKS = (1, 2, 5)
_LABELS = 5


@dataclass(frozen=True, slots=True)
class Bar:
    """One bucket: its `label`, a value a series (None: not observed), and a text for pointers."""

    label: str
    values: tuple[float, ...] | None
    says: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment to show: `place` counts buckets from the left, with fractions."""

    place: float
    text: str


def bars(
    title: str, buckets: Sequence[Bar], series: Sequence[str], marks: Sequence[Mark] = ()
) -> str:
    """Stacked bars, one a bucket; `series` are the classes of the parts, from the bottom up."""
    height = 240.0
    plot = _Plot(height, max(len(buckets), 1))
    tops = [sum(bucket.values) for bucket in buckets if bucket.values is not None]
    step, top = _scale(max(tops, default=0))
    parts = [plot.grid(value, top, f"{value:g}") for value in _steps(step, top)]
    for n, bucket in enumerate(buckets):
        inner = [plot.hole(n)] if bucket.values is None else []
        below = 0.0
        for name, value in zip(series, bucket.values or (), strict=False):
            if value:
                inner.append(plot.box(n, below, below + value, top, name))
                below += value
        parts.append(f"<g><title>{escape(bucket.says)}</title>{''.join(inner)}</g>")
    parts += [plot.mark(mark) for mark in marks]
    parts += plot.labels([bucket.label for bucket in buckets])
    return _svg(title, height, parts)


def dots(title: str, buckets: Sequence[Bar], marks: Sequence[Mark] = ()) -> str:
    """Means from -1 to 1, one dot a bucket; `values` are the mean and its n."""
    height = 150.0
    plot = _Plot(height, max(len(buckets), 1))
    most = max((b.values[1] for b in buckets if b.values), default=1.0)
    parts = [plot.level(value, f"{value:+g}" if value else "0") for value in (-1, 0, 1)]
    for n, bucket in enumerate(buckets):
        if bucket.values is not None:
            mean, count = bucket.values
            radius = 1.5 + 3.5 * (count / most) ** 0.5
            name = "good" if mean > 0 else "bad"
            x, y = plot.middle(n), plot.y(mean / 2 + 0.5)
            circle = f'<circle class="{name}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>'
            parts.append(f"<g><title>{escape(bucket.says)}</title>{circle}</g>")
    parts += [plot.mark(mark) for mark in marks]
    parts += plot.labels([bucket.label for bucket in buckets])
    return _svg(title, height, parts)


def shares(title: str, rows: Sequence[tuple[str, float, str]]) -> str:
    """One bar across a row: name, share in [0, 1], and what stands at its end."""
    line, left, right = 24.0, 110.0, 70.0
    parts = []
    for n, (name, share, says) in enumerate(rows):
        y = n * line
        width = max(share, 0) * (360 - left - right)
        parts.append(
            f'<text class="name" x="{left - 8:.0f}" y="{y + 16:.0f}">{escape(name)}</text>'
            f'<rect class="part" x="{left:.0f}" y="{y + 5:.0f}" width="{max(width, 1):.1f}" '
            f'height="14"/><text x="{left + width + 6:.1f}" y="{y + 16:.0f}">{escape(says)}</text>'
        )
    return _svg(title, max(len(rows), 1) * line, parts, width=360.0)


class _Plot:
    """Where things stand: buckets from the left, values from the bottom."""

    def __init__(self, height: float, buckets: int) -> None:
        self.height = height
        self.step = (_WIDTH - _LEFT - _RIGHT) / buckets

    def x(self, place: float) -> float:
        return _LEFT + place * self.step

    def middle(self, n: int) -> float:
        return self.x(n + 0.5)

    def y(self, share: float) -> float:
        return self.height - _BOTTOM - share * (self.height - _TOP - _BOTTOM)

    def box(self, n: int, low: float, high: float, top: float, name: str) -> str:
        gap = min(1.0, self.step * 0.15)
        y, bottom = self.y(high / top), self.y(low / top)
        return (
            f'<rect class="{name}" x="{self.x(n) + gap / 2:.2f}" y="{y:.2f}" '
            f'width="{self.step - gap:.2f}" height="{bottom - y:.2f}"/>'
        )

    def hole(self, n: int) -> str:
        return (
            f'<rect class="hole" x="{self.x(n):.2f}" y="{_TOP:.0f}" width="{self.step:.2f}" '
            f'height="{self.y(0) - _TOP:.2f}"/>'
        )

    def grid(self, value: float, top: float, text: str) -> str:
        return self._line(self.y(value / top), text)

    def level(self, value: float, text: str) -> str:
        return self._line(self.y(value / 2 + 0.5), text)

    def _line(self, y: float, text: str) -> str:
        return (
            f'<line class="grid" x1="{_LEFT:.0f}" x2="{_WIDTH - _RIGHT:.0f}" y1="{y:.1f}" '
            f'y2="{y:.1f}"/><text class="name" x="{_LEFT - 6:.0f}" y="{y + 4:.1f}">{text}</text>'
        )

    def mark(self, mark: Mark) -> str:
        x = self.x(mark.place)
        side = "name" if x > _WIDTH * 0.75 else "start"
        at = x - 4 if side == "name" else x + 4
        return (
            f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="4" y2="{self.y(0):.1f}"/>'
            f'<text class="{side} mark" x="{at:.1f}" y="14">{escape(mark.text)}</text>'
        )

    def labels(self, texts: Sequence[str]) -> list[str]:
        every = max(1, -(-len(texts) // _LABELS))
        return [
            f'<text class="under" x="{self.middle(n):.1f}" y="{self.height - 6:.0f}">'
            f"{escape(texts[n])}</text>"
            for n in range(every // 2, len(texts), every)
        ]


def _scale(most: float) -> tuple[float, float]:
    """A round step, and the top of the axis."""
    step = 1.0
    for power in range(12):
        for tick in _TICKS:
            step = float(tick * 10**power)
            if most <= 4 * step:
                return step, max(step * -(-most // step), step)
    return step, most


def _steps(step: float, top: float) -> list[float]:
    return [n * step for n in range(int(top / step) + 1)]


def _svg(title: str, height: float, parts: Sequence[str], width: float = _WIDTH) -> str:
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg>"
    )
