"""The tables as a drawing: layers from left to right, each table under what it depends on.  Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from pipeline.database.diagram import depths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.database.diagram import Reference, Table

_CHAR, _LINE, _PAD, _GAP_X, _GAP_Y = 6.6, 16, 8, 70, 22
_COLOURS = {
    "lab": "#dbeafe",
    "experiment": "#dcfce7",
    "ephys": "#fef3c7",
    "tracking": "#fae8ff",
    "publication": "#fee2e2",
}
_ROUNDS = 8


@dataclass(slots=True)
class _Box:
    table: Table
    lines: list[tuple[str, bool]]
    column: int
    x: float = 0.0
    y: float = 0.0

    @property
    def width(self) -> float:
        return 2 * _PAD + _CHAR * max(len(self.table.name) + 1, *(len(text) for text, _ in self.lines), 8)

    @property
    def height(self) -> float:
        return 2 * _PAD + _LINE * (1 + len(self.lines))


def draw(tables: Sequence[Table]) -> str:
    """Return an SVG document of the tables and their foreign keys."""
    boxes = _placed(tables)
    width = max(box.x + box.width for box in boxes.values()) + _GAP_Y
    height = max(box.y + box.height for box in boxes.values()) + _GAP_Y
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="11">'
    )
    parts = [
        head,
        "<title>Tables of mapshell</title>",
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
    ]
    parts += [
        _edge(boxes[reference.to], box, reference) for box in boxes.values() for reference in box.table.references
    ]
    parts += [_drawn(box) for box in boxes.values()]
    return "\n".join([*parts, "</svg>", ""])


def _placed(tables: Sequence[Table]) -> dict[str, _Box]:
    columns = depths(tables)
    alone = {table.name for table in tables} - {name for table in tables for name in _tied(table)}
    columns |= dict.fromkeys(alone, max(columns.values()))
    boxes = {table.name: _Box(table, _lines(table), columns[table.name]) for table in tables}
    layers = [[box for box in boxes.values() if box.column == n] for n in range(max(columns.values()) + 1)]
    rank = {box.table.name: float(i) for layer in layers for i, box in enumerate(layer)}
    children: dict[str, list[str]] = {name: [] for name in boxes}
    for box in boxes.values():
        for reference in box.table.references:
            children[reference.to].append(box.table.name)
    # Each table moves to the middle of its neighbours, a few times: edges cross less.
    for turn in range(_ROUNDS):
        for layer in layers if turn % 2 == 0 else reversed(layers):

            def middle(box: _Box, rank: dict[str, float] = rank) -> tuple[float, str]:
                near = [reference.to for reference in box.table.references] + children[box.table.name]
                places = [rank[name] for name in near] or [rank[box.table.name]]
                return (sum(places) / len(places), box.table.schema)

            layer.sort(key=middle)
            rank |= {box.table.name: float(i) for i, box in enumerate(layer)}
    tallest = max(sum(box.height + _GAP_Y for box in layer) for layer in layers)
    x = float(_GAP_Y)
    for layer in layers:
        y = _GAP_Y + (tallest - sum(box.height + _GAP_Y for box in layer)) / 2
        for box in layer:
            box.x, box.y = x, y
            y += box.height + _GAP_Y
        x += max(box.width for box in layer) + _GAP_X
    return boxes


def _tied(table: Table) -> set[str]:
    """Return the tables at both ends of a table's references."""
    return {reference.to for reference in table.references} | ({table.name} if table.references else set())


def _lines(table: Table) -> list[tuple[str, bool]]:
    keys = [(f"→ {each.to}", True) for each in table.references if each.key]
    keys += [(each.name, True) for each in table.attributes if each.key]
    rest = [(f"→ {each.to}{' ?' if each.nullable else ''}", False) for each in table.references if not each.key]
    rest += [(each.name, False) for each in table.attributes if not each.key]
    return keys + rest


def _drawn(box: _Box) -> str:
    fill = _COLOURS.get(box.table.schema, "#f3f4f6")
    rows = [
        f"<g><title>{escape(box.table.comment)}</title>",
        _rectangle(box, box.height, "#ffffff"),
        _rectangle(box, _LINE + _PAD, fill),
        f'<text x="{box.x + _PAD:.1f}" y="{box.y + _LINE:.1f}" font-weight="bold">{escape(box.table.name)}</text>',
    ]
    for number, (text, key) in enumerate(box.lines, 2):
        style = ' font-weight="bold"' if key else ' fill="#334155"'
        y = box.y + _LINE * number + _PAD / 2
        rows.append(f'<text x="{box.x + _PAD:.1f}" y="{y:.1f}"{style}>{escape(text)}</text>')
    return "\n".join([*rows, "</g>"])


def _rectangle(box: _Box, height: float, fill: str) -> str:
    return (
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{height:.1f}" rx="4" '
        f'fill={quoteattr(fill)} stroke="#475569"/>'
    )


def _edge(start: _Box, end: _Box, reference: Reference) -> str:
    dashed = "" if reference.key else ' stroke-dasharray="4 3"'
    x1, y1 = start.x + start.width, start.y + (_LINE + _PAD) / 2
    x2, y2 = end.x, end.y + (_LINE + _PAD) / 2
    bend = (x2 - x1) / 2
    curve = f"M{x1:.1f},{y1:.1f} C{x1 + bend:.1f},{y1:.1f} {x2 - bend:.1f},{y2:.1f} {x2:.1f},{y2:.1f}"
    return f'<path d="{curve}" fill="none" stroke="#94a3b8"{dashed}/>'
