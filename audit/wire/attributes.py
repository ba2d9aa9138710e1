"""Span attributes: from OTLP values, maps and dotted columns to one flat mapping, and from dotted keys to a tree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from audit.wire.text import maybe_json

Attributes = dict[str, Any]
"""Dotted names to values; missing values (None, NaN) are left out."""

_VALUE_KEYS = ("stringValue", "string_value", "boolValue", "bool_value", "doubleValue", "double_value")
_ANY_VALUE = frozenset(
    (
        *_VALUE_KEYS,
        *("intValue", "int_value", "arrayValue", "array_value", "kvlistValue", "kvlist_value"),
        *("bytesValue", "bytes_value"),
    )
)
_MAX_DEPTH = 24
_INDEXED = re.compile(r"_(\d+)(?:_|$)")
_NAMESPACES = (
    ("gen_ai_", "gen_ai."),
    ("llm_", "llm."),
    ("traceloop_association_properties_", "traceloop.association.properties."),
    ("traceloop_", "traceloop."),
    ("openinference_", "openinference."),
    ("embedding_", "embedding."),
)
_RENAMED_PREFIXES = tuple(old for old, _ in _NAMESPACES)


def any_value(value: Any, depth: int = 0) -> Any:
    """The plain value of an OTLP `AnyValue` object; anything that is not one comes back unchanged."""
    if type(value) is not dict or len(value) != 1 or depth > _MAX_DEPTH:
        return value
    ((kind, inner),) = value.items()
    if kind in ("stringValue", "string_value", "bytesValue", "bytes_value"):
        return inner
    if kind not in _ANY_VALUE:
        return value
    if kind in ("intValue", "int_value"):
        return _integer(inner)
    if kind in ("arrayValue", "array_value"):
        items = inner.get("values") if isinstance(inner, dict) else inner
        return [any_value(item, depth + 1) for item in items] if isinstance(items, list) else []
    if kind in ("kvlistValue", "kvlist_value"):
        items = inner.get("values") if isinstance(inner, dict) else inner
        return {key: any_value(item, depth + 1) for key, item in pairs(items)}
    return inner


def _integer(value: Any) -> Any:
    # 64-bit integers are decimal strings in OTLP JSON
    if type(value) is str:
        try:
            return int(value)
        except ValueError:
            return value
    return value


def pairs(items: Any) -> Iterable[tuple[str, Any]]:
    """(key, raw value) of a list of `{"key": …, "value": …}` objects, or of pairs as column stores write maps."""
    if not isinstance(items, list):
        return
    for item in items:
        if isinstance(item, dict):
            key, value = item.get("key"), item.get("value", item.get("vStr"))
        elif isinstance(item, list | tuple) and len(item) == 2:
            key, value = item
        else:
            continue
        if type(key) is str:
            yield key, value


def flat(source: Any) -> Attributes:
    """Attributes as one flat mapping of dotted names, from a list of OTLP pairs, a map, a nested map or its JSON text.

    Lists stay lists. Names whose dots an exporter turned into underscores get them back (`gen_ai_usage_input_tokens`).
    """
    source = maybe_json(source)
    found: Attributes = {}
    if isinstance(source, list):
        for key, value in pairs(source):
            _put(found, key, any_value(value))
    elif isinstance(source, Mapping):
        _flatten(source, "", found, 0)
    return _redotted(found)


def _flatten(source: Mapping[str, Any], prefix: str, found: Attributes, depth: int) -> None:
    for key, value in source.items():
        name = f"{prefix}{key}"
        value = any_value(value)
        if isinstance(value, dict) and value and depth < _MAX_DEPTH and not _is_opaque(name):
            _flatten(value, f"{name}.", found, depth + 1)
        else:
            _put(found, name, value)


def _is_opaque(name: str) -> bool:
    # message objects and parameter sets are values of their own, not namespaces
    return name.endswith((".messages", ".invocation_parameters", "json_schema", ".instructions")) or name == "metadata"


def _put(found: Attributes, name: str, value: Any) -> None:
    if value is not None and value == value:  # NaN is how data frames write "missing"
        found[name] = value


def _redotted(found: Attributes) -> Attributes:
    if not any(key.startswith(_RENAMED_PREFIXES) for key in found):
        return found
    return {_dotted(key) if key.startswith(_RENAMED_PREFIXES) else key: value for key, value in found.items()}


def _dotted(key: str) -> str:
    known = _KNOWN_BY_UNDERSCORE.get(key)
    if known is not None:
        return known
    for old, new in _NAMESPACES:
        if key.startswith(old):
            return new + _INDEXED.sub(r".\1.", key[len(old) :]).rstrip(".")
    return key


_KNOWN = (
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.system",
    "gen_ai.agent.name",
    "gen_ai.conversation.id",
    "gen_ai.system_instructions",
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.output.type",
    "gen_ai.tool.definitions",
    "gen_ai.tool.name",
    "gen_ai.is_streaming",
    "gen_ai.user",
    "gen_ai.request.model",
    "gen_ai.request.max_tokens",
    "gen_ai.request.temperature",
    "gen_ai.request.top_p",
    "gen_ai.request.top_k",
    "gen_ai.request.stream",
    "gen_ai.request.seed",
    "gen_ai.request.frequency_penalty",
    "gen_ai.request.presence_penalty",
    "gen_ai.request.stop_sequences",
    "gen_ai.request.choice.count",
    "gen_ai.response.id",
    "gen_ai.response.model",
    "gen_ai.response.finish_reasons",
    "gen_ai.response.time_to_first_chunk",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.prompt_tokens",
    "gen_ai.usage.completion_tokens",
    "gen_ai.usage.total_tokens",
    "gen_ai.usage.reasoning_tokens",
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cost",
    "llm.request.type",
    "llm.is_streaming",
    "llm.usage.total_tokens",
    "llm.model_name",
    "llm.provider",
    "llm.system",
    "llm.invocation_parameters",
    "llm.input_messages",
    "llm.output_messages",
    "llm.token_count.prompt",
    "llm.token_count.completion",
    "llm.token_count.total",
    "llm.token_count.prompt_details.cache_read",
    "llm.token_count.prompt_details.cache_write",
    "llm.token_count.prompt_details.cache_input",
    "llm.token_count.prompt_details.audio",
    "llm.token_count.completion_details.reasoning",
    "llm.token_count.completion_details.audio",
    "llm.cost.total",
    "embedding.model_name",
    "openinference.span.kind",
    "traceloop.span.kind",
    "traceloop.workflow.name",
    "traceloop.entity.name",
    "traceloop.entity.path",
)
_KNOWN_BY_UNDERSCORE = {name.replace(".", "_"): name for name in _KNOWN}


def subtree(attributes: Mapping[str, Any], prefix: str) -> Any:
    """What stands under `prefix`: the value itself (JSON text decoded), or a tree built from indexed keys.

    `a.0.b.c` becomes `[{"b": {"c": …}}]`; missing numbers close up. None when nothing is there.
    """
    value = attributes.get(prefix)
    if value is not None:
        return maybe_json(value)
    start = prefix + "."
    tree: dict[str, Any] = {}
    for key, item in attributes.items():
        if key.startswith(start):
            _insert(tree, key[len(start) :].split("."), item)
    return _listed(tree) if tree else None


def nested(value: Any, names: frozenset[str], depth: int = 0) -> Any:
    """Dotted keys inside maps and lists made nested, where their first step is one of `names`."""
    if depth > _MAX_DEPTH:
        return value
    if isinstance(value, list):
        return [nested(item, names, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    tree: dict[str, Any] = {}
    for key, item in value.items():
        path = key.split(".") if type(key) is str else [key]
        if len(path) > 1 and path[0] in names:
            _insert(tree, path, nested(item, names, depth + 1))
        else:
            tree[key] = nested(item, names, depth + 1)
    return _listed(tree)


def _insert(tree: dict[str, Any], path: list[str], value: Any) -> None:
    for step in path[:-1]:
        inner = tree.get(step)
        if not isinstance(inner, dict):
            inner = tree[step] = {}
        tree = inner
    tree[path[-1]] = value


def _listed(tree: dict[str, Any]) -> Any:
    """`tree` with every map whose keys are all numbers as a list, in their order."""
    for key, item in tree.items():
        if type(item) is dict:
            tree[key] = _listed(item)
    if tree and all(type(key) is str and key.isdecimal() for key in tree):
        return [tree[key] for key in sorted(tree, key=int)]
    return tree
