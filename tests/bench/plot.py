"""A plot of cost against work, as a small SVG: both axes logarithmic, a line for each row, named at the right.

Colours that stand without a style sheet are those for a light page; who looks at it on a dark one gets others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WIDTH, HEIGHT = 820, 470
LEFT, RIGHT, TOP, BOTTOM = 84, 236, 78, 58
LABEL = 38
"""What the two lines of a name need, in height."""
COLOURS = (
    *(("#0067a3", "#56b4e9"), ("#b84a00", "#ff9d5c"), ("#00795a", "#3fd0a4"), ("#a8417c", "#e79ac4")),
    *(("#6b5b00", "#f0e442"), ("#5b4bb0", "#b3a6ff"), ("#4d4d4d", "#c4c4c4")),
)
"""Of each line, on a light and on a dark page; seven lines are told apart with any kind of sight."""
PAGE, INK, FAINT, GRID = ("#ffffff", "#16191d"), ("#1f2328", "#e6e8eb"), ("#59636e", "#9aa4af"), ("#e3e6ea", "#2e343b")
_UNITS = ((1000.0, "s"), (1.0, "ms"), (1e-3, "µs"), (1e-6, "ns"))


@dataclass(frozen=True)
class Series:
    """One line: points are (work, cost of each piece in ms), both more than 0; ``unit`` is what the pieces are."""

    name: str
    points: tuple[tuple[float, float], ...]
    unit: str = "pieces"


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


def svg(title: str, below: str, across: str, up: str, lines: Sequence[Series]) -> str:
    """Draw the lines; ``below`` stands under the title, ``across`` and ``up`` name the axes."""
    x = _Axis.of([work for line in lines for work, _ in line.points], LEFT, WIDTH - RIGHT)
    y = _Axis.of([cost for line in lines for _, cost in line.points], HEIGHT - BOTTOM, TOP)
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>@media (prefers-color-scheme: dark) {{ {_dark()} }}</style>",
        f'<rect class="page" width="100%" height="100%" rx="6" fill="{PAGE[0]}"/>',
        _text(20, 30, title, 'font-size="17" font-weight="600"'),
        _text(20, 50, below, colour="faint"),
        *_grid(x, y),
        _text((x.begin + x.end) / 2, HEIGHT - 16, across, 'text-anchor="middle"', "faint"),
        _text(
            0, 0, up, f'transform="translate(24 {(y.begin + y.end) / 2:.0f}) rotate(-90)" text-anchor="middle"', "faint"
        ),
        *_lines(lines, x, y),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def cost(milliseconds: float) -> str:
    """Return a time with two digits that count, in the unit that suits it."""
    size, unit = next((each for each in _UNITS if milliseconds >= each[0] * 0.9995), _UNITS[-1])
    value = milliseconds / size
    return f"{value:,.2g} {unit}" if value < 100 else f"{value:,.0f} {unit}"


def _dark() -> str:
    colours = {"page": PAGE, "ink": INK, "faint": FAINT}
    rules = [f".{name} {{ fill: {dark} }}" for name, (_, dark) in colours.items()]
    rules.append(f".grid {{ stroke: {GRID[1]} }}")
    for number, (_, dark) in enumerate(COLOURS):
        rules.append(f".line{number} {{ stroke: {dark} }} .fill{number} {{ fill: {dark} }}")
    return " ".join([*rules, f".dot {{ stroke: {PAGE[1]} }}"])


def _text(across: float, up: float, text: str, more: str = "", colour: str = "ink") -> str:
    fill = FAINT[0] if colour == "faint" else INK[0]
    return f'<text class="{colour}" x="{across:.1f}" y="{up:.1f}" fill="{fill}" {more}>{escape(text)}</text>'


def _grid(x: _Axis, y: _Axis) -> Iterator[str]:
    grid = f'class="grid" stroke="{GRID[0]}"'
    for tick in x.ticks:
        at = f"{x.at(tick):.1f}"
        yield f'<line {grid} x1="{at}" x2="{at}" y1="{y.begin}" y2="{y.end}"/>'
        yield _text(x.at(tick), y.begin + 18, f"{tick:,.10g}", 'text-anchor="middle"')
    for tick in y.ticks:
        at = f"{y.at(tick):.1f}"
        yield f'<line {grid} x1="{x.begin}" x2="{x.end}" y1="{at}" y2="{at}"/>'
        yield _text(x.begin - 8, y.at(tick) + 4, cost(tick), 'text-anchor="end"')


def _lines(lines: Sequence[Series], x: _Axis, y: _Axis) -> Iterator[str]:
    ends = [(x.at(line.points[-1][0]), y.at(line.points[-1][1])) for line in lines]
    beside = _apart([up for _, up in ends], TOP + 6, HEIGHT - BOTTOM - 10)
    for number, (across, up) in enumerate(ends):  # what leads to the names lies under all lines
        colour = _colour(number)
        leader = f"{across:.1f},{up:.1f} {x.end + 8:.1f},{up:.1f} {x.end + 22:.1f},{beside[number]:.1f}"
        yield (
            f'<polyline class="line{colour}" points="{leader}" fill="none" stroke="{COLOURS[colour][0]}" '
            'stroke-dasharray="1 3" stroke-linecap="round"/>'
        )
    for number, line in enumerate(lines):
        colour = _colour(number)
        light = COLOURS[colour][0]
        points = [(x.at(work), y.at(each)) for work, each in line.points]
        path = " ".join(f"{across:.1f},{up:.1f}" for across, up in points)
        yield (
            f'<polyline class="line{colour}" points="{path}" fill="none" stroke="{light}" stroke-width="2.25" '
            'stroke-linejoin="round" stroke-linecap="round"/>'
        )
        for (across, up), (work, each) in zip(points, line.points, strict=True):
            told = f"{line.name}: {cost(each)} for each of {work:,.10g} {line.unit}"
            yield (
                f'<circle class="fill{colour} dot" cx="{across:.1f}" cy="{up:.1f}" r="4.25" fill="{light}" '
                f'stroke="{PAGE[0]}" stroke-width="1.5"><title>{escape(told)}</title></circle>'
            )
        work, each = line.points[-1]
        at, up = x.end + 28, beside[number]
        named = f'<text class="fill{colour}" x="{at}" y="{up + 1:.1f}" fill="{light}" font-weight="600">'
        yield f"{named}{escape(line.name)}</text>"
        yield _text(at, up + 16, f"{cost(each)} for each of {work:,.10g} {line.unit}", 'font-size="11"', "faint")


def _colour(number: int) -> int:
    return number % len(COLOURS)


def _apart(wanted: Sequence[float], highest: float, lowest: float) -> list[float]:
    """Return where names stand that would lie upon each other: in the order of their lines, as near as can be."""
    order = sorted(range(len(wanted)), key=lambda number: wanted[number])
    found = dict.fromkeys(order, 0.0)
    above = highest - LABEL
    for number in order:
        found[number] = above = max(wanted[number], above + LABEL)
    below = max(lowest, highest + (len(order) - 1) * LABEL) + LABEL
    for number in reversed(order):
        found[number] = below = min(found[number], below - LABEL)
    return [found[number] for number in range(len(wanted))]
