"""At which price a candidate answers, where only the configuration says: a saving measured there rests on that word."""

from __future__ import annotations

from audit.config import Config
from audit.store import Store

_CANDIDATES = """
SELECT endpoint, model FROM verdict WHERE verdict = 'safe' AND variant = ''
UNION
SELECT endpoint, model FROM policy WHERE outcome = 'offered'
ORDER BY endpoint, model
"""


def stated_prices(store: Store, config: Config) -> tuple[str, ...]:
    """A sentence for each certified candidate whose endpoint states a price of its own."""
    stated = {each.name: each for each in config.endpoint}
    found = []
    for row in store.rows(_CANDIDATES):
        endpoint = stated.get(row["endpoint"])
        if endpoint is None or (endpoint.input_per_million is None and endpoint.output_per_million is None):
            continue
        prices = f"${endpoint.input_per_million or 0:g} and ${endpoint.output_per_million or 0:g}"
        found.append(
            f"{row['model']} is counted at {prices} per million input and output tokens, as stated for endpoint"
            f" {row['endpoint']}: nobody's list price"
        )
    return tuple(found)
