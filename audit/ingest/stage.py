"""The stage itself: inputs in, tables of the audit file out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from audit.containers import Place, expand
from audit.errors import StoreError
from audit.hashes import SCHEME
from audit.ingest.catalog import UNSETTLED, Catalog
from audit.ingest.options import Options
from audit.ingest.plan import Plan
from audit.ingest.result import IngestResult
from audit.ingest.sources import forget_rejected
from audit.store import Store

if TYPE_CHECKING:
    from audit.prices.catalogue import Catalogue

Progress = Callable[[int, int, int], None]
"""Called with bytes read, bytes in all (0 when a stream's size is not known), and calls read so far."""

_PRICE_SETTINGS = "price_settings"
_HASHES = "hash_scheme"


def ingest(
    store: Store,
    inputs: Iterable[str | Path],
    *,
    mapping: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    catalogue: Callable[[], Catalogue] | None = None,
    price_settings: str = "",
    content: bool = True,
    sets: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> IngestResult:
    """Read logs into the audit file, each call exactly once.

    `inputs` are files, folders, patterns, `-` for standard input, or addresses of object storage. `mapping` names the
    fields of records no reader knows, `tags` maps user, team, feature and environment to keys of a call's tags.
    `catalogue` gives the prices when they are first needed (the shipped ones without it); `price_settings` stands for
    what it is made of beside the price data (contracts, aliases), and when that is not as before, or the prices are
    not, everything is priced anew. Without `content` texts are hashed and counted but not kept. With `sets` evaluation
    sets are read as what they hold, requests and responses; what audit wrote is refused otherwise. Stopped at any
    moment, it leaves what was committed; run again, it ends in the same state.
    """
    _check_hashes(store)
    places = list(expand(inputs))
    if mapping or sets:
        forget_rejected(store, [each.label for each in places if isinstance(each, Place)])
    plan = Plan(places, Catalog(store))
    anew = store.meta(_PRICE_SETTINGS) not in (None, price_settings)
    if not plan.is_empty or anew or store.meta(UNSETTLED):
        # a file known before is told in less time than the readers and prices take to load
        from audit.ingest.run import Run

        options = Options(dict(tags or {}), dict(mapping or {}), content, sets)
        with Run(store, plan, options, catalogue, anew=anew, workers=workers, progress=progress) as run:
            run.read()
            run.settle({_PRICE_SETTINGS: price_settings})
    return IngestResult(plan.results)


def reprice(store: Store, catalogue: Callable[[], Catalogue] | None = None) -> None:
    """Price everything in the audit file anew: after a change of contracts, aliases or price data."""
    from audit.ingest.charges import Pricing

    with store.transaction():
        Pricing(store, catalogue, anew=True).finish()


def _check_hashes(store: Store) -> None:
    """A file whose prompts were hashed by other rules would never find them again in new logs."""
    if store.meta(_HASHES) == SCHEME:
        return
    if store.value("SELECT request_id FROM request LIMIT 1") is not None:
        raise StoreError(
            f"{store.path} was begun by another version, which tells prompts apart in another way",
            "read all logs into a new file, with --db",
        )
    store.set_meta(_HASHES, SCHEME)
