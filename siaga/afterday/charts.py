"""Charts as inline SVG. Pure: numbers in, markup out; nothing that comes from outside stands in it unescaped.

Colours are classes (``s1`` to ``s5`` are the severities), so that the page's style decides them on screen and paper.
Lengths are SVG units; the page scales them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

#: Writes a number as the reader's language does.
Number = Callable[[int], str]
#: The least share of a bar's length at which its number is written into it.
_ROOM: Final = 0.055


@dataclass(frozen=True, slots=True)
class Span:
    """One bar of the timeline: from ``start`` to ``end`` (epoch seconds), taken at ``taken``."""

    severity: int
    start: float
    taken: float | None
    end: float
    open: bool
    label: str


def severity_bar(counts: Sequence[int], label: str, number: Number, *, width: int = 700) -> Markup:
    """One bar whose parts are the severities, each with its number where there is room."""
    total = sum(counts)
    if total == 0:
        return Markup("")
    parts, x = [], 0.0
    for severity, count in enumerate(counts, 1):
        if count == 0:
            continue
        part = width * count / total
        parts.append(_rect(x, 0, part, 30, f"s{severity}"))
        if count / total >= _ROOM:
            parts.append(_text(x + part / 2, 20, number(count), f"on{severity} mid"))
        x += part
    return _svg(width, 30, label, parts)


def bars(
    lines: Sequence[tuple[str, Sequence[int]]], label: str, number: Number, *, width: int = 300, name: int = 104
) -> Markup:
    """Horizontal bars of severities, one a line, each with its sum."""
    if not lines:
        return Markup("")
    longest = max(sum(counts) for _, counts in lines) or 1
    room, step = width - name - 34, 17
    parts: list[Markup] = []
    for row, (said, counts) in enumerate(lines):
        y, x = row * step, float(name)
        parts.append(_text(name - 8, y + 12, _cut(said, 18), "end"))
        for severity, count in enumerate(counts, 1):
            part = room * count / longest
            if count:
                parts.append(_rect(x, y + 1, part, 13, f"s{severity}"))
                x += part
        parts.append(_text(x + 6, y + 12, number(sum(counts)), "strong"))
    return _svg(width, len(lines) * step, label, parts)


def columns(
    slots: Sequence[tuple[str, Sequence[int]]],
    label: str,
    number: Number,
    *,
    classes: Sequence[str],
    width: int = 700,
) -> Markup:
    """Columns over time, stacked; ``classes`` are those of the parts. Names are left out where they would touch."""
    if not slots:
        return Markup("")
    height, left, bottom = 130, 44, 20
    top = _nice(max(sum(counts) for _, counts in slots) or 1)
    step = (width - left) / len(slots)
    parts: list[Markup] = []
    for mark in _marks(top):
        y = height - bottom - (height - bottom - 8) * mark / top
        parts.append(Markup('<path class="grid" d="M{} {:.1f}H{}"/>').format(left, y, width))
        parts.append(_text(left - 6, y + 4, number(mark), "end soft"))
    every = math.ceil(46 / step)
    for index, (said, counts) in enumerate(slots):
        x, y = left + index * step, float(height - bottom)
        for css, count in zip(classes, counts, strict=False):
            part = (height - bottom - 8) * count / top
            if count:
                y -= part
                parts.append(_rect(x + step * 0.09, y, step * 0.82, part, css))
        if index % every == 0:
            parts.append(_text(x + step / 2, height - 5, said, "mid soft"))
    return _svg(width, height, label, parts)


def timeline(spans: Sequence[Span], label: str, clock: Callable[[float], str], *, width: int = 700) -> Markup:
    """Grave incidents over time: a pale bar until somebody took it, a full one until it was over."""
    if not spans:
        return Markup("")
    start, end = min(s.start for s in spans), max(s.end for s in spans)
    length = max(end - start, 1.0)
    left, right, row, top = 8, 8, 15, 20
    height = top + row * len(spans) + 4
    scale = (width - left - right) / length
    parts: list[Markup] = []
    for part in range(6):
        at = start + length * part / 5
        x = left + (at - start) * scale
        parts.append(Markup('<path class="grid" d="M{:.1f} {}V{}"/>').format(x, top - 4, height))
        parts.append(_text(x, 11, clock(at), f"soft {'mid' if 0 < part < 5 else 'end' if part else ''}"))
    for index, span in enumerate(spans):
        y = top + index * row
        x1, x3 = left + (span.start - start) * scale, left + (span.end - start) * scale
        x2 = x3 if span.taken is None else min(max(left + (span.taken - start) * scale, x1), x3)
        x3 = max(x3, x1 + 3)
        parts.append(_rect(x1, y, max(x2 - x1, 0), 9, f"s{span.severity} waiting"))
        parts.append(_rect(x2, y, max(x3 - x2, 1.5), 9, f"s{span.severity}"))
        if span.open:
            parts.append(Markup('<path class="s{} arrow" d="M{:.1f} {}l7 4.5-7 4.5z"/>').format(span.severity, x3, y))
        after = x3 + (12 if span.open else 5) if x3 < width * 0.62 else x1 - 5
        side = "" if x3 < width * 0.62 else "end"
        parts.append(_text(after, y + 8.5, _cut(span.label, 46), f"tiny {side}"))
    return _svg(width, height, label, parts)


def _nice(most: int) -> int:
    """The least round number that is not less."""
    size = int(10 ** math.floor(math.log10(most)))
    return next(factor * size for factor in (1, 2, 3, 4, 5, 6, 8, 10) if factor * size >= most)


def _marks(top: int) -> Iterator[int]:
    steps = next((n for n in (4, 5, 3, 2) if top % n == 0), 1)
    return (top * n // steps for n in range(steps + 1))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _rect(x: float, y: float, width: float, height: float, css: str) -> Markup:
    return Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
        css, x, y, width, height
    )


def _text(x: float, y: float, said: str, css: str) -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>').format(css, x, y, said)


def _svg(width: float, height: float, label: str, parts: Sequence[Markup]) -> Markup:
    head = Markup('<svg viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}">').format(width, height, escape(label))
    return head + Markup("").join(parts) + Markup("</svg>")
