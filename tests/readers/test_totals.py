from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.wire.times import to_us

LOGS = Path(__file__).parent.parent / "fixtures" / "logs"
EXPECTED: dict[str, Any] = {
    name: wanted for name, wanted in json.loads((LOGS / "expected.json").read_text()).items() if name != "_rules"
}
READERS = {
    "01_openai_chat_pairs": "openai_chat",
    "04a_anthropic_messages": "anthropic_messages",
    "04b_anthropic_batch_results": "anthropic_batch",
    "05a_litellm_spendlogs": "litellm_spendlogs",
    "12a_azure_apim_gatewaylogs": "azure_apim",
    "12c_azure_openai_requestresponse": "azure_openai",
    "13b_gemini_pairs": "gemini",
}


@pytest.mark.parametrize(("name", "reader"), READERS.items())
def test_totals_are_exact(name: str, reader: str, read: Callable[..., Any]) -> None:
    wanted = EXPECTED[name]
    found = read(f"logs/{wanted['files'][0]}")
    assert set(found.readers) == {reader}
    assert found.unknown == 0
    totals = found.totals()
    assert totals.pop("first_us") == to_us(wanted["first_ts_utc"])
    assert totals.pop("last_us") == to_us(wanted["last_ts_utc"])
    for key, value in totals.items():
        # null: the format cannot tell
        assert value == (wanted[key] or type(value)()), key
    if "logged_cost_usd" in wanted:
        logged = sum(call.logged_cost_usd or 0 for call in found.calls if call.status == "ok")
        assert logged == pytest.approx(wanted["logged_cost_usd"], abs=1e-12)
