"""Geometry of the report's charts: numbers in, positions out; the template draws them as inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from audit import figures
from audit.projection import Savings
from audit.summary import Summary

WIDTH = 960.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: rectangle, its label and value, and whether it is a total, a saving or what is left."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: str
    kind: str = "plain"
    note: str = ""
    text_y: float = 0.0


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of a bridge's rows stand: names and values beside the bars, or over them on a narrow page."""

    width: float
    row: float
    labels: float
    values: float
    text_y: float
    bar_y: float
    bar: float


WIDE = Layout(WIDTH, row=30, labels=230, values=110, text_y=20, bar_y=4, bar=22)
NARROW = Layout(350, row=42, labels=0, values=0, text_y=14, bar_y=21, bar=13)


@dataclass(frozen=True, slots=True)
class Bridge:
    """From today's spend over the levers' steps to what would remain, one row each, with the interval of the end."""

    bars: tuple[Bar, ...]
    width: float
    height: float
    label_width: float
    low: float
    high: float
    whisker_y: float
    whisker_text: str


@dataclass(frozen=True, slots=True)
class Columns:
    """One column per day, a scale of a few round values, and a label on some of the days."""

    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str], ...]
    labels: tuple[tuple[float, str], ...]
    height: float


def bridge(savings: Savings, layout: Layout = WIDE) -> Bridge | None:
    """The waterfall of the plan; None when nothing was spent."""
    if savings.baseline_pico <= 0:
        return None
    start = layout.labels
    scale = (layout.width - start - layout.values) / savings.baseline_pico
    left = savings.baseline_pico
    steps = [(0, left, "Today", figures.money(left), "total", "")]
    for lever in savings.levers:
        if not lever.attributed_pico:
            continue
        left -= lever.attributed_pico
        taken = f"−{figures.money(lever.attributed_pico)}"
        steps.append((left, lever.attributed_pico, lever.title, taken, "saving", f"class {lever.evidence}"))
    steps.append((0, left, "After the plan", figures.money(left), "after", ""))
    bars = tuple(
        Bar(
            round(start + at * scale, 1), place * layout.row + layout.bar_y, round(max(size * scale, 1.5), 1),
            layout.bar, label, value, kind, note, place * layout.row + layout.text_y,
        )
        for place, (at, size, label, value, kind, note) in enumerate(steps)
    )  # fmt: skip
    low, high = (savings.baseline_pico - bound for bound in reversed(savings.joint.interval_pico))
    return Bridge(
        bars=bars,
        width=layout.width,
        height=layout.row * len(bars) + 26,
        label_width=start,
        low=start + max(0.0, low * scale),
        high=start + min(float(savings.baseline_pico), high) * scale,
        whisker_y=bars[-1].y + layout.bar / 2,
        whisker_text=f"{100 * savings.level:.0f} % interval {figures.money_range((low, high))}",
    )


def by_day(summary: Summary) -> Columns | None:
    """Spend by day; None for fewer than two dated days."""
    rows = [row for row in summary.measures["by_day"] if row["key"] is not None]
    if len(rows) < 2:
        return None
    first, last = rows[0]["key"], rows[-1]["key"]
    days = last - first + 1
    top = _round_up(max(float(row["cost_pico"]) for row in rows)) or 1.0
    plot, gutter = 180.0, 70.0
    step = (WIDTH - gutter) / days
    bars = tuple(
        Bar(
            round(gutter + (row["key"] - first) * step + step * 0.1, 2),
            round(plot - float(row["cost_pico"]) / top * (plot - 10), 2),
            round(step * 0.8, 2), round(float(row["cost_pico"]) / top * (plot - 10), 2),
            figures.day(row["key"]), figures.money(row["cost_pico"]),
            "weekend" if (row["key"] + 3) % 7 >= 5 else "plain",
        )
        for row in rows
    )  # fmt: skip
    every = max(1, round(days / 8))
    labels = tuple(
        (round(gutter + (offset + 0.5) * step, 1), figures.day(first + offset)[5:]) for offset in range(0, days, every)
    )
    ticks = tuple((round(plot - part * (plot - 10), 1), figures.money(top * part)) for part in (0.0, 0.5, 1.0))
    return Columns(bars, ticks, labels, plot + 24)


def shares(rows: Sequence[dict[str, Any]], *, most: int = 8) -> tuple[Bar, ...]:
    """Horizontal bars of the dearest keys of a spend measure, the rest in one bar."""
    shown = [(str(row["key"]), row["cost_pico"], row["share"]) for row in rows[:most]]
    rest = rows[most:]
    if rest:
        shown.append(
            (f"{len(rest)} others", sum(row["cost_pico"] or 0 for row in rest), sum(r["share"] or 0.0 for r in rest))
        )
    largest = float(max((cost or 0 for _, cost, _ in shown), default=0)) or 1.0
    return tuple(
        Bar(
            0,
            0,
            round(100 * max(float(cost or 0), 0) / largest, 2),
            0,
            key,
            figures.money(cost),
            note=figures.share(part),
        )
        for key, cost, part in shown
    )


def _round_up(value: float) -> float:
    """The next value with at most two digits that reads well on a scale."""
    if value <= 0:
        return 0.0
    power = 10.0 ** (len(str(int(value))) - 1)
    return next(
        (factor * power for factor in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if factor * power >= value), 10 * power
    )
