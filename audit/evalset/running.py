"""An exported set against models: its prompts found in an audit file, and how each candidate did on them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.deciding import Unit, evidence
from audit.errors import ReadError
from audit.evalset.cases import FORMAT
from audit.hashes import set_name
from audit.store import Store
from audit.wire.text import read_json

_WORKFLOWS = "SELECT workflow_id, name, task_kind FROM workflow"
_PROMPTS = """
SELECT r.prompt_key, COALESCE(r.response_id, '') AS response_id, r.request_id FROM request AS r
WHERE r.status = 'billable' AND r.prompt_key IS NOT NULL ORDER BY r.request_id
"""


@dataclass(frozen=True, slots=True)
class Resolved:
    """The prompts of a set in an audit file, by key with the chance they had to be drawn; and names it lacks."""

    chances: Mapping[int, float]
    names: Mapping[int, str]
    missing: tuple[str, ...]


def resolve(store: Store, path: str | Path) -> Resolved:
    """Find the prompts of an exported set in an audit file: the one it came from, or one the set was ingested into.

    Raises ReadError where the file is no set, or none of its prompts is there.
    """
    entries = {entry["name"]: entry for entry in _entries(path)}
    if not entries:
        raise ReadError(f"{path}: no evaluation set ({FORMAT})", "write one with `audit evalset -o set.jsonl`")
    keys: dict[str, int] = {}
    for row in store.rows(_PROMPTS):
        for name in (set_name(row["prompt_key"]), row["response_id"]):
            if name in entries:
                keys.setdefault(name, row["prompt_key"])
    missing = tuple(sorted(set(entries) - set(keys)))
    if not keys:
        raise ReadError(
            f"{path}: none of its {len(entries)} prompts is in this audit file",
            f"make one of them: audit ingest --evalset {path} --db evalset.duckdb, and add --db evalset.duckdb here",
        )
    chances = {key: entries[name]["chance"] for name, key in keys.items()}
    return Resolved(chances, {key: name for name, key in keys.items()}, missing)


def _entries(path: str | Path) -> Iterator[dict[str, Any]]:
    try:
        with Path(path).open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield from _entry(line, f"{path}: line {number}")
    except OSError as error:
        raise ReadError(f"{path}: {error.strerror or error}", "name a file of `audit evalset`") from error
    except UnicodeDecodeError as error:
        raise ReadError(f"{path}: not UTF-8 ({error})", "name a file of `audit evalset`") from error


def _entry(line: str, place: str) -> Iterator[dict[str, Any]]:
    """The record of a line, with the `chance` its prompt had to be drawn; nothing where it is of no set."""
    try:
        entry = read_json(line).get("audit")
    except (ValueError, AttributeError) as error:
        raise ReadError(f"{place} is no record of a set", "export it again") from error
    if isinstance(entry, dict) and entry.get("format") == FORMAT and isinstance(entry.get("name"), str):
        weight, requests = entry.get("weight", 1.0), entry.get("requests", 1)
        if not all(isinstance(each, int | float) and 0 < each < math.inf for each in (weight, requests)):
            raise ReadError(f"{place}: weight and requests have to be numbers above 0", "export it again")
        yield entry | {"chance": min(1.0, requests / weight)}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one candidate did on the set, in one workflow; `failed` names the prompts it answered unacceptably."""

    workflow: str
    task_kind: str
    model: str
    n: int
    acceptable: int
    undecided: int
    failed: tuple[str, ...]

    @property
    def failed_share(self) -> float:
        """Share of the prompts answered unacceptably, or not at all."""
        return len(self.failed) / self.n if self.n else 0.0


def outcomes(store: Store, names: Mapping[int, str], models: Sequence[tuple[str, str, str]]) -> list[Outcome]:
    """How the candidates (endpoint, model, variant) did on the prompts of a set when asked last; the worst first."""
    known = {row["workflow_id"]: (row["name"] or "", row["task_kind"] or "") for row in store.rows(_WORKFLOWS)}
    found = evidence(store, newest=True)
    groups: dict[tuple[int, tuple[str, str, str]], list[Unit]] = {}
    for key, units in found.trials.items():
        who = (key.endpoint, key.model, key.variant)
        if who in models:
            groups.setdefault((key.workflow_id, who), []).extend(unit for unit in units if unit.prompt_key in names)
    for (workflow, model), own in found.floors.items():
        for who in models:
            if who[1] == model and not who[2]:
                groups.setdefault((workflow, who), []).extend(
                    unit for unit in own.values() if unit.prompt_key in names and unit.endpoint == who[0]
                )
    made = [_outcome(known.get(workflow, ("", "")), who, units, names) for (workflow, who), units in groups.items()]
    return sorted((each for each in made if each.n), key=lambda each: (-each.failed_share, each.workflow, each.model))


def _outcome(
    workflow: tuple[str, str], who: tuple[str, str, str], units: Sequence[Unit], names: Mapping[int, str]
) -> Outcome:
    counted = [unit for unit in units if unit.state != "not_reached"]
    bad = [names[unit.prompt_key] for unit in counted if unit.state in ("failed", "no_answer")]
    return Outcome(
        *workflow,
        f"{who[0]}/{who[1]}" + (f" {who[2]}" if who[2] else ""),
        len(counted),
        sum(unit.state == "passed" for unit in counted),
        sum(unit.state == "undecided" for unit in counted),
        tuple(sorted(bad)),
    )
