"""Is a text wholly code, though no fence says so: queries, definitions, calls, formulas, commands."""

from __future__ import annotations

import re
from functools import lru_cache

_OPENING = 4000
_NAME = r"[\w.\"`\[\]$]{1,120}"
# over text whose white space is single blanks
_SELECT = re.compile(
    r"\(?(?:EXPLAIN )?(?P<verb>SELECT) (?P<columns>.*?) ?\b(?P<from>FROM) ?(?P<table>[(\w\"`\[]+)", re.IGNORECASE
)
_SQL = re.compile(
    "|".join(
        (
            rf"WITH (?:RECURSIVE )?{_NAME} ?(?:\([^()]*\) ?)?AS (?:NOT )?(?:MATERIALIZED )?"
            r"\( ?(?:SELECT|VALUES|INSERT|\()",
            rf"INSERT (?:OR \w+ )?INTO {_NAME} ?(?:\(|VALUES|SELECT)",
            rf"UPDATE {_NAME}(?: (?:AS )?\w+)? SET {_NAME} ?=",
            rf"DELETE[ ]FROM {_NAME} ?(?:WHERE .*[=<>]|;)",
            r"(?:CREATE|ALTER|DROP|TRUNCATE) (?:OR REPLACE )?(?:TEMP(?:ORARY)? |UNIQUE )?(?:TABLE|VIEW|INDEX) "
            rf"(?:IF (?:NOT )?EXISTS )?{_NAME} ?(?:\(|;|AS SELECT|(?:ADD|DROP|RENAME) COLUMN|ON {_NAME} ?\()",
            rf"MERGE INTO {_NAME} .*\bWHEN (?:NOT )?MATCHED\b",
        )
    ),
    re.IGNORECASE,
)
_CYPHER = re.compile(
    r"(?:OPTIONAL )?(?:MATCH|MERGE|CREATE) (?:\w{1,40} ?= ?)?\([\w: `{]{0,120}.*(?:\bRETURN\b|\bSET\b|-\[)"
)
_SPARQL = re.compile(r"(?:PREFIX \w{0,40}: ?<[^>]*> ?)*(?:SELECT|ASK|CONSTRUCT|DESCRIBE)\b[^{]*\{ ?[?<\w]")
# what begins a program, a definition, a formula, or a command with switches
_PROGRAM = re.compile(
    r"""(?:async\s)?def\s\w+\s?\(|class\s\w+\s?[(:{]|from\s[\w.]+\simport\s[\w(*]|import\s[\w.{*]+(?:\sas\s\w+)?\s?[\n;,]
    | (?:export\s)?(?:async\s)?function\b\s?\w*\s?\(|(?:const|let|var)\s\w+(?::\s?\w+)?\s?=\s?\S
    | (?:public|private|protected|static|final)\s[\w<>\[\]]+\s\w+\s?[(;=]|\#include\s?[<"]|\#!/|<\?php\b
    | func\s\w+\s?\(|fn\s\w+\s?[(<]|package\s[\w.]+\s?[;\n]|@[\w.]+(?:\([^()\n]*\))?\n|=[A-Z]{2,20}\(
    | (?:sudo\s)?[a-z][\w.-]{0,30}(?:\s[^\s.,;!?]{1,60}){0,3}\s(?:--[a-z][a-z-]+|-[a-zA-Z]{1,3})(?:[\s=]|$)""",
    re.VERBOSE,
)
_CALL = re.compile(r"(?:\w+ ?= ?)?(?=\w+[._])[a-z_]\w*(?:\.[a-z_]\w*)*[(\[][^\n]*[)\]];?", re.IGNORECASE)
_STATEMENT = re.compile(
    r"[;{}]$|^(?:[}\])]|//|return\b|if ?\(|for ?\(|while ?\()|^\w+(?:\[[^\]]*\])? ?[-+*/]?= ?\S|^[\w.]+\([^()]*\)$"
)
_PROSE_WORD = re.compile(r"\b(?:the|a|an|your|this|that|my|these|those|our|its|each|all)\b", re.IGNORECASE)
_FENCE_HEAD = re.compile(r"[\w+#.-]{0,20}")
_NO_CODE = frozenset({"text", "txt", "plaintext", "markdown", "md", "json", "yaml", "csv", "xml", "html"})
_MOST = 0.6
"""Share of the lines of several that have to be statements."""


@lru_cache(maxsize=512)
def source(text: str) -> str | None:
    """The language of a text that is nothing but code, "" where only that is clear; None for prose and everything else.

    Its form decides, not a word: prose selects things from a list and updates settings, too.
    """
    plain = text[:_OPENING].strip()
    if plain.startswith("```"):
        head, _, inner = plain[3:].partition("\n")
        language = head.strip().casefold()
        if not text.rstrip().endswith("```") or not _FENCE_HEAD.fullmatch(language) or language in _NO_CODE:
            return None
        return language or source(inner.rstrip("` \n"))
    return _query(plain) or ("" if _program(plain) else None)


def _query(text: str) -> str | None:
    """The query language a text opens in, None where it is no query."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    flat = " ".join(" ".join(lines).split())
    select = _SELECT.match(flat)
    if select is not None and ((select["verb"].isupper() and select["from"].isupper()) or _selects(select)):
        return "sql"
    if _SQL.match(flat):
        return "sql"
    return "sparql" if _SPARQL.match(flat) else "cypher" if _CYPHER.match(flat) else None


def _selects(match: re.Match[str]) -> bool:
    """Whether "select … from …" in small letters is a query: columns and a table stand there without an article."""
    return not _PROSE_WORD.search(match["columns"]) and not _PROSE_WORD.fullmatch(match["table"])


def _program(text: str) -> bool:
    """Whether a text opens as a program does, is a single call of a member, or consists of statements."""
    if _PROGRAM.match(text) or _CALL.fullmatch(text):
        return True
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return len(lines) > 1 and sum(_STATEMENT.search(line) is not None for line in lines) >= _MOST * len(lines)
