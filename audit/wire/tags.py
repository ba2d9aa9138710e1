"""Who caused a call and what for, from the metadata that logs carry beside it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from audit.call import Call
from audit.wire.columns import layout
from audit.wire.feedback import word_of
from audit.wire.secrets import is_secret_field, mark, unkeyed
from audit.wire.text import label, maybe_json, scalar

MAX_TAGS = 64
"""More distinct tags than this on one record are cut: they are data, not tags."""

_ROLES = (
    ("user", "user"),
    ("team", "team"),
    ("feature", "feature"),
    ("environment", "environment"),
    ("organization", "organization"),
    ("conversation", "conversation_id"),
    ("trace", "trace_id"),
    ("parent", "parent_id"),
    ("prompt_template", "prompt_template"),
    ("outcome", "outcome"),
)


_ENVIRONMENTS = frozenset({"prod", "production", "staging", "stage", "dev", "development", "test", "qa", "sandbox"})


def take(call: Call, fields: Mapping[str, Any]) -> None:
    """Fill user, team, feature, environment, conversation, trace, … of `call` from `fields` where still unset."""
    for attribute, keys in _told(tuple(fields)):
        if getattr(call, attribute) is None:
            for key in keys:
                value = word_of(fields[key]) if attribute == "outcome" else label(fields[key])
                if value is not None:
                    setattr(call, attribute, value)
                    break


@lru_cache(maxsize=4096)
def _told(keys: tuple[str, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The attributes of a call that fields of these keys tell, and the keys of each."""
    known = layout(keys)
    return tuple((attribute, known[role]) for role, attribute in _ROLES if role in known)


def tag(call: Call, metadata: Any, prefix: str = "") -> None:
    """Take the roles of `metadata`, and every scalar of it (nested keys dotted, lists by entry) into `call.tags`."""
    metadata = maybe_json(metadata)
    if isinstance(metadata, dict):
        if not prefix:
            take(call, metadata)
        _tag_all(call.tags, metadata, prefix, 0)
    elif isinstance(metadata, list):
        _tag_list(call, metadata)


def _tag_all(tags: dict[str, Any], fields: Mapping[str, Any], prefix: str, depth: int) -> None:
    for key, value in fields.items():
        if len(tags) >= MAX_TAGS:
            return
        name = f"{prefix}{key}"[:200]
        if isinstance(value, dict):
            if depth < 3:
                _tag_all(tags, value, name + ".", depth + 1)
        elif isinstance(value, list):
            texts = [str(item) for item in value if scalar(item) is not None]
            if texts and len(texts) == len(value):
                tags.setdefault(name, ",".join(unkeyed(each) for each in texts)[:500])
        else:
            found = scalar(value)
            if found is not None:
                tags.setdefault(name, mark(str(found)) if is_secret_field(name) else found)


def _tag_list(call: Call, entries: list[Any]) -> None:
    """Tags as a list: `team:support` and `team=support` entries are taken apart, `{key, value}` objects too."""
    fields: dict[str, Any] = {}
    for entry in entries[:MAX_TAGS]:
        if isinstance(entry, str):
            name, sign, value = entry.partition(":")
            if not sign:
                name, sign, value = entry.partition("=")
            fields[name.strip() if sign else entry] = value.strip() if sign else True
        elif isinstance(entry, dict) and isinstance(entry.get("key"), str):
            fields[entry["key"]] = entry.get("value")
    take(call, {key: value for key, value in fields.items() if value is not True})
    if call.environment is None:
        call.environment = next((key for key in fields if key.lower() in _ENVIRONMENTS), None)
    _tag_all(call.tags, fields, "", 0)
