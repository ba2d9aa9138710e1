"""Personal data replaced by placeholders before a prompt is sent, and put back into the answer before it is scored."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, Protocol

from audit.clients import Answer, Message, NotReplayableError, Prompt, ToolCall
from audit.errors import ReplayError

MISSING = "pip install 'llm-workload-audit[redact]'"
REPLACED = "personal data is replaced by placeholders"
# a date or five digits name nobody, and answers often hang on them
LEFT_ALONE = frozenset({"DOB", "ZIP", "DE_POSTAL_CODE"})
CACHED_TEXTS = 4096


class _Found(Protocol):
    """A span of personal data in a text."""

    label: str
    start: int
    end: int


class Redactor:
    """Finds personal data by its form: addresses, phone and card numbers, identity numbers, accounts, IP addresses.

    Names of people and places have no form and are not found. The patterns are those of the package datafog, which
    needs no model and no network. Raises ReplayError when it is not installed.
    """

    def __init__(self) -> None:
        if find_spec("datafog") is None:
            raise ReplayError("the package that finds personal data is not installed", MISSING)
        # it counts its users only where they ask for it; here it is not even asked
        os.environ.setdefault("DATAFOG_NO_TELEMETRY", "1")
        from datafog.processing.text_processing.regex_annotator import RegexAnnotator

        annotator = RegexAnnotator(locales=["de"])
        self._spans: Callable[[str], Sequence[_Found]] = lru_cache(CACHED_TEXTS)(
            lambda text: _apart(list(annotator.annotate_with_spans(text)[1].spans))
        )

    def redact(self, prompt: Prompt) -> Redacted:
        """The prompt with placeholders; the same value gets the same one throughout. Raises NotReplayableError."""
        if any(message.images for message in prompt.messages):
            raise NotReplayableError("it holds images, in which personal data is not found")
        work = _Work(self._spans, " ".join(_texts(prompt)))
        made = replace(
            prompt,
            system=tuple(map(work.text, prompt.system)),
            messages=tuple(work.message(message) for message in prompt.messages),
        )
        if not work.originals:
            return Redacted(prompt, {}, Counter())
        return Redacted(replace(made, lossy=(*made.lossy, REPLACED)), work.originals, work.counts)


@dataclass(frozen=True, slots=True)
class Redacted:
    """A prompt to send, the originals behind its placeholders, and how many values of each kind were replaced."""

    prompt: Prompt
    originals: Mapping[str, str]
    counts: Counter[str]


def restored(answer: Answer, originals: Mapping[str, str]) -> Answer:
    """The answer with the originals in place of their placeholders."""
    if not originals:
        return answer
    pattern = re.compile("|".join(map(re.escape, sorted(originals, key=len, reverse=True))))

    def back(value: Any) -> Any:
        return _mapped(value, lambda text: pattern.sub(lambda match: originals[match.group()], text))

    calls = tuple(replace(call, arguments=back(call.arguments)) for call in answer.tool_calls)
    return replace(answer, text=back(answer.text), tool_calls=calls)


@dataclass(slots=True)
class _Work:
    """Placeholders of one prompt; none is used that the prompt already holds."""

    spans: Callable[[str], Sequence[_Found]]
    whole: str
    originals: dict[str, str] = field(default_factory=dict)
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    numbers: Counter[str] = field(default_factory=Counter)

    def text(self, text: str) -> str:
        parts, last = [], 0
        for span in self.spans(text):
            parts += [text[last : span.start], self._name(span.label, text[span.start : span.end])]
            last = span.end
        return "".join((*parts, text[last:]))

    def message(self, message: Message) -> Message:
        calls = tuple(
            ToolCall(call.name, _mapped(call.arguments, self.text), call.call_id) for call in message.tool_calls
        )
        return replace(message, texts=tuple(map(self.text, message.texts)), tool_calls=calls)

    def _name(self, label: str, value: str) -> str:
        key = label, value
        if key not in self.names:
            self.counts[label] += 1
            name = ""
            while not name or name in self.whole:
                self.numbers[label] += 1
                name = f"[{label}_{self.numbers[label]}]"
            self.names[key] = name
            self.originals[name] = value
        return self.names[key]


def _apart(found: Sequence[_Found]) -> list[_Found]:
    """Spans that do not overlap, in order; of those that do, the longest stays."""
    kept: list[_Found] = []
    for each in sorted(found, key=lambda span: (span.start - span.end, span.start)):
        clear = all(each.end <= other.start or each.start >= other.end for other in kept)
        if clear and each.label not in LEFT_ALONE:
            kept.append(each)
    return sorted(kept, key=lambda span: span.start)


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """JSON values with every text changed, keys left alone."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_mapped(each, change) for each in value]
    if isinstance(value, Mapping):
        return {key: _mapped(each, change) for key, each in value.items()}
    return value


def _texts(prompt: Prompt) -> list[str]:
    calls = [json.dumps(call.arguments) for message in prompt.messages for call in message.tool_calls]
    return [*prompt.system, *(text for message in prompt.messages for text in message.texts), *calls]
