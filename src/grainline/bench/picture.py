"""A picture of quality against cost: lines of points, as SVG written by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from math import ceil, floor, log10

Point = tuple[float, float]
WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, TOP, BOTTOM = 64, 110, 44, 52
#: told apart also by those who see few colours (Okabe and Ito)
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")


def plot(series: Mapping[str, Sequence[Point]], title: str, across: str, up: str) -> str:
    """An SVG of each series as a line with its name: `across` is a cost, above 0, on a logarithmic scale, `up` a share up to 1."""
    points = [point for line in series.values() for point in line]
    low, high = floor(log10(min(x for x, _ in points))), ceil(log10(max(x for x, _ in points)))
    high = max(high, low + 1)
    bottom = min(0.9, floor(min(y for _, y in points) * 10) / 10)

    def at(point: Point) -> Point:
        """Where a point stands in the picture."""
        x = LEFT + (log10(point[0]) - low) / (high - low) * (WIDTH - LEFT - RIGHT)
        return round(x, 1), round(HEIGHT - BOTTOM - (point[1] - bottom) / (1 - bottom) * (HEIGHT - TOP - BOTTOM), 1)

    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(LEFT, 24, title, 'font-size="15"'),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, across, 'text-anchor="middle"'),
        _text(
            16,
            (TOP + HEIGHT - BOTTOM) / 2,
            up,
            f'text-anchor="middle" transform="rotate(-90 16 {(TOP + HEIGHT - BOTTOM) / 2})"',
        ),
    ]
    for power in range(low, high + 1):
        x, y = at((10.0**power, bottom))
        drawn.append(f'<line x1="{x}" y1="{y}" x2="{x}" y2="{TOP}" stroke="#ddd"/>')
        drawn.append(_text(x, y + 18, f"{10.0**power:g}", 'text-anchor="middle"'))
    for tick in range(6):
        share = bottom + (1 - bottom) * tick / 5
        x, y = at((10.0**low, share))
        drawn.append(f'<line x1="{x}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}" stroke="#ddd"/>')
        drawn.append(_text(x - 8, y + 4, f"{share:.2f}", 'text-anchor="end"'))
    labels = _apart({name: at(line[-1])[1] for name, line in series.items() if line})
    for (name, line), colour in zip(series.items(), _colours(), strict=False):
        if line:
            places = [at(point) for point in line]
            path = " ".join(f"{x},{y}" for x, y in places)
            drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
            drawn += [f'<circle cx="{x}" cy="{y}" r="4" fill="{colour}"/>' for x, y in places]
            x, y = places[-1][0], labels[name]
            drawn.append(
                f'<line x1="{x}" y1="{places[-1][1]}" x2="{WIDTH - RIGHT + 6}" y2="{y}" stroke="{colour}" opacity="0.3"/>'
            )
            drawn.append(_text(WIDTH - RIGHT + 10, y + 4, name, f'fill="{colour}"'))
    return "\n".join([*drawn, "</svg>", ""])


def _text(x: float, y: float, text: str, style: str) -> str:
    return f'<text x="{x}" y="{y}" {style}>{escape(text)}</text>'


def _colours() -> Iterator[str]:
    while True:
        yield from COLOURS


def _apart(heights: Mapping[str, float]) -> dict[str, float]:
    """Heights of names moved down where they would lie on each other."""
    placed: dict[str, float] = {}
    last = float("-inf")
    for name, height in sorted(heights.items(), key=lambda item: item[1]):
        placed[name] = last = max(height, last + 15)
    return placed
