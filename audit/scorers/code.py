"""Code: the same program once formatting and comments are gone. Logged code is parsed, never run."""

from __future__ import annotations

import ast
import re
import warnings
from functools import lru_cache

from audit.scorers import Answer, Context, Score, Scorer
from audit.scorers._normalise import find_json, is_document, overlap, word_set
from audit.scorers._source import source
from audit.scorers._trees import difference

_BLOCK = re.compile(r"```([\w+#.-]*)[ \t]*\n(.*?)```", re.DOTALL)
_TOKEN = re.compile(
    r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`[^`]*`|//[^\n]*|/\*.*?\*/|--[^\n]*|\w+|[^\w\s]", re.DOTALL
)
_FREE_LAYOUT = word_set(
    "sql cypher sparql js javascript ts typescript java c cpp c++ cs c# csharp go rust rs kotlin swift php scala jsx"
    " tsx json"
)
_SQL = word_set("sql mysql postgresql postgres psql sqlite sqlite3 tsql plsql mssql bigquery snowflake duckdb")
_LIMIT = 100_000


def _judge(reference: Answer, candidate: Answer, context: Context) -> Score:
    del context
    ours, theirs = _program(reference.text), _program(candidate.text)
    value = overlap(reference.text, candidate.text)
    if reference.text.strip() == candidate.text.strip():
        return Score(1.0, True, "the same text as the logged answer")
    if not theirs[1].strip():
        return Score(0.0, False, "no code")
    tree = _python_tree(ours[1]) if ours[0] in ("", "python", "py", "python3") else None
    if tree is not None:
        found = _python_tree(theirs[1])
        if found is None and (ours[0] or theirs[0]) and theirs[0] in ("", "python", "py", "python3"):
            return Score(value, False, "does not parse")
        if found == tree:
            return Score(1.0, True, "same syntax tree")
    elif _same_document(ours[1], theirs[1]) or _same_tokens(ours, theirs):
        return Score(1.0, True, "same code apart from layout")
    return Score(value, None, "other code: needs tests, a judge or a person")


@lru_cache(maxsize=256)
def _program(text: str) -> tuple[str, str]:
    """Language and source of an answer: its fenced blocks together, else all of it."""
    blocks = _BLOCK.findall(text[:_LIMIT])
    if not blocks:
        return source(text) or "", text[:_LIMIT]
    language = blocks[0][0].casefold() or source(blocks[0][1]) or ""
    return "sql" if language in _SQL else language, "\n".join(inner for _, inner in blocks)


@lru_cache(maxsize=256)
def _python_tree(source: str) -> str | None:
    """Python's syntax tree without positions and docstrings, as text; None when it does not parse or is empty."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
        for node in ast.walk(tree):
            _drop_docstring(node)
        return ast.dump(tree) if tree.body else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _drop_docstring(node: ast.AST) -> None:
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        node.body = node.body[1:]


def _same_document(ours: str, theirs: str) -> bool:
    left, right = find_json(ours), find_json(theirs)
    if left is None or right is None or not is_document(left.value):
        return False
    parts = difference(left.value, right.value)
    return not (parts.wrong or parts.free_text or parts.extra)


def _same_tokens(ours: tuple[str, str], theirs: tuple[str, str]) -> bool:
    """Equal tokens in a language whose layout has no meaning, else equal lines; comments count."""
    language = ours[0] or theirs[0]
    if ours[0] and theirs[0] and ours[0] != theirs[0]:
        return False
    if language in _FREE_LAYOUT:
        return _tokens(ours[1], language) == _tokens(theirs[1], language)
    return _lines(ours[1]) == _lines(theirs[1])


def _tokens(text: str, language: str) -> list[str]:
    """The tokens of a program; SQL has no case but in quotation marks, and a semicolon at the end says nothing."""
    found: list[str] = _TOKEN.findall(text)
    if language == "sql":
        found = [token if token[0] in "'\"`" else token.casefold() for token in found]
    return found[:-1] if found[-1:] == [";"] else found


def _lines(source: str) -> list[str]:
    return [line.rstrip() for line in source.splitlines() if line.strip()]


SCORER = Scorer("code", "2", ("code",), _judge)
