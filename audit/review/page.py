"""One HTML file to rate answers with: opened from disk, it loads nothing and sends nothing."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from audit.review.items import Item
from audit.review.ratings import FORMAT


def page(drawn: Sequence[Item], review: str) -> str:
    """The whole page for one draw.

    Texts of the log travel as JSON and are only ever set as text; the one script that may run is named by its hash.
    """
    environment = Environment(loader=PackageLoader("audit.review"), autoescape=True, undefined=StrictUndefined)
    script = _part("review.js")
    return environment.get_template("review.html.j2").render(
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        style=Markup(_part("review.css")),
        data=Markup(_inert({"format": FORMAT, "review": review, "items": [asdict(each) for each in drawn]})),
        review=review,
    )


def _part(name: str) -> str:
    return files("audit.review").joinpath(f"templates/{name}").read_text(encoding="utf-8")


def _inert(data: object) -> str:
    """JSON that no HTML parser reads as markup."""
    text = json.dumps(data, ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
