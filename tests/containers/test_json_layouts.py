from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.containers import JsonText, Unreadable

A = b'{"a": 1}'
B = '{"b": "xéy"}'.encode()
ONE, TWO = {"a": 1}, {"b": "xéy"}
DEEP = b'{"a":' * 20_000 + b"1" + b"}" * 20_000


def read(data: bytes, size: int = 1 << 16) -> list[object]:
    """Records, rejects as their reason; the text comes in chunks of `size` bytes."""
    chunks = (data[start : start + size] for start in range(0, len(data), size))
    return [value.reason if isinstance(value, Unreadable) else value for _, _, value, _, _ in JsonText(chunks)]


PRETTY = json.dumps([{"a": 1, "b": [1, 2]}, {"b": "y"}, {"c": 1}], indent=2).encode()

LAYOUTS = {
    "lines": (A + b"\n" + B + b"\n", [ONE, TWO]),
    "no newline at the end": (A + b"\n" + B, [ONE, TWO]),
    "CRLF and blank lines": (A + b"\r\n\r\n" + B + b"\r\n\r\n", [ONE, TWO]),
    "byte order mark": (b"\xef\xbb\xbf" + A + b"\n" + B, [ONE, TWO]),
    "back to back": (A + B + A + b"\n" + B, [ONE, TWO, ONE, TWO]),
    "array, one element a line": (b"[\n" + A + b",\n" + B + b"\n]\n", [ONE, TWO]),
    "trailing comma": (b"[\n" + A + b",\n" + B + b",\n]\n", [ONE, TWO]),
    "pretty array": (PRETTY, [{"a": 1, "b": [1, 2]}, {"b": "y"}, {"c": 1}]),
    "pretty objects back to back": (json.dumps({"a": [1]}, indent=2).encode() + b"\n" + A, [{"a": [1]}, ONE]),
    "plain text between": (A + b"\nplain text\n" + B, [ONE, "not_json", TWO]),
    "cut last line": (A + b"\n" + B[:-3], [ONE, "truncated_tail"]),
    "cut last line, then blanks": (A + b"\n" + B[:-3] + b"\n\n", [ONE, "truncated_tail"]),
    "line cut between tokens": (b'{"x": 1,\n' + B + b"\n", ["not_json", TWO]),
    "line cut inside a string": (b'{"x": "1\n' + B + b"\n", ["not_json", TWO]),
    "pretty array, one element broken": (PRETTY.replace(b'"y"', b"y"), [{"a": 1, "b": [1, 2]}, "not_json", {"c": 1}]),
    "pretty array, cut": (PRETTY[:-8], [{"a": 1, "b": [1, 2]}, {"b": "y"}, "truncated_tail"]),
    "pretty object broken": (b'{\n "a": zz,\n "b": 1\n}\n{\n "c": 1\n}\n', ["not_json", {"c": 1}]),
    "too deep": (DEEP + b"\n" + A, ["too_deep", ONE]),
    "empty": (b"", []),
    "white space": (b"  \n \n", []),
    "events": (
        b'event: message_start\ndata: {"type":"message_start"}\n\ndata: {"type":"message_stop"}\n\n' + A,
        [{"response": 'event: message_start\ndata: {"type":"message_start"}\n\ndata: {"type":"message_stop"}'}, ONE],
    ),
    "event streams after each other": (
        b'data: {"n":1}\n\ndata: [DONE]\n\ndata: {"n":2}\n\ndata: [DONE]\n',
        [{"response": 'data: {"n":1}\n\ndata: [DONE]'}, {"response": '\ndata: {"n":2}\n\ndata: [DONE]'.strip()}],
    ),
}


@pytest.mark.parametrize("size", [1, 7, 1 << 16])
@pytest.mark.parametrize("name", LAYOUTS)
def test_layout(name: str, size: int) -> None:
    data, expected = LAYOUTS[name]
    assert read(data, size) == expected


def test_damaged_characters_are_replaced_and_said_so() -> None:
    lines = (
        b'{"a": "x\\u0000y"}',
        b'{"a": "\\ud83d\\ude00"}',
        b'{"a": "\\ud83d"}',
        b'{"a": "\xff"}',
        b'{"a": "fine"}',
    )
    found = [(value["a"], repaired) for _, _, value, _, repaired in JsonText(iter((b"\n".join(lines),)))]
    assert found == [("xy", True), ("😀", False), ("�", True), ("�", True), ("fine", False)]


def test_places_are_lines_and_byte_offsets() -> None:
    data = B + b"\n\nnot json\n" + A
    places = [(line, offset) for line, offset, _, _, _ in JsonText(iter((data,)))]
    assert places == [(1, 0), (3, len(B) + 2), (4, len(B) + 11)]
    pretty = [(line, offset) for line, offset, _, _, _ in JsonText(iter((PRETTY,)))]
    assert pretty == [(2, 4), (9, PRETTY.index(b'{\n    "b": "y"')), (12, PRETTY.index(b'{\n    "c"'))]


def test_a_long_single_line_wrapper_is_streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.containers.json_text.STREAMED_FROM", 1000)
    records = [{"n": number, "text": "x" * 100} for number in range(100)]
    data = json.dumps({"data": records, "meta": {"cursor": None}}).encode()
    assert read(data, 500) == records


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.lists(st.dictionaries(st.text("abc", min_size=1), VALUES, min_size=1, max_size=4), max_size=6)


def without_nul(value: object) -> object:
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, list):
        return [without_nul(item) for item in value]
    if isinstance(value, dict):
        return {without_nul(key): without_nul(item) for key, item in value.items()}
    return value


@given(RECORDS, st.sampled_from([None, 1]), st.sampled_from(["\n", "\r\n", "", " ", ",\n"]), st.integers(1, 64))
def test_every_layout_gives_the_same_records(
    records: list[dict[str, object]], indent: int | None, between: str, size: int
) -> None:
    text = between.join(json.dumps(record, indent=indent) for record in records)
    assert read(text.encode(), size) == [without_nul(record) for record in records]
