"""Where logs lie: addresses on other machines, standard input, folders of all sorts of things."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import pytest
import zstandard

from audit.ingest import IngestResult
from audit.store import Store
from tests.ingest.logs import pair, write

Read = Callable[..., IngestResult]
LINES = "".join(json.dumps(pair(number)) + "\n" for number in range(5)).encode()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Cut(Quiet):
    """Promises more than it sends."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(10 * len(LINES)))
        self.end_headers()
        self.wfile.write(LINES[:-10])
        self.close_connection = True

    def do_HEAD(self) -> None:
        self.send_error(405)


def serving(handler: Callable[..., SimpleHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """The address of a server of the files in `tmp_path/web`."""
    (tmp_path / "web").mkdir()
    yield from serving(partial(Quiet, directory=str(tmp_path / "web")))


@pytest.fixture
def cut_web() -> Iterator[str]:
    yield from serving(Cut)


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    system = fsspec.filesystem("memory")
    yield system
    system.rm("/", recursive=True)


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.ZstdCompressor().compress], ids=["", "gzip", "zstd"])
def test_a_log_is_read_from_a_web_server(
    pack: Callable[[bytes], bytes], web: str, store: Store, read: Read, tmp_path: Path
) -> None:
    (tmp_path / "web" / "log").write_bytes(pack(LINES))
    seen: list[tuple[int, int, int]] = []
    result = read(f"{web}/log", progress=lambda *each: seen.append(each))
    assert (result.accepted, result.files[0].error) == (5, None)
    size = len(pack(LINES))
    assert seen[-1] == (size, size, 5)


def test_a_signed_link_is_followed_and_not_kept(web: str, store: Store, read: Read, tmp_path: Path) -> None:
    (tmp_path / "web" / "log.jsonl").write_bytes(LINES)
    result = read(f"{web}/log.jsonl?X-Amz-Signature=5ecre7&x=*")
    assert result.accepted == 5
    assert result.files[0].name == f"{web}/log.jsonl"
    assert store.value("SELECT path FROM source") == f"{web}/log.jsonl"


def test_what_a_web_server_does_not_have_is_said(web: str, read: Read) -> None:
    (file,) = read(f"{web}/none.jsonl?sig=5ecre7").files
    assert file.error is not None
    assert file.error.startswith(f"{web}/none.jsonl: ")
    assert "5ecre7" not in file.error
    assert file.hint


def test_a_broken_connection_is_no_quiet_end(cut_web: str, read: Read) -> None:
    (file,) = read(f"{cut_web}/log.jsonl").files
    assert file.rejected["connection_lost"] == 1


def test_objects_are_listed_by_pattern_and_by_prefix(
    memory: fsspec.AbstractFileSystem, store: Store, read: Read, tmp_path: Path
) -> None:
    for day in (1, 2):
        memory.pipe(f"/logs/day={day}/part.jsonl.gz", gzip.compress(json.dumps(pair(day)).encode()))
    memory.pipe(
        "/logs/day=3/rows.csv", b"timestamp,model,input_tokens,output_tokens\n2026-09-01T10:00:00Z,gpt-4o,7,1\n"
    )
    assert [file.accepted for file in read("memory://logs/*/part.jsonl.gz").files] == [1, 1]
    whole = read("memory://logs")
    assert [(file.name, file.accepted) for file in whole.files] == [
        ("memory:///logs/day=1/part.jsonl.gz", 0),
        ("memory:///logs/day=2/part.jsonl.gz", 0),
        ("memory:///logs/day=3/rows.csv", 1),
    ]


def test_a_parquet_file_far_away_is_read(memory: fsspec.AbstractFileSystem, read: Read) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    data = io.BytesIO()
    pq.write_table(pa.table({"model": ["gpt-4o"], "input_tokens": [7], "output_tokens": [1]}), data)
    memory.pipe("/logs/rows.parquet", data.getvalue())
    assert read("memory://logs/rows.parquet").accepted == 1


def test_an_address_nobody_can_reach_says_what_to_do(read: Read) -> None:
    for address in ("memory://nowhere", "s3x://bucket/key", "http://127.0.0.1:9/log"):
        (file,) = read(address).files
        assert file.error is not None
        assert file.error.startswith(address)
        assert file.hint.startswith("check the address")


def test_a_server_that_refuses_is_not_a_missing_object(read: Read) -> None:
    (file,) = read("http://127.0.0.1:1/log.jsonl").files
    assert file.error is not None
    assert "http://127.0.0.1:1/log.jsonl: the server can't be reached" in file.error
    assert file.hint == "check the address and the network"


def test_a_missing_driver_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, read: Read
) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    (file,) = read("s3://bucket/logs/").files
    assert file.error is not None
    assert "s3fs" in file.error
    assert file.hint == "pip install 'llm-workload-audit[cloud]'"


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.ZstdCompressor().compress], ids=["", "gzip", "zstd"])
def test_standard_input_is_read_packed_or_not(
    pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch, read: Read
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(pack(LINES))))
    assert read("-").accepted == 5


def test_file_addresses_and_patterns_are_paths(read: Read, tmp_path: Path) -> None:
    (tmp_path / "a b").mkdir()
    write(tmp_path / "a b" / "log[1].jsonl", [pair(1)])
    write(tmp_path / "a b" / "deep.jsonl", [pair(2)])
    assert read((tmp_path / "a b" / "log[1].jsonl").as_uri()).accepted == 1
    assert read(str(tmp_path / "**" / "*.jsonl")).accepted == 1


def test_names_are_data(store: Store, read: Read, tmp_path: Path) -> None:
    names = [
        'it\'s "quoted".jsonl',
        "[bold red]rich[bold].jsonl",
        "line\nbreak.jsonl",
        "\x1b[31mred.jsonl",
        "sm\u00f6rg\u202e.jsonl",
    ]
    for number, name in enumerate(names):
        write(tmp_path / name, [pair(number)])
    os.symlink(tmp_path, tmp_path / "loop")
    result = read(tmp_path)
    assert result.accepted == len(names)
    assert {row["path"] for row in store.rows("SELECT path FROM source")} == {str(tmp_path / name) for name in names}
