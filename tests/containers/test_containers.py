from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sqlite3
import tarfile
import zipfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from audit.containers import Place, PlaceError, Unreadable, expand, raw_chunks, records

LINES = b"".join(b'{"n": %d}\n' % number for number in range(5))
FIVE = [{"n": number} for number in range(5)]
TABLE = "id,model,tokens\na,gpt-4o,1\nb,gpt-4o,2\n"
ROWS = [{"id": "a", "model": "gpt-4o", "tokens": "1"}, {"id": "b", "model": "gpt-4o", "tokens": "2"}]


def read(data: bytes, path: Path | None = None) -> list[object]:
    found = records(raw_chunks(io.BytesIO(data)), path)
    return [value.reason if isinstance(value, Unreadable) else value for _, _, value, _, _ in found]


def zipped(*members: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


def tarred(name: str, data: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(LINES),
        gzip.compress(LINES[:20]) + gzip.compress(LINES[20:]),
        gzip.compress(LINES) + b"\x00" * 512,
        zstandard.compress(LINES),
        zstandard.compress(LINES[:20]) + zstandard.compress(LINES[20:]),
        bz2.compress(LINES),
        lzma.compress(LINES),
        zipped(("a.jsonl", LINES[:18]), ("__MACOSX/x", b"\x00\x01"), ("b.jsonl.gz", gzip.compress(LINES[18:]))),
        tarred("logs/a.jsonl", LINES),
        gzip.compress(tarred("a.jsonl", LINES)),
        b"\xef\xbb\xbf" + LINES,
        LINES.decode().encode("utf-16"),
        LINES.decode().encode("utf-16-le"),
        LINES.decode().encode("utf-16-be"),
    ],
    ids=["gzip", "two members", "padded", "zstd", "two frames", "bzip2", "xz", "zip", "tar", "tar.gz", "bom", "utf-16",
         "utf-16-le without mark", "utf-16-be without mark"],
)  # fmt: skip
def test_wrapped_lines(data: bytes) -> None:
    assert read(data) == FIVE


def test_a_cut_gzip_keeps_its_whole_lines() -> None:
    lines = b"".join(b'{"n": %d, "x": "%s"}\n' % (n, os.urandom(200).hex().encode()) for n in range(50))
    whole = gzip.compress(lines)
    found = read(whole[: len(whole) * 2 // 3])
    assert found[-1] == "truncated_gzip"
    assert found.count("truncated_gzip") == 1
    assert 20 < len(found) - 1 < 50
    assert all(isinstance(each, dict) for each in found[:-1])


def test_a_gzip_cut_at_a_line_end_still_says_so() -> None:
    packer = __import__("zlib").compressobj(wbits=31)
    data = packer.compress(LINES) + packer.flush(2)
    assert read(data) == [*FIVE, "truncated_gzip"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "not_text"),
        (bytes(range(256)) * 4, "not_text"),
        (b"\x1f\x8b\x08\x00garbage that is no deflate", "corrupt_gzip"),
        (b"PAR1 and then nothing", "corrupt_parquet"),
        (b"SQLite format 3\x00 and then nothing", "corrupt_sqlite"),
        (b"PK\x03\x04 and then nothing", "corrupt_zip"),
    ],
    ids=["png", "bytes", "gzip", "parquet", "sqlite", "zip"],
)
def test_what_is_no_log_is_one_reject(data: bytes, reason: str) -> None:
    assert read(data) == [reason]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_csv(delimiter: str, mark: str) -> None:
    assert read((mark + TABLE.replace(",", delimiter)).encode()) == ROWS


def test_csv_details() -> None:
    text = 'sep=;\r\nid;model;tokens\r\n"a\nb";"x;""y""";1\r\n\r\nragged;row\r\nc;d;2;;\r\n'
    assert read(text.encode()) == [
        {"id": "a\nb", "model": 'x;"y"', "tokens": "1"},
        "ragged_row",
        {"id": "c", "model": "d", "tokens": "2"},
    ]
    long = "x" * 300_000
    assert read(f"id,text\n1,{long}\n".encode()) == [{"id": "1", "text": long}]
    assert read(b"id,model,tokens\n") == []
    assert read(b"2026-10-05 started, pid 7\nstopped, code 0\n") == ["not_json", "not_json"]


def test_parquet_cells_become_plain_values(tmp_path: Path) -> None:
    table = pa.table(
        {
            "at": pa.array([datetime(2026, 10, 5, 8)], pa.timestamp("ns", "UTC")),
            "cost": pa.array([Decimal("0.25")], pa.decimal128(10, 4)),
            "raw": pa.array([b"\xffab"]),
            "attributes": pa.array([{"llm": {"n": 1}, "tags": ["a"]}]),
            "usage": pa.array([[("input", 3)]], pa.map_(pa.string(), pa.int64())),
        }
    )
    path = tmp_path / "spans"
    pq.write_table(table, path)
    row = {
        "at": "2026-10-05T08:00:00+00:00",
        "cost": "0.2500",
        "raw": "�ab",
        "attributes": {"llm": {"n": 1}, "tags": ["a"]},
        "usage": {"input": 3},
    }
    assert read(path.read_bytes(), path) == [row]
    assert read(gzip.compress(path.read_bytes())) == [row]


def test_sqlite_rows(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with sqlite3.connect(path) as database:
        database.execute('CREATE TABLE "odd ""name" (id TEXT, n INTEGER)')
        database.execute("""INSERT INTO "odd ""name" VALUES ('a', 1)""")
    database.close()
    assert read(path.read_bytes(), path) == [{"id": "a", "n": 1}]


def names(*inputs: str | Path) -> list[str]:
    return [each.name if isinstance(each, Place) else "?" for each in expand(inputs)]


def test_places(tmp_path: Path) -> None:
    day = tmp_path / "logs" / "year=2026" / "day=05"
    day.mkdir(parents=True)
    for name in ("b.jsonl", "a.jsonl", ".hidden", "_SUCCESS"):
        (day / name).write_bytes(LINES)
    (tmp_path / "logs" / ".git").mkdir()
    (tmp_path / "logs" / ".git" / "x").write_bytes(LINES)
    (day / "loop").symlink_to(tmp_path / "logs", target_is_directory=True)
    (day / "again.jsonl").symlink_to(day / "a.jsonl")
    (day / "gone.jsonl").symlink_to(day / "nowhere")
    expected = [str(day / "a.jsonl"), str(day / "b.jsonl")]
    assert [name for name in names(tmp_path / "logs") if name != "?"] == expected
    assert names(tmp_path / "logs" / "**" / "*.jsonl")[:1] == expected[:1]
    assert names(day / "a.jsonl", day / "a.jsonl") == expected[:1]


def test_what_is_not_there_is_named() -> None:
    (problem,) = expand(["/nowhere/at/all.jsonl"])
    assert isinstance(problem, PlaceError)
    assert "/nowhere/at/all.jsonl" in problem.message
    (problem,) = expand(["/nowhere/*.jsonl"])
    assert isinstance(problem, PlaceError)


def test_addresses_go_through_fsspec() -> None:
    import fsspec

    files = fsspec.filesystem("memory")
    files.pipe({"/bucket/a.jsonl": LINES, "/bucket/deep/b.jsonl.gz": gzip.compress(LINES)})
    places = list(expand(["memory://bucket"]))
    assert all(isinstance(each, Place) for each in places)
    assert sum(len(read(each.open().read())) for each in places if isinstance(each, Place)) == 10


def test_logfmt_lines_are_records_of_strings() -> None:
    lines = (
        'time="2025-10-09T08:50:01Z" msg="completion done" model=gpt-4o tokens=12 prompt="Say \\"hi\\"\\nnow" cached',
        "",
        "time=2025-10-09T08:50:02Z level=info model=gpt-4o tokens= prompt=Gr\u00fc\u00dfe a.b=x=y",
        "panic: no pairs here",
        'time=2025-10-09T08:50:03Z level=info model="unclosed',
    )
    assert read("\n".join(lines).encode()) == [
        {"time": "2025-10-09T08:50:01Z", "msg": "completion done", "model": "gpt-4o", "tokens": "12",
         "prompt": 'Say "hi"\nnow'},
        {"time": "2025-10-09T08:50:02Z", "level": "info", "model": "gpt-4o", "tokens": "", "prompt": "Gr\u00fc\u00dfe",
         "a.b": "x=y"},
        "not_logfmt",
        "not_logfmt",
    ]  # fmt: skip


def test_a_table_whose_cells_hold_pairs_is_a_table() -> None:
    table = "id,prompt\n1,x=1 y=2 z=3\n2,x=2 y=3 z=4\n"
    assert read(table.encode()) == [{"id": "1", "prompt": "x=1 y=2 z=3"}, {"id": "2", "prompt": "x=2 y=3 z=4"}]
