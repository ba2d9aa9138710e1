"""What the log teaches about the cache: reliability, life, minimum, marks the log lost; the measure that prints it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from caching import RULES, Log, automatic, system, user

from audit.ingest import ingest
from audit.promptcache import calibrate, traffic
from audit.promptcache.calibration import models_of
from audit.summary import summary

SAMPLES = Path(__file__).parent.parent.parent / "sample_logs"


def steady(
    log: Log, *, life_s: float, missed: float = 0.0, seed: int = 1, told: bool = True, minimum: int = 1024
) -> None:
    """Bursts of requests of one prompt, billed by a provider that forgets some entries."""
    random = np.random.default_rng(seed)
    sent, at = [], 0.0
    for number in range(300):
        at += float(random.choice([40, 400, 1000]))
        sent.append((at, at + 2, [("static", 1408), (f"question {number}", 100)]))
    for (at, ready, _), read in zip(sent, automatic(sent, life_s=life_s, minimum=minimum), strict=True):
        billed = 0 if random.random() < missed else read
        parts = [system("static", 1408), user(f"question at {at}", 100)]
        log.call(at, parts, read=billed if told else 0, wait_s=ready - at, told=told)


def test_reliability_is_the_billed_share_of_the_predicted_tokens() -> None:
    log = Log()
    steady(log, life_s=600, missed=0.2)
    (model,) = calibrate(traffic(log.store)).models
    assert model.measured
    assert model.reliability == pytest.approx(model.billed / model.predicted, abs=0.01)
    assert 0.72 < model.reliability < 0.88
    assert 0 < model.spread < 0.1
    assert model.life_s == 600


@pytest.mark.parametrize("life_s", [300, 600, 3600])
def test_life_that_explains_the_billed_hits_is_found(life_s: int) -> None:
    log = Log()
    steady(log, life_s=life_s, missed=0.05)
    (model,) = calibrate(traffic(log.store)).models
    assert model.life_s == (life_s if life_s != 3600 else 1800)
    assert model.billed == pytest.approx(0.95 * model.predicted, rel=0.05)


def test_documented_reliability_stands_where_nothing_is_logged() -> None:
    log = Log()
    steady(log, life_s=600, told=False)
    (model,) = calibrate(traffic(log.store)).models
    assert not model.measured
    assert model.reliability == RULES["auto"]["reliability"]
    assert model.spread == pytest.approx(0.15)


def test_shorter_prefixes_billed_as_cached_lower_the_minimum() -> None:
    log = Log()
    for number in range(60):
        read = 768 if number else 0
        log.call(number * 60, [system("static", 800), user(f"question {number}", 400)], read=read)
    (model,) = calibrate(traffic(log.store)).models
    assert model.min_tokens == 768
    assert model.predicted == model.billed == 59 * 768


def test_marks_missing_from_the_log_are_told_from_the_billed_tokens() -> None:
    log = Log()
    for number in range(40):
        cached = {"short": 1500} if number == 0 else {"read": 1500}
        parts = [system("static", 1500), user(f"question {number}", 300)]
        log.call(number * 60, parts, "marked", **cached)  # type: ignore[arg-type]
    result = calibrate(traffic(log.store))
    assert result.models[0].predicted == result.models[0].billed == 39 * 1500


def test_billed_tokens_of_a_marked_prefix_beat_the_tokenizer() -> None:
    log = Log()
    for number in range(4):
        cached = {"short": 2600} if number == 0 else {"read": 2600}
        parts = [system("a picture", 1200, "5m"), user(f"question {number}", 300)]
        log.call(number * 60, parts, "marked", input_tokens=2900, **cached)  # type: ignore[arg-type]
    assert calibrate(traffic(log.store)).today.read.tolist() == [0, 2600, 2600, 2600]


def test_measure_prints_predicted_and_billed_tokens_and_is_kept_in_the_file() -> None:
    log = Log()
    steady(log, life_s=600, missed=0.1)
    (row,) = summary(log.store).measures["prompt_cache_calibration"]
    assert row["key"] == "auto"
    assert row["billed_share"] == pytest.approx(row["billed_tokens"] / row["predicted_tokens"])
    assert row["life_seconds"] == 600
    kept = log.store.meta("prompt_cache_calibration")
    assert models_of(log.store)[0].billed == row["billed_tokens"]
    log.call(10**6, [system("static", 1408), user("new", 100)], read=1408)
    models_of(log.store)
    assert log.store.meta("prompt_cache_calibration") != kept


def test_measure_is_empty_without_cached_tokens() -> None:
    log = Log()
    log.call(0, [system("static", 1408), user("one", 100)])
    assert summary(log.store).measures["prompt_cache_calibration"] == []


def test_sample_logs_are_explained_request_by_request() -> None:
    log = Log()
    names = ("agent-anthropic-messages", "backoffice-anthropic-messages", "search-openai-responses")
    ingest(log.store, [str(SAMPLES / f"{name}.jsonl.gz") for name in names])
    found = traffic(log.store)
    result = calibrate(found)
    billed = found.read > 0
    away = np.abs(result.today.read - found.read)[billed].sum() / found.read[billed].sum()
    assert away < 0.02
    marked = found.of_rule("match") == "breakpoints"
    assert np.sum(result.today.read[marked]) == pytest.approx(np.sum(found.read[marked]), rel=0.02)
    # the provider of the samples sends one call in twenty to a machine without the entry
    missed = np.sum(~billed & (result.today.read > 0)) / np.sum(result.today.read > 0)
    assert 0 < missed < 0.12
