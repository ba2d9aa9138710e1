"""The database of the `llm` command: every model call of it as one self-contained record."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from audit.containers.tables import open_sqlite
from audit.wire.text import read_json

_MARK = "_llm_migrations"
_CACHED_MESSAGES = 4096

Row = dict[str, Any]


def records(path: Path) -> Iterator[Row] | None:
    """The calls of an `llm` database, None for any other; `_llm_log` names the table a record comes from.

    Each record has `messages` (what was sent), `answer` (what came back), `tools`, and the columns of its row.
    """
    connection = open_sqlite(path)
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if _MARK not in tables:
        connection.close()
        return None
    return _Database(connection, tables).calls()


class _Database:
    """Both generations of tables: `turns` with shared messages, and the older `responses`."""

    def __init__(self, connection: sqlite3.Connection, tables: set[str]) -> None:
        self._connection = connection
        self._tables = tables
        self._has_texts = False
        self.message = lru_cache(_CACHED_MESSAGES)(self._message)
        self.fragment = lru_cache(256)(self._fragment)

    def calls(self) -> Iterator[Row]:
        try:
            if "turns" in self._tables:
                self._has_texts = {"messages", "parts"} <= self._tables
                if self._has_texts:
                    self._index_parts()
                for row in self._rows("SELECT * FROM turns ORDER BY id"):
                    yield self._turn(row)
            if "responses" in self._tables:
                for row in self._rows("SELECT * FROM responses ORDER BY id"):
                    yield self._response(row)
        finally:
            self._connection.close()

    def _rows(self, query: str, *values: Any) -> Iterator[Row]:
        cursor = self._connection.execute(query, values)
        names = [column[0] for column in cursor.description]
        for row in cursor:
            yield dict(zip(names, row, strict=True))

    def _index_parts(self) -> None:
        # the log keeps no index on this column; a temporary table lives outside the database, which stays untouched
        self._connection.execute("CREATE TEMP TABLE part_of AS SELECT message_hash, position, rowid AS part FROM parts")
        self._connection.execute("CREATE INDEX temp.part_of_message ON part_of (message_hash, position)")

    def _turn(self, row: Row) -> Row:
        parent, tip = row.get("parent_message_hash"), row.get("tip_message_hash")
        row["_llm_log"] = "turns"
        row["messages"] = self._chain(parent, None)
        row["answer"] = self._chain(tip, parent)
        row["tools"] = self._tools("turn_tools", "turn_id", row["id"])
        return row

    def _chain(self, tip: str | None, stop: str | None) -> list[Row]:
        """Messages from the first one after `stop` to `tip`, following the parents."""
        found: list[Row] = []
        seen: set[str] = set()
        if not self._has_texts:
            return found
        while tip is not None and tip != stop and tip not in seen:
            seen.add(tip)
            parent, message = self.message(tip)
            if message is not None:
                found.append(message)
            tip = parent
        found.reverse()
        return found

    def _message(self, name: str) -> tuple[str | None, Row | None]:
        head = next(self._rows("SELECT parent_hash, role FROM messages WHERE hash = ?", name), None)
        if head is None:
            return None, None
        query = (
            "SELECT parts.* FROM part_of JOIN parts ON parts.rowid = part_of.part "
            "WHERE part_of.message_hash = ? ORDER BY part_of.position"
        )
        parts = [self._part(part) for part in self._rows(query, name)]
        return head["parent_hash"], {"role": head["role"], "content": parts}

    def _part(self, part: Row) -> Row:
        payload = _decoded(part.get("payload"))
        kind, text = part.get("type"), part.get("text")
        if text is None and isinstance(payload.get("text_ref"), list):
            text = "".join(self._piece(piece) for piece in payload["text_ref"] if isinstance(piece, dict))
        if kind == "tool_call":
            name = part.get("tool_name") or payload.get("name")
            return {
                "type": kind,
                "id": payload.get("tool_call_id"),
                "name": name,
                "arguments": payload.get("arguments"),
            }
        if kind == "tool_result":
            output = text if text is not None else payload.get("output", payload.get("result"))
            return {"type": "tool_call_response", "id": payload.get("tool_call_id"), "response": output}
        if kind == "attachment":
            return {"type": "file", "file_id": payload.get("attachment_id") or payload.get("id") or part.get("id")}
        return {"type": "reasoning" if kind == "reasoning" else "text", "text": text or payload.get("text") or ""}

    def _piece(self, piece: Row) -> str:
        if piece.get("fragment") is not None:
            return self.fragment(piece["fragment"])
        return str(piece.get("literal") or "")

    def _fragment(self, name: Any) -> str:
        row = next(self._rows("SELECT content FROM fragments WHERE id = ?", name), None)
        return str(row["content"] or "") if row else ""

    def _tools(self, link: str, column: str, name: Any) -> list[Row]:
        if link not in self._tables or "tools" not in self._tables:
            return []
        query = (
            f"SELECT tools.* FROM {link} JOIN tools ON tools.id = {link}.tool_id WHERE {link}.{column} = ? ORDER BY 1"
        )
        return [
            {
                "name": tool.get("name"),
                "description": tool.get("description"),
                "parameters": _decoded(tool.get("input_schema")),
            }
            for tool in self._rows(query, name)
        ]

    def _response(self, row: Row) -> Row:
        row["_llm_log"] = "responses"
        row["messages"] = self._sent(row)
        answer = [{"type": "text", "text": row.get("response") or ""}]
        if row.get("reasoning"):
            answer.insert(0, {"type": "reasoning", "text": row["reasoning"]})
        calls = self._linked("tool_calls", "name, arguments, tool_call_id", row["id"])
        called = [
            {"type": "tool_call", "id": call["tool_call_id"], "name": call["name"], "arguments": call["arguments"]}
            for call in calls
        ]
        row["answer"] = [{"role": "assistant", "content": [*answer, *called]}]
        row["tools"] = self._tools("tool_responses", "response_id", row["id"])
        return row

    def _sent(self, row: Row) -> list[Row]:
        """System prompt, the turns of the conversation before, and the prompt with its fragments and attachments."""
        system = self._texts("system_fragments", row["id"], row.get("system"))
        found: list[Row] = [{"role": "system", "content": system}] if system else []
        if row.get("conversation_id") is not None:
            query = "SELECT id, prompt, response FROM responses WHERE conversation_id = ? AND id < ? ORDER BY id"
            for before in self._rows(query, row["conversation_id"], row["id"]):
                prompt = self._texts("prompt_fragments", before["id"], before["prompt"])
                found.append({"role": "user", "content": prompt})
                found.append({"role": "assistant", "content": before["response"] or ""})
        for result in self._linked("tool_results", "output, tool_call_id", row["id"]):
            part = {"type": "tool_call_response", "id": result["tool_call_id"], "response": result["output"]}
            found.append({"role": "tool", "content": [part]})
        parts: list[Row] = [{"type": "text", "text": self._texts("prompt_fragments", row["id"], row.get("prompt"))}]
        parts.extend(
            {"type": "file", "file_id": link["attachment_id"]}
            for link in self._linked("prompt_attachments", "attachment_id", row["id"], '"order"')
        )
        found.append({"role": "user", "content": parts})
        return found

    def _texts(self, link: str, name: Any, text: str | None) -> str:
        fragments = self._linked(link, "fragment_id", name, '"order"') if "fragments" in self._tables else []
        pieces = [self.fragment(fragment["fragment_id"]) for fragment in fragments]
        return "\n".join([*pieces, *([text] if text else [])])

    def _linked(self, table: str, columns: str, name: Any, order: str = "1") -> list[Row]:
        if table not in self._tables:
            return []
        return list(self._rows(f"SELECT {columns} FROM {table} WHERE response_id = ? ORDER BY {order}", name))


def _decoded(text: Any) -> Row:
    try:
        found = read_json(text) if isinstance(text, str) else None
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
