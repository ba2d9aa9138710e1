"""Requests with images through `audit replay`: their pictures come from the log and reach each API in its words."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from audit import store
from tests.peer import Peer

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(200))).decode()
JPEG = base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(range(250, 50, -1))).decode()
ADDRESS = "https://images.example/receipt.webp"


def openai(number: int, content: list[dict[str, Any]], model: str = "gpt-4o") -> dict[str, Any]:
    return {
        "request": {"model": model, "messages": [
            {"role": "system", "content": "Read the total of the receipt."}, {"role": "user", "content": content}]},
        "response": {"id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1_790_000_000 + number,
                     "model": model, "choices": [{"index": 0, "finish_reason": "stop",
                                                  "message": {"role": "assistant", "content": "refund"}}],
                     "usage": {"prompt_tokens": 900, "completion_tokens": 5, "total_tokens": 905}},
    }  # fmt: skip


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def shown(url: str, **more: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def log(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def replay(audit: Any, db: Path, *more: str, model: str = "anthropic/claude-haiku-4-5") -> Any:
    return audit("replay", "--sample", "50", "--model", model, "--no-floor", "--yes", "--json", "--db", db,
                 "--max-cost", "50", *more)  # fmt: skip


def user_turn(body: dict[str, Any]) -> Any:
    return next(each["content"] for each in body.get("messages") or body["input"] if each["role"] == "user")


def test_images_reach_anthropic_in_their_place(audit: Any, peer: Peer, tmp_path: Path) -> None:
    content = [text("Before"), shown(f"data:image/png;base64,{PNG}", detail="low"), text("after."), shown(ADDRESS)]
    db = tmp_path / "a.duckdb"
    assert audit("ingest", log(tmp_path / "log.jsonl", [openai(1, content)]), "--db", db, "--json").code == 0
    ran = replay(audit, db)
    assert ran.code == 0, ran.err
    assert user_turn(peer.requests[0]) == [
        text("Before"),
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        text("after."),
        {"type": "image", "source": {"type": "url", "url": ADDRESS}},
    ]
    with store.open(db) as opened:
        (lossy,) = [row["lossy"] for row in opened.rows("SELECT lossy FROM replay")]
    assert "how closely to look at an image is not part of this API" in lossy


def test_images_are_found_from_another_folder_and_where_log_and_audit_file_moved_together(
    audit: Any, peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, elsewhere = tmp_path / "there", tmp_path / "elsewhere"
    there.mkdir()
    elsewhere.mkdir()
    log(there / "log.jsonl", [openai(1, [text("Read."), shown(f"data:image/png;base64,{PNG}")])])
    monkeypatch.chdir(there)
    assert audit("ingest", "log.jsonl", "--db", "a.duckdb", "--json").code == 0
    monkeypatch.chdir(elsewhere)
    planned = replay(audit, there / "a.duckdb", "--dry-run")
    assert planned.code == 0, planned.err
    assert str(there / "log.jsonl") not in planned.out
    moved = there.rename(tmp_path / "moved")
    ran = replay(audit, moved / "a.duckdb")
    assert ran.code == 0, ran.err
    assert user_turn(peer.requests[0])[1]["source"]["data"] == PNG


def test_images_of_an_anthropic_log_reach_openai(audit: Any, peer: Peer, tmp_path: Path) -> None:
    record = {
        "request": {"model": "claude-sonnet-4-5", "max_tokens": 50, "messages": [{"role": "user", "content": [
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": JPEG}},
            {"type": "image", "source": {"type": "url", "url": ADDRESS}}, text("Which is larger?")]}]},
        "response": {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
                     "content": [text("refund")], "stop_reason": "end_turn",
                     "usage": {"input_tokens": 900, "output_tokens": 5}},
    }  # fmt: skip
    db = tmp_path / "a.duckdb"
    audit("ingest", log(tmp_path / "log.jsonl", [record]), "--db", db, "--json")
    ran = replay(audit, db, model="openai/gpt-4.1-mini")
    assert ran.code == 0, ran.err
    assert user_turn(peer.requests[0]) == [
        shown(f"data:image/jpeg;base64,{JPEG}"), shown(ADDRESS), text("Which is larger?")
    ]  # fmt: skip


def test_images_of_a_responses_log_stay_with_the_responses_api(audit: Any, peer: Peer, tmp_path: Path) -> None:
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "high"}
    record = {
        "request": {"model": "gpt-4o", "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "What is it?"}, picture]}]},
        "response": {"id": "resp_1", "object": "response", "created_at": 1_790_000_000, "model": "gpt-4o",
                     "status": "completed", "output": [{"type": "message", "role": "assistant", "content": [
                         {"type": "output_text", "text": "refund"}]}],
                     "usage": {"input_tokens": 900, "output_tokens": 5, "total_tokens": 905}},
    }  # fmt: skip
    db = tmp_path / "a.duckdb"
    audit("ingest", log(tmp_path / "log.jsonl", [record]), "--db", db, "--json")
    ran = replay(audit, db, model="openai/gpt-4.1-mini")
    assert ran.code == 0, ran.err
    assert peer.paths[0].endswith("/responses")
    assert user_turn(peer.requests[0]) == [{"type": "input_text", "text": "What is it?"}, picture]


def test_a_second_candidate_needs_no_log(audit: Any, peer: Peer, tmp_path: Path) -> None:
    path, db = tmp_path / "log.jsonl", tmp_path / "a.duckdb"
    records = [openai(number, [text(f"Receipt {number}"), shown(f"data:;base64,{PNG}")]) for number in range(3)]
    audit("ingest", log(path, records), "--db", db, "--json")
    assert replay(audit, db).code == 0
    (plan,) = [audit("replay", "--sample", "50", "--model", "openai/gpt-4.1-nano", "--no-floor", "--dry-run", "--json",
                     "--db", db).document]  # fmt: skip
    assert plan["image_prompts"] == 3
    ran = replay(audit, db, model="openai/gpt-4.1-nano")
    assert ran.document["answered"] == 3, ran.err
    assert user_turn(peer.requests[-1])[1] == shown(f"data:image/png;base64,{PNG}")


def test_what_is_not_at_hand_is_not_replayable_and_says_why(audit: Any, peer: Peer, tmp_path: Path) -> None:
    path, db = tmp_path / "log.jsonl", tmp_path / "a.duckdb"
    records = [
        openai(1, [text("Receipt"), shown(f"data:image/png;base64,{PNG}")]),
        openai(2, [text("No picture")]),
        openai(3, [text("Kept elsewhere"), {"type": "input_image", "file_id": "file-123"}]),
        openai(4, [text("Hear"), {"type": "input_audio", "input_audio": {"data": PNG, "format": "wav"}}]),
    ]
    audit("ingest", log(path, records), "--db", db, "--json")
    ran = replay(audit, db)
    assert [user_turn(body)[0]["text"] for body in peer.requests] in (
        ["Receipt", "No picture"], ["No picture", "Receipt"]
    )  # fmt: skip
    assert "an image of it was not found in the log" in json.dumps(ran.document["failed"])
    path.unlink()
    plan = audit("replay", "--sample", "50", "--model", "openai/gpt-4.1-nano", "--dry-run", "--json", "--db", db)
    reasons = {each["reason"]: each["requests"] for each in plan.document["excluded"]}
    assert reasons == {
        "it holds images, and the log they are in is no longer where it was": 2,
        "it holds sound or files, or images outside the messages of the user": 1,
    }


def test_nothing_is_sent_of_images_that_could_not_be_redacted(audit: Any, peer: Peer, tmp_path: Path) -> None:
    db = tmp_path / "a.duckdb"
    records = [openai(1, [text("Receipt"), shown(ADDRESS)]), openai(2, [text("No picture")])]
    audit("ingest", log(tmp_path / "log.jsonl", records), "--db", db, "--json")
    assert replay(audit, db, "--redact").code == 0
    assert [user_turn(body)[0]["text"] for body in peer.requests] == ["No picture"]
