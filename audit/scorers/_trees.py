"""Compare JSON values: leaf-path F1, and equality that knows optional fields, unordered lists and free text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from audit.scorers._facts import differences
from audit.scorers._normalise import normalise, same_number, whole_date, whole_quantity, word_set

_ORDERED = word_set("steps ranking ranked sequence instructions plan path route timeline order")
_MONEY = ("price", "amount", "total", "cost", "tax", "fee", "balance", "subtotal", "usd", "eur")
_FREE_TEXT = word_set(
    "summary description reason reasoning rationale explanation comment comments note notes message text body content"
    " query question prompt subject title answer reply response analysis details q input"
)
_FREE_TEXT_WORDS = 6
_CONFIDENCE = word_set("confidence probability certainty likelihood confidence_score")
_MAX_GREEDY = 64


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf with its path; positions in lists are not part of it."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, f"{path}[]")
    else:
        yield path, value


def same_leaf(reference: Any, candidate: Any, key: str = "") -> bool:
    """Equality of two leaves: text normalised, numbers within tolerance, dates and amounts by their value."""
    if isinstance(reference, bool) or isinstance(candidate, bool):
        return reference is candidate
    if isinstance(reference, int | float) and isinstance(candidate, int | float):
        if same_number(reference, candidate):
            return True
        money = any(part in _MONEY for part in key.casefold().replace("-", "_").split("_"))
        return money and abs(reference - candidate) < 0.005
    if isinstance(reference, str) and isinstance(candidate, str):
        return same_text(reference, candidate)
    return type(reference) is type(candidate) and bool(reference == candidate)


def same_text(reference: str, candidate: str) -> bool:
    """Whether two texts are the same string, quantity or day once normalised."""
    if reference == candidate or normalise(reference) == normalise(candidate):
        return True
    if not (any(map(str.isdigit, reference)) and any(map(str.isdigit, candidate))):
        return False
    left, right = whole_quantity(reference), whole_quantity(candidate)
    if left and right:
        return left.unit == right.unit and same_number(left.value, right.value)
    day = whole_date(reference)
    return day is not None and day == whole_date(candidate)


@dataclass(frozen=True, slots=True)
class LeafMatch:
    """How many leaves of two values agree; lists are multisets."""

    shared: int
    candidate: int
    reference: int

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 1 for two empty values."""
        total = self.candidate + self.reference
        return 2 * self.shared / total if total else 1.0


def leaf_match(reference: Any, candidate: Any) -> LeafMatch:
    """Leaf-path agreement of two JSON values; a null only the candidate has is not counted."""
    ours: dict[str, list[Any]] = {}
    for path, value in leaves(reference):
        ours.setdefault(path, []).append(value)
    wanted = sum(map(len, ours.values()))
    shared = given = 0
    left = {path: list(values) for path, values in ours.items()}
    for path, value in leaves(candidate):
        if value is None and path not in ours:
            continue
        given += 1
        at = _index(left.get(path, []), value, path.rsplit("/", 1)[-1].rstrip("[]"))
        if at is not None:
            del left[path][at]
            shared += 1
    return LeafMatch(shared, given, wanted)


def _index(values: list[Any], value: Any, key: str) -> int | None:
    return next((at for at, other in enumerate(values) if same_leaf(other, value, key)), None)


def partial(f1: float, wrong: int, total: int) -> float:
    """F1 lowered to the share of right fields: values swapped between the items of a list leave F1 at 1."""
    return min(f1, max(0.0, 1 - wrong / max(1, total)))


@dataclass(slots=True)
class Difference:
    """Where two values differ: `wrong` surely, `free_text` only in wording.

    `extra` are fields the reference lacks, `missing` optional ones the candidate lacks; defaults and empty values are
    in neither. `values` are the reference's where single values differ surely.
    """

    wrong: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    free_text: list[str] = field(default_factory=list)
    facts: bool = False
    extra: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def difference(reference: Any, candidate: Any, schema: Mapping[str, Any] | None = None) -> Difference:
    """Compare two JSON values item by item; fields the schema does not require may be absent from either."""
    found = Difference()
    _compare(reference, candidate, schema or {}, "", found)
    return found


def _compare(reference: Any, candidate: Any, schema: Mapping[str, Any], path: str, found: Difference) -> None:
    key = path.rsplit("/", 1)[-1].rstrip("[]").casefold()
    if isinstance(reference, Mapping) and isinstance(candidate, Mapping):
        _compare_objects(reference, candidate, schema, path, found)
    elif isinstance(reference, list) and isinstance(candidate, list):
        _compare_lists(reference, candidate, schema, path, key, found)
    elif same_leaf(reference, candidate, key) or _both_confident(key, reference, candidate):
        return
    elif isinstance(reference, str) and isinstance(candidate, str) and _is_free_text(key, reference, candidate, schema):
        found.free_text.append(path or "/")
        found.facts = found.facts or bool(differences(reference, candidate))
    else:
        found.wrong.append(path or "/")
        found.values.append(reference)


def _compare_objects(
    reference: Mapping[str, Any], candidate: Mapping[str, Any], schema: Mapping[str, Any], path: str, found: Difference
) -> None:
    properties = schema.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    for key, value in reference.items():
        here = f"{path}/{key}"
        if key in candidate:
            inner = properties.get(key)
            _compare(value, candidate[key], inner if isinstance(inner, Mapping) else {}, here, found)
        elif not properties or key not in properties or key in _required(schema):
            found.wrong.append(here)
        elif value not in (None, "", [], {}) and not _is_default(properties.get(key), value):
            found.missing.append(here)
    for key, value in candidate.items():
        if key not in reference and value is not None and not _is_default(properties.get(key), value):
            found.extra.append(f"{path}/{key}")


def _required(schema: Mapping[str, Any]) -> list[str]:
    required = schema.get("required")
    return required if isinstance(required, list) else []


def _is_default(schema: Any, value: Any) -> bool:
    return isinstance(schema, Mapping) and "default" in schema and same_leaf(schema["default"], value)


def _compare_lists(
    reference: list[Any], candidate: list[Any], schema: Mapping[str, Any], path: str, key: str, found: Difference
) -> None:
    """Match the items of two lists; unordered unless the field's name says that order is its meaning."""
    items = schema.get("items")
    items = items if isinstance(items, Mapping) else {}
    if len(reference) != len(candidate):
        found.wrong.append(path or "/")
        return
    if key in _ORDERED or len(reference) > _MAX_GREEDY:
        pairs: Iterator[tuple[Any, Any]] = zip(reference, candidate, strict=True)
    else:
        pairs = _matched(reference, list(candidate), items, path)
    for ours, theirs in pairs:
        _compare(ours, theirs, items, f"{path}[]", found)


def _matched(
    reference: list[Any], candidate: list[Any], schema: Mapping[str, Any], path: str
) -> Iterator[tuple[Any, Any]]:
    """Pair each item with its best partner: an equal one first, then one that differs only in wording."""
    waiting = []
    for ours in reference:
        at = next((at for at, theirs in enumerate(candidate) if _grade(ours, theirs, schema, path) == 0), None)
        if at is None:
            waiting.append(ours)
        else:
            candidate.pop(at)
    for ours in waiting:
        at = min(range(len(candidate)), key=lambda at: _grade(ours, candidate[at], schema, path))
        yield ours, candidate.pop(at)


def _grade(ours: Any, theirs: Any, schema: Mapping[str, Any], path: str) -> float:
    found = Difference()
    _compare(ours, theirs, schema, f"{path}[]", found)
    return len(found.wrong) + 0.01 * len(found.free_text) + 0.1 * len(found.extra)


def _both_confident(key: str, reference: Any, candidate: Any) -> bool:
    """A model's own confidence is no part of its answer."""
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (reference, candidate))
    return numbers and key in _CONFIDENCE


def _is_free_text(key: str, reference: str, candidate: str, schema: Mapping[str, Any]) -> bool:
    """Whether a string is wording rather than a value; an enum or a constant never is."""
    if "enum" in schema or "const" in schema or "format" in schema:
        return False
    if not candidate.strip():
        return False
    longest = max(len(reference.split()), len(candidate.split()))
    return longest >= (2 if key in _FREE_TEXT else _FREE_TEXT_WORDS)


def same_multiset(reference: list[str], candidate: list[str]) -> bool:
    """Whether two lists hold the same names equally often."""
    return Counter(reference) == Counter(candidate)
