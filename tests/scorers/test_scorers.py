from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from audit import plugins
from audit.scorers import Answer, Context, Score, ToolCall
from audit.scorers._trees import leaf_match
from audit.scoring.judgement import LONGEST, judge, kind_of

ORACLES = json.loads((Path(__file__).parents[1] / "oracles" / "expected.json").read_text(encoding="utf-8"))
KINDS = sorted({kind for scorer in plugins.find("scorers", "SCORER") for kind in scorer.kinds})
INVOICE = {
    "invoice": "INV-7",
    "total": 120.0,
    "items": [{"sku": "A", "q": 2}, {"sku": "B", "q": 1}],
    "paid": False,
}
quick = settings(max_examples=60, deadline=None)


def scored(kind: str, reference: Any, candidate: Any, **context: Any) -> Score:
    texts = [text if isinstance(text, str) else json.dumps(text) for text in (reference, candidate)]
    return judge(kind, Answer(texts[0]), Answer(texts[1]), Context(**context))


def called(reference: list[ToolCall], candidate: list[ToolCall], **context: Any) -> Score:
    return judge("tool_call", Answer("", tuple(reference)), Answer("", tuple(candidate)), Context(**context))


def test_every_kind_of_the_method_has_a_scorer() -> None:
    assert {
        "classification", "extraction", "tool_call", "short_answer", "code", "reasoning",
        "summary", "rewrite", "translation", "drafting", "open", "mixed",
    } <= set(KINDS)  # fmt: skip


LABELS = frozenset({"billing", "refund", "technical issue"})


@pytest.mark.parametrize(
    ("reference", "candidate", "labels", "passed"),
    [
        ("Billing", "billing.", LABELS, True),
        ("Billing", '"Billing"', LABELS, True),
        ("Billing", "refund", LABELS, False),
        ("Billing", "something else entirely", LABELS, False),
        ("Billing", "The category is billing", LABELS, True),
        ("Billing", "Category: **Billing**", LABELS, True),
        ("Billing", "billing - the customer was charged twice", LABELS, True),
        ("Technical issue", "technical_issue", LABELS, True),
        ("Billing", "It is not billing.", LABELS, None),
        ("Billing", "Refund, the customer speaks of billing.", LABELS, False),
        ("Billing", "billing or refund", LABELS, False),
        ("Billing", "refund", None, None),
        ("A", "B", frozenset({"a", "b"}), False),
        ("A", "A", frozenset({"a", "b"}), True),
        ('{"intent": "refund", "confidence": 0.91}', '{"confidence": 0.7, "intent": "Refund"}', None, True),
        ('{"intent": "refund"}', '{"intent": "billing"}', None, False),
        ('{"intent": "refund"}', "refund", None, False),
        ("5", "6", frozenset({"1", "5", "6"}), False),
        ("C++", "C", frozenset({"c", "c++"}), False),
        ("A+", "A", frozenset({"a", "a+"}), False),
    ],
)
def test_classification(reference: str, candidate: str, labels: frozenset[str] | None, passed: bool | None) -> None:
    assert scored("classification", reference, candidate, labels=labels).passed is passed


def test_leaf_f1_is_the_worked_example() -> None:
    candidate = {
        "invoice": "inv-7", "total": 120, "items": [{"sku": "B", "q": 1}, {"sku": "A", "q": 3}], "paid": 0, "note": "x",
    }  # fmt: skip
    match, expected = leaf_match(INVOICE, candidate), ORACLES["json_f1"]
    assert (match.shared, match.candidate, match.reference) == (expected["tp"], expected["cand"], expected["ref"])
    assert match.f1 == pytest.approx(expected["f1"], abs=1e-6)
    found = scored("extraction", INVOICE, candidate)
    assert found.passed is False
    assert found.value <= match.f1


@pytest.mark.parametrize(
    ("change", "passed"),
    [
        ({}, True),
        ({"invoice": "inv-7", "total": 120}, True),
        ({"items": [{"q": 1, "sku": "B"}, {"q": 2, "sku": "A"}]}, True),
        ({"items": [{"sku": "A", "q": 1}, {"sku": "B", "q": 2}]}, False),  # every leaf is there, at the wrong item
        ({"items": [{"sku": "A", "q": 2}]}, False),
        ({"total": 120.004}, True),
        ({"total": 120.01}, False),
        ({"total": "120.0"}, False),
        ({"paid": 0}, False),
        ({"paid": None}, False),
        ({"note": None}, True),
        ({"note": "x"}, False),
    ],
)
def test_extraction_without_a_schema(change: dict[str, Any], passed: bool) -> None:
    assert scored("extraction", INVOICE, INVOICE | change).passed is passed


def test_whole_numbers_are_never_almost_equal() -> None:
    assert scored("extraction", {"id": 1_000_000}, {"id": 1_000_001}).passed is False
    assert scored("extraction", {"account": 12345678901234567}, {"account": 12345678901234568}).passed is False
    assert scored("extraction", {"zip": "01234"}, {"zip": "1234"}).passed is False


def test_dates_and_amounts_are_compared_by_value() -> None:
    assert scored("extraction", {"due": "2026-03-04"}, {"due": "March 4, 2026"}).passed is True
    assert scored("extraction", {"due": "2026-03-04"}, {"due": "4 mars 2026"}).passed is True
    assert scored("extraction", {"due": "2026-03-04"}, {"due": "2026-04-03"}).passed is False
    assert scored("extraction", {"due": "2026-03-04"}, {"due": "03/04/2026"}).passed is False  # day or month first?
    assert scored("extraction", {"fee": "$1,200.00"}, {"fee": "1200 USD"}).passed is True
    assert scored("extraction", {"fee": "$1,200.00"}, {"fee": "€1,200.00"}).passed is False


SCHEMA = {
    "type": "object",
    "properties": {
        "sku": {"type": "string", "pattern": "^[A-Z]$"},
        "q": {"type": "integer"},
        "note": {"type": "string"},
    },
    "required": ["sku", "q"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("reference", "candidate", "passed"),
    [
        ({"sku": "A", "q": 1}, {"sku": "A", "q": 1}, True),
        ({"sku": "A", "q": 1, "note": "x"}, {"sku": "A", "q": 1}, False),  # F1 below .95: one of three fields is gone
        ({"sku": "A", "q": 1}, {"sku": "A", "q": "1"}, False),
        ({"sku": "A", "q": 1}, {"sku": "A", "q": 1, "extra": 1}, False),
        ({"sku": "A", "q": 1}, {"q": 1}, False),
    ],
)
def test_extraction_with_a_schema(reference: Any, candidate: Any, passed: bool) -> None:
    assert scored("extraction", reference, candidate, schema=SCHEMA, json_required=True).passed is passed


def test_one_optional_field_of_many_may_be_missing() -> None:
    reference = {f"field_{number}": number for number in range(30)} | {"note": "x"}
    schema = {
        "type": "object",
        "properties": {key: {} for key in reference},
        "required": [key for key in reference if key != "note"],
    }
    candidate = {key: value for key, value in reference.items() if key != "note"}
    assert scored("extraction", reference, candidate, schema=schema).passed is True
    assert scored("extraction", reference, candidate).passed is False


def test_a_schema_out_of_a_log_can_neither_fetch_nor_hang_nor_break() -> None:
    remote = {"type": "object", "properties": {"a": {"$ref": "https://example.invalid/schema.json"}}}
    assert scored("extraction", {"a": 1}, {"a": 1}, schema=remote).passed is True
    endless = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    text = "a" * 40 + "!"
    assert scored("extraction", {"a": text}, {"a": text}, schema=endless).passed is True
    assert scored("extraction", {"a": 1}, {"a": 1}, schema={"type": "no such type"}).passed is True


def test_wording_needs_a_judge_but_values_do_not() -> None:
    reference = {"id": 7, "summary": "The parcel came late"}
    assert scored("extraction", reference, {"id": 7, "summary": "Late delivery of the parcel"}).passed is None
    assert scored("extraction", reference, {"id": 8, "summary": "Late delivery of the parcel"}).passed is False
    assert scored("extraction", {"city": "Lyon"}, {"city": "Nice"}).passed is False


@pytest.mark.parametrize("required", [True, False])
def test_a_code_fence_around_json_is_told_and_prose_leaves_it_open(required: bool) -> None:
    fenced = f"```json\n{json.dumps(INVOICE)}\n```"
    found = scored("extraction", INVOICE, fenced, json_required=required)
    assert found.passed is True
    assert "code fence" in found.reason
    for prose in (f"Here you are:\n{fenced}", f"Here you are: {json.dumps(INVOICE)}"):
        assert scored("extraction", INVOICE, prose, json_required=required).passed is None
    wrong = json.dumps(INVOICE | {"total": 121.0})
    assert scored("extraction", INVOICE, f"Here you are: {wrong}").passed is False
    assert scored("extraction", INVOICE, "Here you are.").passed is False


def search(**arguments: Any) -> ToolCall:
    return ToolCall("search", arguments)


TOOLS = {
    "search": {
        "type": "object",
        "properties": {"q": {"type": "string"}, "k": {"type": "integer", "default": 5}, "page": {"type": "integer"}},
        "required": ["q"],
    }
}


def test_tool_worked_example() -> None:
    found = called([search(q="cats", k=5)], [search(q="cats", k=10)])
    assert found.value == pytest.approx(ORACLES["tool"]["arg_f1"])
    assert found.passed is ORACLES["tool"]["strict"]


@pytest.mark.parametrize(
    ("reference", "candidate", "passed"),
    [
        ([search(q="cats", k=5)], [search(k=5, q="Cats")], True),
        ([search(q="cats"), search(q="dogs")], [search(q="dogs"), search(q="cats")], True),
        ([search(q="cats")], [search(q="dogs")], False),
        ([search(q="cats")], [search(q="cats"), search(q="cats")], False),
        ([search(q="cats")], [ToolCall("delete", {"q": "cats"})], False),
        ([search(q="cats")], [search()], False),
        ([search(q="cats")], [search(q=7)], False),
        ([search(q="cats")], [search(q="cats", k=5)], True),  # the tool's own default
        ([search(q="cats", page=2)], [search(q="cats")], None),  # what it stands for when left out is not known
        ([search(q="cats", page=2)], [search(q="cats", page=3)], False),
        ([search(q="cats")], [search(q="cats", page=2)], None),
        ([search(q="cheap flights to Rome in May")], [search(q="flights to Rome in May, cheap")], None),
        ([search(q="cats")], [], False),
    ],
)
def test_tool_calls(reference: list[ToolCall], candidate: list[ToolCall], passed: bool | None) -> None:
    assert called(reference, candidate, tools=TOOLS).passed is passed


@pytest.mark.parametrize(
    ("reference", "candidate", "prompt", "passed"),
    [
        ("Paris", "paris.", "", True),
        ("Paris", "The capital of France is Paris.", "What is the capital of France?", True),
        ("Paris", "The capital of Peru is Paris.", "What is the capital of France?", None),
        ("Paris", "It is Paris or London", "", None),
        ("Paris", "It is not Paris", "", None),
        ("Paris", "London", "", None),
        ("42", "42.0", "", True),
        ("42", "The answer is 42.", "", True),
        ("42", "43", "", False),
        ("42", "142", "", False),
        ("42", "The answer is 142.", "", False),
        ("42", "The answer is -42", "", False),
        ("1,200", "1200", "", True),
        ("1.200,50 €", "€1200.50", "", True),
        ("$5", "€5", "", False),
        ("$5", "$6", "", False),
        ("50%", "50 percent", "", True),
        ("10²", "102", "", False),
        ("Yes", "No", "", False),
        ("Yes", "Yes, it does.", "", True),
        ("Yes", "No, it does not.", "", False),
        ("2026-03-04", "4 March 2026", "", True),
        ("2026-03-04", "2026-03-05", "", False),
        ("Tuesday at 9", "Tuesday at 10", "", False),
        ("5", "5, 6", "Is it 5 or 6?", None),
    ],
)
def test_short_answers(reference: str, candidate: str, prompt: str, passed: bool | None) -> None:
    assert scored("short_answer", reference, candidate, user=prompt).passed is passed


@pytest.mark.parametrize(
    ("reference", "candidate", "passed"),
    [
        ("So it is.\nFinal answer: 42", "Well.\n\\boxed{42}", True),
        ("So it is.\n**Answer:** 42", "Well.\n#### 42.0", True),
        ("So it is.\n**Answer:** 42", "Well.\n#### 41", False),
        ("So it is.\n**Answer:** 42", "Therefore, the answer is 42.", True),
        ("So it is.\nFinal answer: the red door", "Final answer: a red door", True),
        ("So it is.\nFinal answer: the red door", "Final answer: the crimson door", None),
        ("It was the butler because of the clock.", "It was the butler.", None),
    ],
)
def test_reasoning(reference: str, candidate: str, passed: bool | None) -> None:
    assert scored("reasoning", reference, candidate).passed is passed


PYTHON = "```python\ndef f(a):\n    return a + 1\n```"


@pytest.mark.parametrize(
    ("reference", "candidate", "passed"),
    [
        (PYTHON, "```python\ndef f(a):\n  '''Add one.'''\n  return (a+1)  # done\n```", True),
        (PYTHON, "```python\ndef f(a):\n    return a + 2\n```", None),
        (PYTHON, "```python\ndef f(a:\n```", False),
        (PYTHON, "I would rather not say.", False),
        ("```sql\nSELECT a FROM b\n```", "```sql\nSELECT a\nFROM b\n```", True),
        ("```sql\nSELECT a FROM b\n```", "```sql\nSELECT c FROM b\n```", None),
        ("```yaml\na:\n  b: 1\n```", "```yaml\na:\nb: 1\n```", None),
        ('```json\n{"a": 1, "b": 2}\n```', '```json\n{"b": 2, "a": 1}\n```', True),
        ("```python\n# a\n```", "```python\n# b\n```", None),
        ("SELECT count(*) FROM Towns;", "select COUNT(*)\nfrom towns", True),
        ("SELECT count(*) FROM towns", "The query:\n```sql\nSELECT COUNT(*) FROM towns;\n```", True),
        ("SELECT a FROM b WHERE c = 'X'", "SELECT a FROM b WHERE c = 'x'", None),
        ("```sql\nSELECT a FROM b\n```", "```postgresql\nselect a from b\n```", True),
        ("MATCH (n:Town) RETURN n.name", "MATCH (n:Town)\nRETURN n.name;", True),
        ("MATCH (n:Town) RETURN n.name", "MATCH (n:town) RETURN n.name", None),
    ],
)
def test_code(reference: str, candidate: str, passed: bool | None) -> None:
    assert scored("code", reference, candidate).passed is passed


def test_logged_code_is_never_run(tmp_path: Path) -> None:
    target = tmp_path / "written"
    source = f"```python\nopen({str(target)!r}, 'w').close()\n```"
    assert scored("code", source, source + " ").passed is True
    assert not target.exists()


def test_open_text_is_never_passed_by_similarity() -> None:
    reference = "The flight leaves Madrid at 9:40 and arrives in Oslo at 13:20."
    near = reference.replace("leaves", "departs from").replace("arrives in", "reaches")
    for kind in ("summary", "rewrite", "drafting", "open", "mixed"):
        assert scored(kind, reference, near).passed is None
        assert "numbers differ" in scored(kind, reference, near.replace("9:40", "9:45")).reason
        assert scored(kind, reference, reference).passed is True


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("constant", ["I am here to help.", "42", "Yes", "{}", "Final answer: done", "Paris"])
def test_a_constant_answer_never_passes_a_varied_workflow(kind: str, constant: str) -> None:
    logged = [f"The order {number} ships on day {number} to street {number}." for number in range(20)]
    assert not any(judge(kind, Answer(text), Answer(constant), Context()).passed for text in logged)


WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=60)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=12
)
OBJECTS = st.dictionaries(WORDS, TREES, min_size=1, max_size=5)


@quick
@given(kind=st.sampled_from(KINDS), text=WORDS)
def test_the_logged_answer_itself_passes(kind: str, text: str) -> None:
    assume(text.strip())
    answer = Answer(text, finish_reason="stop")
    found = judge(kind_of(kind, answer), answer, answer, Context(user=text, system=text))
    assert found.passed is True
    assert found.value == 1.0


@quick
@given(value=OBJECTS, seed=st.randoms(use_true_random=False))
def test_key_order_and_layout_of_json_mean_nothing(value: dict[str, Any], seed: Any) -> None:
    keys = list(value)
    seed.shuffle(keys)
    found = judge(
        "extraction",
        Answer(json.dumps(value)),
        Answer(json.dumps({key: value[key] for key in keys}, indent=2)),
        Context(),
    )
    assert found.passed is True


@quick
@given(value=OBJECTS, number=st.integers(-(10**12), 10**12), change=st.integers(1, 10**6))
def test_a_changed_number_never_passes(value: dict[str, Any], number: int, change: int) -> None:
    reference, candidate = value | {"amount": number}, value | {"amount": number + change}
    assert scored("extraction", reference, candidate).passed is False
    assert called([search(q="x", k=number)], [search(q="x", k=number + change)]).passed is False
    for kind in ("short_answer", "classification", "open", "reasoning", "code", "summary"):
        texts = [f"It costs {number} per month", f"It costs {number + change} per month"]
        assert not scored(kind, texts[0], texts[1]).passed
        assert not scored(kind, str(number), str(number + change)).passed


@quick
@given(kind=st.sampled_from(KINDS), reference=WORDS, candidate=st.text(max_size=80), calls=TREES)
def test_no_text_breaks_a_scorer(kind: str, reference: str, candidate: str, calls: Any) -> None:
    for answer in (Answer(candidate), Answer(candidate, (ToolCall("f", calls),)), Answer(json.dumps(calls))):
        logged = Answer(reference)
        found = judge(
            kind_of(kind, logged), logged, answer, Context(schema={"type": "object"}, labels=frozenset({"a"}))
        )
        assert 0.0 <= found.value <= 1.0
        assert found.scorer
        assert found.version
        assert found.reason


@pytest.mark.parametrize(
    "text",
    [
        "\n" * 20_000 + "x",
        "```" + " " * 20_000,
        "answer is " * 2_000,
        "[" * 100_000,
        '{"a":' * 50_000,
        "(" * 50_000,
        "9" * 10_000,
        "\x00\ud800",
        "```" * 5_000,
        " " * 90_000 + "!",
    ],
)
def test_hostile_texts_end_in_a_verdict(text: str) -> None:
    for kind in KINDS:
        assert (
            judge(kind, Answer("12 apples"), Answer(text), Context(system="Be kind.", user="How many?")).passed
            is not True
        )


@pytest.mark.parametrize("kind", ["short_answer", "classification", "reasoning", "code", "extraction", "open"])
def test_answers_no_program_can_read_in_time_are_left_open_and_said_so(kind: str) -> None:
    text = "1 000" * (LONGEST // 5 + 1)
    same = judge(kind, Answer(text), Answer(text), Context())
    assert (same.passed, same.reason) == (True, "same text")
    for reference, candidate in ((text, text + "1"), (text, "no"), ("no", text)):
        open_ = judge(kind, Answer(reference), Answer(candidate), Context())
        assert (open_.passed, open_.reason) == (None, "longer than 100,000 characters, which programs do not compare")
