"""Render the gathered data as one HTML file: no scripts, no network, everything from a log escaped."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from audit import figures
from audit.measures import Measure, Topic
from audit.projection.coverage import FIELDS
from audit.reconciling import caveat
from audit.report import charts
from audit.report.data import ReportData
from audit.report.plain import next_steps, trust
from audit.summary import Summary, measures

_CHARTS = ("by_model", "by_team", "by_feature", "by_day", "model_mix_by_day")
_HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of text around."""


def render(data: ReportData) -> str:
    """The whole page."""
    environment = Environment(
        loader=PackageLoader("audit.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(figures=figures)
    environment.filters.update(
        money=figures.money,
        signed=figures.signed_money,
        money_range=figures.money_range,
        count=figures.count,
        things=figures.things,
        tokens=figures.tokens,
        share=figures.share,
        seconds=figures.seconds,
        minute=figures.minute,
        payback=figures.payback,
        day=figures.day,
        path=figures.path,
        marked=_marked,
        as_cell=figures.cell,
        from_json=json.loads,
    )
    page = environment.get_template("report.html.j2").render(_context(data))
    # a page is looked at in terminals, too
    return _HIDDEN.sub("\ufffd", page)


def _context(data: ReportData) -> dict[str, Any]:
    summary = data.summary
    return {
        "data": data,
        "summary": summary,
        "savings": data.savings,
        "style": files("audit.report").joinpath("templates/report.css").read_text(encoding="utf-8"),
        "bridge": charts.bridge(data.savings),
        "narrow_bridge": charts.bridge(data.savings, charts.NARROW),
        "by_day": charts.by_day(summary),
        "spend_bars": [
            (measure.title, charts.shares(summary.measures[measure.name]))
            for measure in measures()
            if measure.name in ("by_model", "by_workflow", "by_team", "by_feature") and summary.measures[measure.name]
        ],
        "tables": _tables(summary, "spend"),
        "calls": _tables(summary, "calls"),
        "trust": trust(data),
        "caveat": caveat(data.reconciliation),
        "next_steps": next_steps(data.savings),
        "fields": FIELDS,
        "percent": f"{100 * data.savings.level:.0f} %",
        "width": charts.WIDTH,
    }


def _marked(sentence: str) -> Markup:
    """A sentence with its `commands` set as such, everything else escaped."""
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else part for index, part in enumerate(sentence.split("`"))
    )


def _tables(summary: Summary, topic: Topic) -> list[tuple[Measure, list[dict[str, Any]]]]:
    """The measures of a chapter that found something and are no chart, with their rows."""
    return [
        (measure, summary.measures[measure.name])
        for measure in measures()
        if measure.topic == topic and measure.name not in _CHARTS and summary.measures[measure.name]
    ]
