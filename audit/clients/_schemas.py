"""JSON schemas between providers: what one enforces, another may refuse.

OpenAI enforces a schema only where every object is closed and every field required. Anthropic enforces schemas of
closed objects without limits on numbers, lengths and the like (its SDK's `transform_schema` rewrites them so too).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_TOLD = (
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern",
    "maxItems", "uniqueItems", "minProperties", "maxProperties", "patternProperties", "propertyNames", "contains",
)  # fmt: skip
_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid")
_NAMED = ("properties", "$defs", "definitions")
_LISTED = ("anyOf", "oneOf", "allOf")


def fully_required(schema: object) -> bool:
    """Whether OpenAI can enforce a schema: each object takes no other fields and requires its own."""
    for each in _objects(schema):
        fields = each.get("properties")
        fields = fields if isinstance(fields, Mapping) else {}
        required = each.get("required")
        if each.get("additionalProperties") is not False:
            return False
        if not set(fields) <= set(required if isinstance(required, list) else ()):
            return False
    return True


def _objects(schema: object) -> Iterator[Mapping[str, Any]]:
    if not isinstance(schema, Mapping):
        return
    kind = schema.get("type")
    if kind == "object" or (isinstance(kind, list) and "object" in kind) or "properties" in schema:
        yield schema
    for inner in _inner(schema):
        yield from _objects(inner)


def _inner(schema: Mapping[str, Any]) -> Iterator[object]:
    for key in _NAMED:
        if isinstance(schema.get(key), Mapping):
            yield from schema[key].values()
    for key in _LISTED:
        if isinstance(schema.get(key), list):
            yield from schema[key]
    yield schema.get("items")


def closed(schema: Mapping[str, Any], lossy: list[str]) -> dict[str, Any]:
    """The schema as Anthropic enforces it: objects are closed, limits are told in descriptions; both are noted."""
    lost: set[str] = set()
    made: dict[str, Any] = _closed(schema, lost)
    if "additionalProperties" in lost:
        lossy.append("objects of the JSON schema take no other fields in this API")
    if limits := sorted(lost - {"additionalProperties"}):
        lossy.append(f"limits of the JSON schema are told and not enforced in this API: {', '.join(limits)}")
    return made


def _closed(schema: Any, lost: set[str]) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    made = _told(schema, lost)
    for key in _NAMED:
        if isinstance(made.get(key), Mapping):
            made[key] = {name: _closed(each, lost) for name, each in made[key].items()}
    for key in _LISTED:
        if isinstance(made.get(key), list):
            made[key] = [_closed(each, lost) for each in made[key]]
    if "items" in made:
        made["items"] = _closed(made["items"], lost)
    if made.get("type") == "object" or "properties" in made:
        if made.get("additionalProperties") is not False:
            lost.add("additionalProperties")
        made["additionalProperties"] = False
    return made


def _told(schema: Mapping[str, Any], lost: set[str]) -> dict[str, Any]:
    """The schema with what is not enforced moved into its description."""
    made = dict(schema)
    told = [key for key in _TOLD if key in made]
    if isinstance(made.get("minItems"), int) and made["minItems"] > 1:
        told.append("minItems")
    if "format" in made and made["format"] not in _FORMATS:
        told.append("format")
    if told:
        words = ", ".join(f"{key}: {made.pop(key)}" for key in told)
        made["description"] = f"{made['description']} ({words})" if made.get("description") else f"({words})"
        lost.update(told)
    return made
