"""A plot of cost against work, as a small SVG: both axes logarithmic, a line for each row, named where it ends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 76, 190, 44, 52
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#555555", "#e69f00", "#56b4e9")
LINE_HEIGHT = 15


@dataclass(frozen=True)
class Series:
    """One line: points are (work, cost of each piece in ms), both more than 0."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class _Axis:
    """A logarithmic axis between powers of ten, drawn from ``begin`` to ``end``."""

    lowest: int
    highest: int
    begin: float
    end: float

    @classmethod
    def of(cls, values: Sequence[float], begin: float, end: float) -> _Axis:
        lowest, highest = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        return cls(lowest, max(highest, lowest + 1), begin, end)

    def at(self, value: float) -> float:
        share = (math.log10(value) - self.lowest) / (self.highest - self.lowest)
        return self.begin + share * (self.end - self.begin)

    @property
    def ticks(self) -> list[float]:
        return [10.0**power for power in range(self.lowest, self.highest + 1)]


def svg(title: str, across: str, up: str, lines: Sequence[Series]) -> str:
    """Draw the lines."""
    x = _Axis.of([work for line in lines for work, _ in line.points], LEFT, WIDTH - RIGHT)
    y = _Axis.of([cost for line in lines for _, cost in line.points], HEIGHT - BOTTOM, TOP)
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    turned = f"translate(18 {(y.begin + y.end) / 2:.0f}) rotate(-90)"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{LEFT}" y="24" font-size="15">{escape(title)}</text>',
        *_grid(x, y),
        f'<text x="{(x.begin + x.end) / 2:.0f}" y="{HEIGHT - 12}" text-anchor="middle">{escape(across)}</text>',
        f'<text transform="{turned}" text-anchor="middle">{escape(up)}</text>',
        *_lines(lines, x, y),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _grid(x: _Axis, y: _Axis) -> Iterator[str]:
    for tick in x.ticks:
        at = f"{x.at(tick):.1f}"
        yield f'<line x1="{at}" x2="{at}" y1="{y.begin}" y2="{y.end}" stroke="#ddd"/>'
        yield f'<text x="{at}" y="{y.begin + 18}" text-anchor="middle">{tick:,.10g}</text>'
    for tick in y.ticks:
        at = f"{y.at(tick):.1f}"
        yield f'<line x1="{x.begin}" x2="{x.end}" y1="{at}" y2="{at}" stroke="#ddd"/>'
        yield f'<text x="{x.begin - 6}" y="{y.at(tick) + 4:.1f}" text-anchor="end">{tick:,.10g}</text>'


def _lines(lines: Sequence[Series], x: _Axis, y: _Axis) -> Iterator[str]:
    names: list[tuple[float, str, str]] = []
    for number, line in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        points = [(x.at(work), y.at(cost)) for work, cost in line.points]
        path = " ".join(f"{across:.1f},{up:.1f}" for across, up in points)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for across, up in points:
            yield f'<circle cx="{across:.1f}" cy="{up:.1f}" r="3.5" fill="{colour}"/>'
        names.append((points[-1][1], line.name, colour))
    below = -math.inf
    for up, name, colour in sorted(names):  # names that would lie upon each other are moved down
        below = max(up + 4, below + LINE_HEIGHT)
        yield f'<text x="{x.end + 12}" y="{below:.1f}" fill="{colour}">{escape(name)}</text>'
