"""Answers that come as streams: put together whatever pieces they come in, timed, and none without its end."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.clients import Answer, CallError
from audit.clients._bodies import Body
from tests.clients.asking import FLAVOURS, attempt
from tests.clients.shapes import SHAPES, WRONG, Shape, Wrong, half_way
from tests.peer import Peer, Wire
from tests.streams import DONE, chat, chunk, message_item, messages, responses, said, sse, text_block, text_events


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    with Peer() as peer:
        yield peer


def streamed(peer: Peer, flavour: str, *pieces: bytes, **wire: object) -> Answer:
    """The answer to one attempt whose stream comes in these pieces."""
    peer.wire = lambda path, body: Wire(pieces, **wire)  # type: ignore[arg-type]
    return attempt(peer, flavour, stream=True)


def is_the_answer(shape: Shape, answer: Answer) -> None:
    assert (answer.text, answer.tool_calls, answer.finish_reason) == (shape.text, shape.calls, shape.finish)
    assert answer.usage is not None
    told = (answer.usage.input_tokens, answer.usage.cache_read_input_tokens or 0, answer.usage.output_tokens,
            answer.usage.reasoning_output_tokens or 0)  # fmt: skip
    assert told == shape.tokens


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_stream_is_the_answer_it_would_be_as_a_whole(peer: Peer, shape: Shape) -> None:
    answer = streamed(peer, shape.flavour, *(sse([event]) for event in shape.events))
    is_the_answer(shape, answer)
    assert answer.response_id
    assert answer.response_model
    said_something = bool(shape.text or shape.calls)
    assert (answer.time_to_first_chunk is not None) == said_something
    assert 0 <= (answer.time_to_first_chunk or 0) <= answer.duration


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_stream_may_come_byte_by_byte(peer: Peer, shape: Shape) -> None:
    body = Body()
    for byte in sse(shape.events):
        body.feed(bytes([byte]))
    assert body.complete
    assert json.loads(json.dumps(body.end())) == body.end()
    content = sse(shape.events)
    is_the_answer(shape, streamed(peer, shape.flavour, *(content[at : at + 7] for at in range(0, len(content), 7))))


@given(
    shape=st.sampled_from(SHAPES), cuts=st.lists(st.integers(0, 6000)), newline=st.sampled_from(["\n", "\r\n", "\r"])
)
def test_how_a_stream_is_cut_into_pieces_changes_nothing(shape: Shape, cuts: list[int], newline: str) -> None:
    whole, pieces = Body(), Body()
    whole.feed(sse(shape.events))
    content = sse(shape.events, newline=newline)
    places = sorted({0, len(content), *(cut % (len(content) + 1) for cut in cuts)})
    for start, end in pairwise(places):
        pieces.feed(content[start:end])
    assert pieces.end() == whole.end()
    assert pieces.begun == whole.begun


LAYINGS: dict[str, Callable[[list[object]], bytes]] = {
    "CRLF": lambda events: sse(events, newline="\r\n"),
    "CR": lambda events: sse(events, newline="\r"),
    "no space behind the colon": lambda events: sse(events, space=""),
    "an object in several lines of data": lambda events: sse(events, lines=True),
    "comments": lambda events: b": hello\n\n" + sse(events).replace(b"\n\n", b"\n\n: ping\n\n"),
    "ids and times to wait": lambda events: sse(events).replace(b"data:", b"id: 7\nretry: 3000\ndata:"),
    "a byte order mark": lambda events: b"\xef\xbb\xbf" + sse(events),
    "no empty line at the end": lambda events: sse(events).rstrip(b"\n"),
    "no empty lines at all": lambda events: sse(events).replace(b"\n\n", b"\n"),
}  # fmt: skip


@pytest.mark.parametrize("laying", LAYINGS)
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_however_a_stream_is_laid_on_the_wire(peer: Peer, flavour: str, laying: str) -> None:
    shape = next(each for each in SHAPES if each.flavour == flavour)
    is_the_answer(shape, streamed(peer, flavour, LAYINGS[laying](list(shape.events))))


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("kind", ["text/plain", "application/json", "application/octet-stream"])
def test_what_a_stream_is_called_does_not_matter(peer: Peer, flavour: str, kind: str) -> None:
    shape = next(each for each in SHAPES if each.flavour == flavour)
    is_the_answer(shape, streamed(peer, flavour, sse(shape.events), kind=kind))


def test_a_compressed_stream_is_read_as_it_comes(peer: Peer) -> None:
    packed = gzip.compress(sse(chat({"content": "refund"})))
    pieces = [packed[at : at + 20] for at in range(0, len(packed), 20)]
    assert streamed(peer, "openai_chat", *pieces, headers={"Content-Encoding": "gzip"}).text == "refund"


def test_a_text_may_hold_what_other_texts_take_for_the_end_of_a_line(peer: Peer) -> None:
    text = "one\u2028two\x85three\x0bfour"
    assert streamed(peer, "openai_chat", sse(chat({"content": text}))).text == text


@pytest.mark.parametrize(
    ("flavour", "quiet", "spoken"),
    [
        ("openai_chat", chat()[:1], {"content": "refund"}),
        ("openai_chat", chat()[:1], {"reasoning_content": "Hm"}),
        ("openai_responses", responses(text_events(), [])[:4], None),
        ("anthropic_messages", messages(text_block(0, "refund"))[:3], None),
    ],
)
def test_the_first_chunk_is_the_first_that_says_something(
    peer: Peer, flavour: str, quiet: list[object], spoken: dict[str, str] | None
) -> None:
    rest = {
        "openai_chat": [chunk(spoken), *chat()[1:]],
        "openai_responses": responses(text_events("refund"), [message_item("refund")])[4:],
        "anthropic_messages": messages(text_block(0, "refund"))[3:],
    }[flavour]
    pieces = [sse(quiet), *(sse([event]) for event in rest)]  # type: ignore[arg-type]
    answer = streamed(peer, flavour, *pieces, pause=0.1)
    assert answer.time_to_first_chunk is not None
    assert 0.1 <= answer.time_to_first_chunk < answer.duration, "neither with the first byte nor with the last"


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_an_error_inside_a_stream_has_a_name_and_may_be_billed(peer: Peer, wrong: Wrong) -> None:
    with pytest.raises(CallError) as caught:
        streamed(peer, wrong.flavour, sse(wrong.events))
    failure = caught.value
    assert (failure.kind, failure.retry, failure.maybe_billed) == (wrong.kind, wrong.retry, True), failure.message


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("then", ["end", "cut"])
def test_a_stream_without_its_end_is_a_cut_connection(peer: Peer, flavour: str, then: str) -> None:
    with pytest.raises(CallError) as caught:
        streamed(peer, flavour, sse(half_way(flavour)), then=then)
    assert (caught.value.kind, caught.value.retry, caught.value.maybe_billed) == ("connection", True, True)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_breaks_behind_the_end_takes_nothing_from_the_answer(peer: Peer, flavour: str) -> None:
    shape = next(each for each in SHAPES if each.flavour == flavour)
    is_the_answer(shape, streamed(peer, flavour, sse(shape.events), then="cut"))


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_connection_that_is_not_closed_keeps_nobody_waiting(peer: Peer, flavour: str) -> None:
    shape = next(each for each in SHAPES if each.flavour == flavour)
    is_the_answer(shape, streamed(peer, flavour, sse(shape.events), then="hang"))


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"<html>Bad gateway</html>", "bad_answer"), (b"upstream is gone", "bad_answer"), (b"", "bad_answer"),
     (b": ping\n\n", "bad_answer"), (b"data: nonsense\n\n", "bad_answer"),
     (b'{"error": {"message": "busy", "code": 503}}', "overloaded"),
     (b'error: {"message": "busy", "code": 503}\n\n', "overloaded"),
     (b"event: error\ndata: upstream is gone\n\n", "server_error"),
     (b'event: error\ndata: {"message": "busy", "code": 503}\n\n', "overloaded"),
     (b'data: {"choices": "x"}\n\ndata: {"choices": [null]}\n\ndata: [DONE]\n\n', "bad_answer"),
     (b'data: {"type": "message_start", "message": {"content": 7}}\n\n', "connection"),
     (b"data: " + b"[" * 100_000 + b"\n\n", "bad_answer")],
)  # fmt: skip
def test_what_comes_in_place_of_a_stream_has_a_name(peer: Peer, flavour: str, content: bytes, kind: str) -> None:
    with pytest.raises(CallError) as caught:
        streamed(peer, flavour, content, kind="text/html")
    assert (caught.value.kind, caught.value.retry) == (kind, True)


def test_a_broken_letter_is_no_answer(peer: Peer) -> None:
    with pytest.raises(CallError) as caught:
        streamed(peer, "openai_chat", sse(chat({"content": "é"})).replace(b"\xc3\xa9", b"\xc3"))
    assert caught.value.kind == "bad_answer"


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_whole_answer_is_taken_where_a_stream_was_asked_for(peer: Peer, flavour: str) -> None:
    peer.wire = lambda path, body: None
    answer = attempt(peer, flavour, stream=True)
    assert (answer.text, answer.time_to_first_chunk) == ("refund", None)
    assert peer.requests[-1]["stream"] is True


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_stream_is_taken_where_a_whole_answer_was_asked_for(peer: Peer, flavour: str) -> None:
    peer.wire = lambda path, body: Wire([sse(said(path, "refund"))])
    answer = attempt(peer, flavour)
    assert (answer.text, answer.time_to_first_chunk) == ("refund", None)
    assert "stream" not in peer.requests[-1]
    peer.wire = lambda path, body: Wire([sse(half_way(flavour))])
    with pytest.raises(CallError) as caught:
        attempt(peer, flavour)
    assert caught.value.kind == "connection", "half a stream is no answer, asked for or not"


def test_counts_are_asked_for_and_a_stream_without_them_is_asked_for_as_a_whole(peer: Peer) -> None:
    with pytest.raises(CallError) as caught:
        streamed(peer, "openai_chat", sse([*chat({"content": "refund"})[:-2], DONE]))
    assert peer.requests[-1]["stream_options"] == {"include_usage": True}
    assert (caught.value.kind, caught.value.parameter, caught.value.maybe_billed) == ("unsupported", "stream", True)
