"""The layout of a dashboard as a picture: where each panel lies, what it is called, and when it turns red.

Input: a dashboard's JSON. Output: an SVG that is read on light and on dark ground. State: none.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from shown import Shown, panels_of

#: Pixels of one of Grafana's columns and rows, between two panels, and inside a panel.
_COLUMN: Final = 40
_ROW: Final = 18
_GAP: Final = 8
_INSIDE: Final = 10
_WIDTH: Final = 24 * _COLUMN
_LETTER: Final = 7.2
_LINE: Final = 16
_CHIP: Final = 16
_COLOURS: Final = {"green": "#7cc47f", "yellow": "#f2dc6d", "orange": "#f7a95b", "red": "#f08478"}
_LINES: Final = ("#5b8ff9", "#e8a33d", "#42a981", "#b07cd8")
# The picture has a ground of its own: a page may be dark where the reader's system is not.
_STYLE: Final = """\
.ground{fill:#eef1f4}.panel{fill:#fff;stroke:#c5cdd5}.axis{stroke:#c5cdd5;fill:none}
text{font-family:system-ui,sans-serif;font-size:13px;fill:#1c2733}
.title{font-weight:600}.small{font-size:11px;fill:#52606d}.sign{font-size:22px;fill:#8a97a5}
.chip{font-size:11px;fill:#1c2733}.limit{stroke:#d64533;stroke-dasharray:6 4}.at{font-size:11px;fill:#d64533}
@media (prefers-color-scheme:dark){
.ground{fill:#15191e}.panel{fill:#20262d;stroke:#3a444e}.axis{stroke:#4a5560}
text{fill:#e4e9ee}.small{fill:#a8b3bf}.chip{fill:#1c2733}.limit{stroke:#ff8073}.at{fill:#ff8073}}"""


def picture(board: Mapping[str, Any]) -> str:
    """The SVG, with the title as its name for who cannot see it."""
    panels = panels_of(board)
    height = max(panel.y + panel.h for panel in panels) * _ROW + _GAP
    drawn = "\n".join(line for panel in panels for line in _panel(panel))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH + _GAP} {height}" role="img">\n'
        f"<title>{escape(board['title'])}</title>\n<style>{_STYLE}</style>\n"
        f'<rect class="ground" width="{_WIDTH + _GAP}" height="{height}"/>\n{drawn}\n</svg>\n'
    )


def _panel(panel: Shown) -> Iterator[str]:
    left, top = panel.x * _COLUMN + _GAP, panel.y * _ROW + _GAP
    width, height = panel.w * _COLUMN - _GAP, panel.h * _ROW - _GAP
    yield f'<g transform="translate({left} {top})"><title>{escape(panel.says)}</title>'
    yield f'<rect class="panel" width="{width}" height="{height}" rx="4"/>'
    titles = textwrap.wrap(panel.title, int((width - 2 * _INSIDE) / _LETTER))
    for number, line in enumerate(titles, start=1):
        yield f'<text class="title" x="{_INSIDE}" y="{_INSIDE // 2 + number * _LINE}">{escape(line)}</text>'
    under = _INSIDE + len(titles) * _LINE
    yield from (_number if panel.is_number else _axes)(panel, width, height, under)
    yield "</g>"


def _number(panel: Shown, width: int, height: int, under: int) -> Iterator[str]:
    """A sign that stands for the number, and a strip of its colours, each with the value it begins at."""
    floor = height - _INSIDE - (_CHIP if panel.steps else 0)
    sign = "#" + panel.amount(0).removeprefix("0")
    yield f'<text class="sign" x="{width / 2:g}" y="{(under + floor) / 2 + 8:g}" text-anchor="middle">{sign}</text>'
    if not panel.steps:
        return
    chips = [(0.0, "green"), *panel.steps]
    wide = (width - 2 * _INSIDE) / len(chips)
    for number, (value, colour) in enumerate(chips):
        x, middle = _INSIDE + number * wide, _INSIDE + (number + 0.5) * wide
        yield f'<rect x="{x:g}" y="{floor}" width="{wide:g}" height="{_CHIP}" fill="{_COLOURS[colour]}"/>'
        yield f'<text class="chip" x="{middle:g}" y="{floor + 12}" text-anchor="middle">{panel.amount(value)}</text>'


def _axes(panel: Shown, width: int, height: int, under: int) -> Iterator[str]:
    """Axes without lines, for there is no data; where the limit lies, and what the lines are called."""
    floor, right = height - _INSIDE - _LINE, width - _INSIDE
    yield f'<path class="axis" d="M{_INSIDE} {under}V{floor}H{right}"/>'
    if panel.steps:
        ((limit, _),) = panel.steps
        y = under + 12
        yield f'<path class="limit" d="M{_INSIDE} {y}H{right}"/>'
        yield f'<text class="at" x="{right}" y="{y - 4}" text-anchor="end">{panel.amount(limit)}</text>'
    x = float(_INSIDE)
    for number, legend in enumerate(panel.legends):
        yield f'<rect x="{x:g}" y="{height - 18}" width="12" height="3" fill="{_LINES[number]}"/>'
        yield f'<text class="small" x="{x + 17:g}" y="{height - 12}">{escape(legend)}</text>'
        x += 32 + len(legend) * 6
