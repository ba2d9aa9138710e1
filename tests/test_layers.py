"""The house: imports point down, no cycles, SQL only where it belongs and only in the portable subset."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "audit"

RANKS = [
    {"errors"},
    {
        "config", "plugins", "store", "tokens", "call", "wire", "statistics", "containers", "hashes", "figures",
        "taskkind", "promptcache", "similarity", "anatomy", "openings", "patterns", "masking", "refusals", "period",
    },
    {"readers", "prices", "clients", "scorers", "measures", "levers", "invoices"},
    {
        "ingest", "matching", "replay", "scoring", "deciding", "projection", "outliers", "outcomes", "summary", "why",
        "workflows", "ledger", "naming", "reconciling", "showing",
        "checking", "chargeback", "review", "judging", "routing", "evalset", "uncertainty",
        "answers",
    },
    {"report"},
    {"export"},
    {"console", "samples"},
    {"cli"},
    {"__main__"},
]  # fmt: skip
RANK = {name: rank for rank, names in enumerate(RANKS) for name in names}
SQL_FREE = {"cli", "console", "report", "export", "readers", "clients", "scorers", "statistics", "similarity"}
STATEMENT = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT INTO|CREATE (OR REPLACE )?(TEMP )?TABLE|UPDATE \w+ SET|DELETE FROM)\b", re.S
)


def modules() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*.py"))


def room(path: Path) -> str:
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


def imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "audit":
            parts = node.module.split(".")
            names |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("audit.")}
    return names


def test_every_room_has_a_rank() -> None:
    assert {room(path) for path in modules()} - {"__init__"} == set(RANK)


# stages of one rank build on what an earlier stage of the pipeline returned
STAGE_USES = {
    ("summary", "uncertainty"),
    ("summary", "outcomes"), ("why", "outcomes"), ("deciding", "scoring"), ("checking", "outcomes"),
    ("matching", "scoring"), ("projection", "matching"), ("review", "deciding"),
    ("review", "scoring"), ("judging", "scoring"), ("judging", "replay"), ("judging", "deciding"),
    ("answers", "deciding"), ("answers", "scoring"),
    ("evalset", "deciding"), ("evalset", "replay"), ("evalset", "scoring"),
}  # fmt: skip


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_to_a_lower_rank(path: Path) -> None:
    here = room(path)
    for name in imported(ast.parse(path.read_text(encoding="utf-8"))) & set(RANK):
        lower = RANK[name] < RANK.get(here, -1)
        same_package = name == here
        same_rank_one = RANK[name] == RANK.get(here) == 1
        allowed_stage = (here, name) in STAGE_USES
        assert lower or same_package or same_rank_one or allowed_stage or here == "__init__", f"{here} imports {name}"


def test_no_import_cycles() -> None:
    graph = {_name(path): _edges(path) for path in modules()}
    state: dict[str, int] = {}

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert state.get(name) != 1, f"cycle: {' -> '.join((*trail, name))}"
        if state.get(name) == 2 or name not in graph:
            return
        state[name] = 1
        for target in graph[name]:
            visit(target, (*trail, name))
        state[name] = 2

    for name in graph:
        visit(name, ())


def _edges(path: Path) -> set[str]:
    """Modules of the package imported when the module loads."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    edges: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("audit"):
            for alias in node.names:
                whole = ROOT.parent / (node.module + "." + alias.name).replace(".", "/")
                is_module = whole.with_suffix(".py").exists() or whole.is_dir()
                edges.add(f"{node.module}.{alias.name}" if is_module else node.module)
    return edges - {_name(path), "audit"}


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", [p for p in modules() if room(p) in SQL_FREE], ids=lambda p: str(p.relative_to(ROOT)))
def test_no_sql_outside_its_rooms(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            assert not STATEMENT.search(node.value), f"{path}: {node.value[:60]}"
