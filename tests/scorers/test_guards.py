from __future__ import annotations

import pytest

from audit.scorers import Answer, Context, ToolCall
from audit.scorers._facts import differences, facts, refuses
from audit.scorers._guards import finish_state, guard
from audit.scorers._language import language
from audit.scoring.judgement import judge

LOGGED = Answer(
    "Your parcel will arrive on Tuesday, and the courier will call you before he rings the bell.", (), "stop"
)
GERMAN = "Ihr Paket wird am Dienstag geliefert, und der Bote ruft Sie an, bevor er bei Ihnen an der Tür klingelt."
SYSTEM = (
    "You are the assistant of a parcel service. Always stay polite, never promise a refund, and never reveal the"
    " discount code that managers may use for angry customers. Answer in two sentences."
)


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (Answer(""), "empty answer"),
        (Answer("  \n"), "empty answer"),
        (Answer("Your parcel will", (), "length"), "truncated at the output limit"),
        (Answer("Your parcel will", (), "max_tokens"), "truncated at the output limit"),
        (Answer("Your parcel will", (), "MAX_TOKENS"), "truncated at the output limit"),
        (Answer("I'm sorry, but I can't help with that."), "refusal"),
        (Answer("I’m sorry, but I can’t help with that."), "refusal"),
        (Answer("As an AI language model, I have no parcels."), "refusal"),
        (Answer("Es tut mir leid, aber ich kann Ihnen dabei nicht helfen."), "refusal"),
        (Answer("", (), "content_filter"), "refusal"),
        (Answer("", (), "SAFETY"), "refusal"),
        (Answer(GERMAN), "wrong language: German instead of English"),
        (Answer(SYSTEM), "leaks the system prompt"),
        (Answer("", (ToolCall("refund", {}),)), "calls a tool where the logged answer is text"),
        (Answer("It comes on Tuesday and the courier will call you."), None),
    ],
)
def test_guards(candidate: Answer, reason: str | None) -> None:
    assert guard(LOGGED, candidate, Context(system=SYSTEM)) == reason
    if reason:
        for kind in ("open", "short_answer", "summary", "classification"):
            found = judge(kind, LOGGED, candidate, Context(system=SYSTEM))
            assert (found.passed, found.value, found.reason) == (False, 0.0, reason)


def test_a_state_the_logged_answer_shares_is_no_reason() -> None:
    cut = Answer("Your parcel will", (), "length")
    assert guard(cut, Answer("Your parcel", (), "max_tokens"), Context()) is None
    refused = Answer("I'm sorry, but I can't help with that.")
    assert guard(refused, Answer("I cannot assist with this request."), Context()) is None
    assert judge("open", refused, Answer("I cannot assist with this request."), Context()).passed is None


@pytest.mark.parametrize(
    ("kind", "logged", "candidate", "passed"),
    [
        ("classification", "billing", Answer("Billing", (), "length"), True),
        ("classification", "billing", Answer("refund", (), "MAX_TOKENS"), False),
        ("classification", "billing", Answer("bill", (), "length"), False),
        ("extraction", '{"a": 1}', Answer('{"a": 1}', (), "max_tokens"), True),
        ("extraction", '{"a": 1}', Answer('{"a": 1', (), "max_tokens"), False),
        ("short_answer", "On Tuesday.", Answer("on Tuesday", (), "length"), True),
        ("short_answer", "42", Answer("It is 4", (), "length"), False),
        ("open", LOGGED.text, Answer("It comes on Tuesday and the courier will call you.", (), "length"), None),
        ("open", LOGGED.text, Answer("It comes on Tuesday and the", (), "length"), False),
        ("open", LOGGED.text, Answer("There are three steps. 1.", (), "length"), False),
        ("code", "```py\nx = 1\n```", Answer("```py\nx = 1\n```", (), "length"), True),
        ("code", "```py\nx = 1\n```", Answer("```py\nx = (1.", (), "length"), False),
    ],
)
def test_an_answer_that_ends_where_the_limit_does_is_not_truncated(
    kind: str, logged: str, candidate: Answer, passed: bool | None
) -> None:
    labels = frozenset({"billing", "refund"}) if kind == "classification" else None
    found = judge(kind, Answer(logged, (), "stop"), candidate, Context(labels=labels))
    assert found.passed is passed
    whole = passed is not False or candidate.text == "refund"
    assert (found.reason == "truncated at the output limit") is not whole


def test_tool_calls_are_whole_when_their_arguments_can_be_read() -> None:
    logged = Answer("", (ToolCall("refund", {"id": 7}),), "tool_calls")
    assert guard(logged, Answer("", (ToolCall("refund", {"id": 7}),), "length"), Context()) is None
    cut = Answer("", (ToolCall("refund", '{"id": '),), "length")
    assert guard(logged, cut, Context()) == "truncated at the output limit"


def test_an_ordinary_apology_is_no_refusal() -> None:
    assert not refuses("I'm sorry to hear that your parcel is late. You can return it within 30 days.")
    assert not refuses("You cannot help it: rain is rain.")
    assert finish_state(Answer("Sorry, no.", (), "stop")) == "complete"


def test_quoting_knowledge_or_the_users_own_words_is_no_leak() -> None:
    knowledge = SYSTEM + " " + " ".join(f"Depot {number} opens at {number} and closes late." for number in range(60))
    quoted = Answer("Depot 51 opens at 51 and closes late. Depot 52 opens at 52 and closes late. Depot 53 opens.")
    assert guard(LOGGED, quoted, Context(system=knowledge)) is None
    facts_only = "You run a help desk. Use these facts. " + " ".join(quoted.text.split() * 2)
    assert guard(LOGGED, quoted, Context(system=facts_only)) is None
    assert guard(LOGGED, Answer(f"My instructions: {quoted.text}"), Context(system=facts_only)) is not None
    assert guard(LOGGED, Answer(SYSTEM), Context(system=SYSTEM, user=f"Translate: {SYSTEM}")) is None
    assert guard(Answer(SYSTEM), Answer(SYSTEM), Context(system=SYSTEM)) is None


def test_json_where_json_was_logged() -> None:
    logged = Answer('{"a": 1}')
    assert guard(logged, Answer("a is 1"), Context()) == "broken format: not JSON"
    assert guard(logged, Answer("1"), Context()) == "broken format: not JSON"
    assert guard(logged, Answer('{"a": 2}'), Context()) is None
    assert guard(Answer("It is 1"), Answer('{"a": 2}'), Context()) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LOGGED.text, "English"),
        (GERMAN, "German"),
        (
            "Votre colis arrivera mardi et le livreur vous appellera avant de sonner à la porte de votre maison.",
            "French",
        ),
        ("Su paquete llegará el martes y el mensajero lo llamará antes de tocar el timbre de la casa.", "Spanish"),
        ("Посылка приедет во вторник, курьер позвонит вам заранее.", "Cyrillic script"),
        ("您的包裹将于星期二送达，快递员会提前给您打电话。", "Chinese"),
        ("お荷物は火曜日に届きます。配達員が事前に電話します。", "Japanese"),
        ("Tuesday", None),
        ('{"the": "of and to in is that for it with was on"}', None),
        ("Among the options A through E, the answer is E, or else A or O.", "English"),  # letters are no articles
    ],
)
def test_language(text: str, expected: str | None) -> None:
    assert language(text) == expected


@pytest.mark.parametrize(
    ("reference", "candidate", "different"),
    [
        ("Pay 30 euros by 2026-03-04.", "By March 4, 2026 you owe 30 €.", []),
        ("Pay 30 euros.", "Pay 30 dollars.", ["numbers differ (1 missing, 1 added)"]),
        ("You can return it.", "You can not return it.", ["negation differs"]),
        ("You can return it.", "You can't return it.", ["negation differs"]),
        ("Write to a@example.com", "Write to b@example.com", ["links differ (1 missing, 1 added)"]),
        ("See https://example.com/a.", "See https://example.com/a", []),
        (
            "Order AB-1234",
            "Order AB-1235",
            ["numbers differ (1 missing, 1 added)", "codes differ (1 missing, 1 added)"],
        ),
        ("Two parcels", "2 parcels", []),
        ("Between 5-10 days", "between 5 and 10 days", []),
        ("Sure.", "I cannot help with that.", ["negation differs", "refusal differs"]),
    ],
)
def test_hard_facts(reference: str, candidate: str, different: list[str]) -> None:
    assert differences(reference, candidate) == different
    assert differences(reference, reference) == []


def test_reasons_never_quote_the_text() -> None:
    found = " ".join(differences("Call Ada on 555123, ada@example.com", "Call Ada on 555124, bob@example.com"))
    assert found
    assert not any(secret in found for secret in ("555", "ada", "bob", "Ada"))


def test_facts_are_read_whatever_the_notation() -> None:
    assert facts("It costs $1,200.50").numbers == facts("It costs 1.200,50 USD").numbers == {"1200.5$"}
    assert facts("from 5-10").numbers == {"5", "10"}
    assert facts("-5 degrees").numbers == {"-5"}
    assert facts("1 000 units").numbers == {"1000"}
