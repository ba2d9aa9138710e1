"""Which request or workflow a person means by a name."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from audit.errors import ConfigError
from audit.hashes import named_prompt
from audit.store import Store

_BY_ID = "SELECT request_id FROM request WHERE {column} = $name ORDER BY status, request_id LIMIT 2"
_BY_START = """
SELECT request_id, external_id FROM request WHERE SUBSTR(external_id, 1, CAST(LENGTH($name) AS BIGINT)) = $name
ORDER BY request_id LIMIT 2
"""
_BY_PROMPT = "SELECT request_id FROM request WHERE prompt_key = $key ORDER BY status, request_id LIMIT 1"
_SHORTEST = 6


@dataclass(frozen=True, slots=True)
class Found:
    """A request (its number in the audit file) or a workflow (its id)."""

    kind: Literal["request", "workflow"]
    key: int


def find(store: Store, name: str) -> Found:
    """Find a workflow by its name, or a request by its id, the provider's id of its answer, or how its id begins.

    `#12` is the 12th request of the audit file, `evalset-…` the first with that prompt of an evaluation set.
    ConfigError when there is none, or when a beginning fits several.
    """
    if name.startswith("#") and name[1:].isdigit():
        number = store.value("SELECT request_id FROM request WHERE request_id = $number", number=int(name[1:]))
        if number is not None:
            return Found("request", number)
    names = {row["name"]: row["workflow_id"] for row in store.rows("SELECT name, workflow_id FROM workflow")}
    if name in names:
        return Found("workflow", names[name])
    for column in ("external_id", "response_id"):
        rows = store.rows(_BY_ID.format(column=column), name=name)
        if rows:
            return Found("request", rows[0]["request_id"])
    prompt_key = named_prompt(name)
    request = None if prompt_key is None else store.value(_BY_PROMPT, key=prompt_key)
    if request is not None:
        return Found("request", request)
    return _by_beginning(store, name, names)


def _by_beginning(store: Store, name: str, names: dict[str, int]) -> Found:
    started = [key for key in names if key and name and key.startswith(name)]
    if len(started) == 1:
        return Found("workflow", names[started[0]])
    if len(name) >= _SHORTEST:
        rows = store.rows(_BY_START, name=name)
        if len(rows) == 1:
            return Found("request", rows[0]["request_id"])
        if rows:
            raise ConfigError(f"several requests begin with {name!r}", "write more of the id")
    near = get_close_matches(name, [key for key in names if key], n=1, cutoff=0.5)
    hint = f"did you mean the workflow {near[0]!r}?" if near else "see `audit workflows`, or the ids in the log"
    raise ConfigError(f"no request and no workflow is called {name!r}", hint)
