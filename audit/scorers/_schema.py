"""Validity against a JSON schema that came out of a log: offline, and with patterns that can't run away."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import regex
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.exceptions import SchemaError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

_PATTERN_SECONDS = 0.05


def _pattern(validator: Validator, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """`pattern` with a time limit: both the pattern and the text come from outside."""
    del validator, schema
    if not isinstance(instance, str):
        return
    try:
        matches = regex.search(pattern, instance, timeout=_PATTERN_SECONDS) is not None
    except (TimeoutError, regex.error):
        return
    if not matches:
        yield ValidationError("does not match the pattern")


_Validator: type[Validator] = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": _pattern, "patternProperties": lambda *_: ()}
)


@lru_cache(maxsize=256)
def _compiled(text: str) -> Validator | None:
    schema = json.loads(text)
    try:
        _Validator.check_schema(schema)
    except (SchemaError, RecursionError):
        return None
    # an empty registry: a remote $ref is never fetched
    return _Validator(schema, registry=Registry())


def violation(schema: Mapping[str, Any], value: Any) -> str | None:
    """Where a value breaks a schema (field path and keyword), None when it keeps to it or the schema is unusable."""
    validator = _compiled(json.dumps(schema, sort_keys=True))
    if validator is None:
        return None
    try:
        first = next(iter(validator.iter_errors(value)), None)
    except (Unresolvable, RecursionError):
        return None
    if first is None:
        return None
    where = "/".join(str(part) for part in first.absolute_path) or "top level"
    return f"{first.validator or 'pattern'} at {where}"
