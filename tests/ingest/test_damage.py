"""Damage of all sorts: what is whole is kept, what is not is listed with its reason, and nothing crashes."""

from __future__ import annotations

import gzip
import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from audit.ingest import IngestResult
from audit.store import Store
from tests.ingest.logs import pair

Read = Callable[..., IngestResult]
LINES = [json.dumps(pair(number)) for number in range(20)]
TEXT = ("\n".join(LINES) + "\n").encode()
TABLE = "timestamp,model,input_tokens,output_tokens,prompt\n"


def row(number: int, prompt: str = "hello") -> str:
    return f"2026-09-01T10:00:{number:02d}Z,gpt-4o,{100 + number},10,{prompt}\n"


def archive(**members: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return data.getvalue()


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes(byte ^ 0xFF for byte in data[place : place + 4]) + data[place + 4 :]


def nested(depth: int) -> bytes:
    data = LINES[0].encode()
    for _ in range(depth):
        data = archive(inner=data)
    return data


CASES: dict[str, tuple[bytes, int, dict[str, int]]] = {
    "zeros after the last line": (TEXT + b"\0" * 5000, 20, {}),
    "zeros between lines": (TEXT + b"\0" * 4096 + "\n".join(LINES[:2]).encode().replace(b"chatcmpl", b"other"), 22, {}),
    "zeros alone": (b"\0" * 5000, 0, {"not_text": 1}),
    "garbage after a gzip": (gzip.compress(TEXT) + b"garbage", 20, {"corrupt_gzip": 1}),
    "a broken member of a zip": (flipped(archive(a=TEXT), 60), 0, {"corrupt_zip": 1}),
    "a cut zip": (archive(a=TEXT)[:200], 0, {"corrupt_zip": 1}),
    "a zip in a zip": (nested(3), 1, {}),
    "zips without end": (nested(12), 0, {"nested_archive": 1}),
    "lines that are strings": ("\n".join(json.dumps(line) for line in LINES).encode(), 20, {}),
    "lines as Python spells them": ("\n".join(repr(json.loads(line)) for line in LINES).encode(), 20, {}),
    "ragged rows": ((TABLE + row(1) + row(2)[:-7] + "\n" + row(3, "a,b") + row(4)).encode(), 2, {"ragged_row": 2}),
    "a column named twice": ((TABLE.replace("prompt", "model") + row(1) + row(2)).encode(), 2, {}),
    "a quote never closed": ((TABLE + row(1) + row(2, '"oops') + row(3)).encode(), 2, {"unclosed_quote": 1}),
    "a line break in a cell": ((TABLE + row(1, '"two\nlines"') + row(2)).encode(), 2, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_damage(name: str, store: Store, read: Read, tmp_path: Path) -> None:
    data, accepted, rejected = CASES[name]
    (tmp_path / "log").write_bytes(data)
    result = read(tmp_path / "log")
    assert (result.accepted, dict(result.rejected)) == (accepted, rejected)
    assert store.value("SELECT COUNT(*) FROM reject") == sum(rejected.values())


def test_an_unclosed_quote_keeps_the_rows_it_swallowed(store: Store, read: Read, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(TABLE + row(1) + row(2, '"oops') + row(3) + row(4))
    read(tmp_path / "log.csv")
    assert [each["input_tokens"] for each in store.rows("SELECT input_tokens FROM request ORDER BY line")] == [
        101,
        103,
        104,
    ]


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_line_beyond_all_measure_is_passed_over(
    pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch, store: Store, read: Read, tmp_path: Path
) -> None:
    monkeypatch.setattr("audit.containers.json_text.LONGEST", 8 << 20)
    monstrous = b'{"model": "' + os.urandom(20 << 20).hex().encode() + b'"}\n'
    (tmp_path / "log").write_bytes(pack(LINES[0].encode() + b"\n" + monstrous + LINES[1].encode()))
    result = read(tmp_path / "log")
    assert (result.accepted, dict(result.rejected)) == (2, {"too_long": 1})
    assert store.rows("SELECT line, LENGTH(excerpt) AS excerpt FROM reject") == [{"line": 2, "excerpt": 500}]
    assert [each["line"] for each in store.rows("SELECT line FROM request ORDER BY line")] == [1, 3]


def test_a_file_nobody_may_read_is_named_and_the_rest_is_read(read: Read, tmp_path: Path) -> None:
    (tmp_path / "good.jsonl").write_bytes(TEXT)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "gone.jsonl").symlink_to(tmp_path / "nowhere")
    result = read(tmp_path)
    assert result.accepted == 20
    assert [Path(file.name.partition(":")[0]).name for file in result.files if file.error] == ["gone.jsonl"]
